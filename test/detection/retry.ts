/** The worked example: tasks of five to ten calls, until one of them makes 500 in an hour against a rate limit. */
import type { Finding } from '../../src/decide/finding.js';
import type { AgentEvent } from '../../src/event/event.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS } from '../engine/world.js';
import { firstWithin, play, timeOf } from './arena.js';
import { medianOf } from './burst.js';
import { eventsOf, merged } from './rhythm.js';

const LOOP_CALLS = 500;
const TASK_GAP_MS = 90 * SECOND_MS;

export interface RetryFigures {
  readonly seeds: number;
  /** Seeds with a page during the loop, and those whose first page says what it is. */
  readonly paged: number;
  readonly explained: number;
  /** Calls of the loop, and seconds, until the first page. */
  readonly medianCalls: number;
  readonly medianS: number;
  /** Suspended under the shipped policy while it lasted. */
  readonly stopped: number;
  readonly title: string;
}

function* loop(seed: number, fromMs: number): Generator<AgentEvent> {
  for (let call = 0; call < LOOP_CALLS; call++) {
    const timeMs = Math.floor(fromMs + (call * HOUR_MS) / LOOP_CALLS);
    const what = { endpoint: 'shipping.track', target: 'parcel/1', status: 'error', errorType: '429' } as const;
    yield eventOf({ ...what, id: `loop-${seed}-${call}`, agent: 'clerk', session: `loop-${seed}`, timeMs });
  }
}

/** Whether a finding says that it is a retry loop, and that a rate limit causes it. */
export function saysRateLimit({ kind, title }: Finding): boolean {
  return kind === 'retry-loop' && /limits its rate/.test(title);
}

/** The loop begins after `days` of ordinary tasks. */
export function measureRetry(days: number, seeds: number): RetryFigures {
  const calls: number[] = [];
  const seconds: number[] = [];
  let [explained, stopped] = [0, 0];
  let title = '';
  for (let seed = 0; seed < seeds; seed++) {
    const fromMs = START_MS + days * DAY_MS + (10 + seed) * MINUTE_MS;
    const toMs = fromMs + HOUR_MS;
    const ordinary = eventsOf({ name: 'clerk', rhythm: 'poisson', seed: `retry-${seed}`, gapMs: TASK_GAP_MS, toMs });
    const { findings, decisions } = play(merged([ordinary, loop(seed, fromMs)]));
    const page = firstWithin(findings, fromMs, toMs, ({ severity }) => severity !== 'low');
    const s = page === null ? Number.POSITIVE_INFINITY : (timeOf(page) - fromMs) / SECOND_MS;
    seconds.push(s);
    calls.push((s * LOOP_CALLS) / 3600 + 1);
    if (page !== null && saysRateLimit(page)) explained++;
    if (page !== null) title = page.title;
    if (decisions.some(({ effect, action }) => effect === 'applied' && action === 'suspend')) stopped++;
  }
  const paged = seconds.filter(Number.isFinite).length;
  return { seeds, paged, explained, medianCalls: medianOf(calls), medianS: medianOf(seconds), stopped, title };
}
