/** Rules that anybody could write in an afternoon: what a detector must beat, judged by the same code. */
import type { Step } from './traffic.js';
import type { Raised } from './windows.js';

/**
 * `x10`: more than ten times the agent's mean of the training days within half an hour. `new-tool`, `new-target`: an
 * endpoint, or an endpoint with its target, that the agent never used before; model calls apart.
 */
export const RULES = ['x10', 'new-tool', 'new-target'] as const;
/** One of them. */
export type RuleName = (typeof RULES)[number];

/** A rule at work: it takes every event in the recording's order and keeps what it would have paged about. */
export interface Rule {
  /** `startMs`: end of the training days, ms since the epoch; nothing is raised before. */
  take(step: Step, startMs: number): void;
  /** So far, in the order of the events. */
  readonly pages: readonly Raised[];
}

/** A rule pages once an hour for an agent and a cause, ms. */
const QUIET_MS = 3_600_000;
/** Window of x10, ms. */
const WINDOW_MS = 1_800_000;
const TIMES = 10;

/** A fresh rule. Memory grows with the endpoints and targets of the recording. */
export function createRule(name: RuleName): Rule {
  return name === 'x10' ? createTimesTen() : createNewness(name);
}

/** Collects pages, one for each agent and cause in an hour. */
function createPager(name: RuleName) {
  const pages: Raised[] = [];
  const lastMs = new Map<string, number>();
  return {
    pages,
    page: ({ timeMs, agent, session }: Step, cause: string): void => {
      const key = `${agent}\n${cause}`;
      const last = lastMs.get(key);
      if (last !== undefined && timeMs - last <= QUIET_MS) return;
      lastMs.set(key, timeMs);
      pages.push({ id: `${name}-${pages.length}`, timeMs, agent, session, isPage: true, p: null });
    },
  };
}

interface Pace {
  readonly firstMs: number;
  /** Events of the training days. */
  trained: number;
  /** Times of the last half hour are those from `head` on. */
  times: number[];
  head: number;
}

function createTimesTen(): Rule {
  const { pages, page } = createPager('x10');
  const paces = new Map<string, Pace>();
  return {
    pages,
    take: (step, startMs) => {
      const { agent, timeMs } = step;
      let pace = paces.get(agent);
      if (pace === undefined) {
        pace = { firstMs: timeMs, trained: 0, times: [], head: 0 };
        paces.set(agent, pace);
      }
      if (timeMs < startMs) pace.trained++;
      slide(pace, timeMs);
      if (timeMs < startMs || pace.trained === 0) return;
      const mean = pace.trained / Math.max(1, (startMs - pace.firstMs) / WINDOW_MS);
      if (pace.times.length - pace.head > TIMES * Math.max(mean, 1)) page(step, 'x10');
    },
  };
}

function slide(pace: Pace, timeMs: number): void {
  pace.times.push(timeMs);
  while (pace.times[pace.head] < timeMs - WINDOW_MS) pace.head++;
  if (pace.head * 2 <= pace.times.length) return;
  pace.times = pace.times.slice(pace.head);
  pace.head = 0;
}

function createNewness(name: 'new-tool' | 'new-target'): Rule {
  const { pages, page } = createPager(name);
  const known = new Map<string, Set<string>>();
  return {
    pages,
    take: (step, startMs) => {
      const { agent, operation, endpoint, target, timeMs } = step;
      if (operation === 'chat') return;
      // A line break stands in no name, so that no two pairs read alike; no target is another than an empty one.
      const what = name === 'new-tool' ? endpoint : target === null ? endpoint : `${endpoint}\n${target}`;
      let seen = known.get(agent);
      if (seen === undefined) {
        seen = new Set();
        known.set(agent, seen);
      }
      if (seen.has(what)) return;
      seen.add(what);
      if (timeMs >= startMs) page(step, what);
    },
  };
}
