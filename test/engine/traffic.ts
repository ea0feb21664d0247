/** Seeded traffic that touches every part of an engine: sessions, targets, failures, costs, bursts, sub-agents. */
import type { EventRecord } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { eventOf, HOUR_MS, MINUTE_MS, recordOf, START_MS } from './world.js';

export interface TrafficOptions {
  readonly seed: number;
  readonly agents: number;
  readonly hours: number;
  /** Sessions per agent and hour. */
  readonly sessionsPerHour: number;
  readonly prefix?: string;
  /** Share of sessions of senders that are not bound. */
  readonly unbound?: number;
}

/** Records by time. An agent works in stretches of several hours and rests in between. */
export function traffic(options: TrafficOptions): EventRecord[] {
  const records: EventRecord[] = [];
  for (let at = 0; at < options.agents; at++) {
    const agent = `${options.prefix ?? 'agent'}-${at}`;
    const random = createRandom(`${options.seed}/${agent}`);
    const endMs = START_MS + options.hours * HOUR_MS;
    let timeMs = START_MS + random.next() * HOUR_MS;
    while (timeMs < endMs) {
      records.push(...session(agent, Math.floor(timeMs), random, random.next() < (options.unbound ?? 0)));
      timeMs += (HOUR_MS / options.sessionsPerHour) * random.exponential();
      if (random.next() < 0.05) timeMs += random.between(1, 9) * HOUR_MS;
    }
  }
  return records.sort((a, b) => a.event.timeMs - b.event.timeMs);
}

function session(agent: string, startMs: number, random: Random, unbound: boolean): EventRecord[] {
  const name = `${agent}-${startMs}`;
  const records: EventRecord[] = [];
  const calls = 2 + random.below(8);
  const runsAway = random.next() < 0.03;
  let timeMs = startMs;
  for (let call = 0; call < (runsAway ? 60 : calls); call++) {
    timeMs += Math.floor(runsAway ? random.between(100, 900) : random.between(1000, 3 * MINUTE_MS));
    records.push(
      recordOf(eventOf({ ...step(agent, random, runsAway), id: `${name}-${call}`, session: name, timeMs }), !unbound),
    );
  }
  return records;
}

function step(agent: string, random: Random, fails: boolean): Partial<AgentEvent> {
  if (fails) return { agent, endpoint: 'mail.send', target: 'mail/lost', status: 'error' };
  const odd = random.next();
  if (odd < 0.01) return { agent, endpoint: `odd.tool-${random.below(40)}`, target: `odd/${random.below(40)}` };
  if (odd < 0.03) {
    return { agent: `${agent}/sub-${random.below(3)}`, parent: agent, operation: 'invoke_agent', endpoint: 'plan' };
  }
  if (odd < 0.5) {
    const costUsd = random.logNormal(0.02, 0.8);
    return {
      agent,
      operation: 'chat',
      endpoint: 'model-1',
      inputTokens: 900,
      outputTokens: random.below(400),
      costUsd,
    };
  }
  const status = random.next() < 0.04 ? 'error' : 'ok';
  return {
    agent,
    endpoint: `tool-${random.below(4)}`,
    target: `file/${random.below(12)}`,
    status,
    bytesOut: random.below(5000),
  };
}
