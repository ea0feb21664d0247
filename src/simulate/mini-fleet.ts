/** The plainest fleets there are, for trying a detector on: one call at a time, on the beat or at random. */
import { createRandom } from '../math/random.js';
import { mergeStreams } from './agenda.js';
import { type Draft, HOUR_MS, type SimulatedEvent, toWire } from './wire.js';

/** Times in ms. */
export interface MiniFleetOptions {
  readonly seed: number;
  readonly agents: number;
  /** metronomic: evenly spaced to the ms; poisson: exponential gaps of the same mean. */
  readonly rhythm: 'metronomic' | 'poisson';
  /** Mean gap between two calls of one agent, at least 1. */
  readonly gapMs: number;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Events of agents mini-1, mini-2, ..., by time; one tool, one target, a session an hour, every call alike. */
export function* miniFleet(options: MiniFleetOptions): Generator<SimulatedEvent, void, undefined> {
  const agents = Array.from({ length: options.agents }, (_, at) => agentCalls(options, `mini-${at + 1}`));
  let count = 0;
  for (const draft of mergeStreams(agents)) yield toWire(draft, `mini-${options.seed}-${count++}`);
}

function* agentCalls(options: MiniFleetOptions, agent: string): Generator<Draft, void, undefined> {
  const { gapMs, startMs, rhythm } = options;
  const random = createRandom(`${options.seed}/${agent}`);
  const endMs = startMs + options.durationMs;
  // A phase of its own keeps the agents of a metronomic fleet apart.
  let exactMs = startMs + random.next() * gapMs;
  while (exactMs < endMs) {
    yield plainCall(agent, Math.floor(exactMs));
    exactMs += rhythm === 'metronomic' ? gapMs : gapMs * random.exponential();
  }
}

function plainCall(agent: string, timeMs: number): Draft {
  return {
    timeMs,
    agent,
    parent: null,
    session: `${agent}-${Math.floor(timeMs / HOUR_MS)}`,
    operation: 'execute_tool',
    endpoint: 'queue.poll',
    target: 'queue/main',
    status: 'ok',
    latencyMs: 20,
    inputTokens: null,
    outputTokens: null,
    costUsd: null,
    bytesOut: 64,
    model: null,
    version: '1.0.0',
    credential: 'sha256:mini',
    source: '10.0.0.1',
    injected: false,
  };
}
