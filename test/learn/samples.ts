/** Samples as engines emit them, made by hand or taken from an engine at work. */
import { DETECTOR_COUNT, DETECTORS, WINDOW_COUNT } from '../../src/agent/layout.js';
import { agentKey } from '../../src/agent/table.js';
import type { Sample } from '../../src/engine/outcome.js';
import { traffic } from '../engine/traffic.js';
import { DAY_MS, engineOf, outcomeOf, START_MS, withTicks } from '../engine/world.js';

export type DaySample = Extract<Sample, { kind: 'day' }>;

export const keyOf = (agent: string): string => agentKey('', agent, true);

export interface Day {
  readonly agent: string;
  readonly day: number;
  readonly max?: number;
  /** Largest stated surprise, of every detector. */
  readonly surprise?: number;
  readonly marginal?: boolean;
  readonly paged?: boolean;
  /** Days of the agent closed before. */
  readonly days?: number;
  /** Mean count in every window, Poisson. */
  readonly count?: number;
}

export function dayOf({
  agent,
  day,
  max = 5,
  surprise = 1,
  marginal = false,
  paged = marginal,
  days = 20,
  count = 1,
}: Day): DaySample {
  return {
    kind: 'day',
    timeMs: START_MS + (day + 1) * DAY_MS,
    agent: keyOf(agent),
    id: `day:${START_MS / DAY_MS + day}`,
    days,
    max: new Array<number>(DETECTOR_COUNT).fill(max),
    surprise: new Array<number>(DETECTOR_COUNT).fill(surprise),
    marginal,
    paged,
    windowMean: new Array<number>(WINDOW_COUNT).fill(count),
    windowSquare: new Array<number>(WINDOW_COUNT).fill(count * count + count),
  };
}

export function adoptionOf(agent: string, hash: string, what: 'endpoint' | 'pair' = 'endpoint'): Sample {
  return { kind: 'adopted', timeMs: START_MS, agent: keyOf(agent), id: `${agent}-${hash}`, what, hash };
}

export function roleOf(agent: string, role: string | null, timeMs = START_MS): Sample {
  return { kind: 'role', timeMs, agent: keyOf(agent), id: '', role };
}

/** Samples of agents at work, every kind among them, by time. */
export function workSamples(seed: number, hours = 24 * 8): Sample[] {
  const work = traffic({ seed, agents: 8, hours, sessionsPerHour: 3 });
  const { samples } = outcomeOf(engineOf(), withTicks(work));
  const roles = ['agent-0', 'agent-1', 'agent-2'].map((agent) => roleOf(agent, 'clerk'));
  return [...roles, ...samples];
}

export const at = (name: (typeof DETECTORS)[number]): number => DETECTORS.indexOf(name);
