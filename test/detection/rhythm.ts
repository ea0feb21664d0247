/** Seeded agents by how they keep time, and what they do: endless streams of events, put together by time. */
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { DAY_MS, eventOf, HOUR_MS, SECOND_MS, START_MS } from '../engine/world.js';

/**
 * Put before every seed of the measurements: what was chosen on one set of seeds is measured again on others by
 * `KILLDEER_TEST_SEED=2 npx vitest run test/detection`.
 */
const SEED = process.env.KILLDEER_TEST_SEED ?? '';

/** A generator of the measurements' seeds. */
export function seeded(seed: string): Random {
  return createRandom(SEED === '' ? seed : `${SEED}/${seed}`);
}

/** How an agent keeps time: ms from one call to the next, at a moment, for a mean gap at ordinary pace. */
export type Rhythm = (random: Random, gapMs: number, timeMs: number) => number;

const poisson: Rhythm = (random, gapMs) => gapMs * random.exponential();
/** Evenly spread within 20 % around its gap. */
const regular: Rhythm = (random, gapMs) => gapMs * random.between(0.8, 1.2);
const metronomic: Rhythm = (_random, gapMs) => gapMs;

/** Busy by day, all but idle by night: the pace swings by more than a factor of ten, and its mean is kept. */
const dayAndNight: Rhythm = (random, gapMs, timeMs) => {
  const pace = 1 + 0.9 * Math.sin((2 * Math.PI * (timeMs % DAY_MS)) / DAY_MS - Math.PI / 2);
  return Math.min(2 * HOUR_MS, (gapMs * random.exponential()) / pace);
};

/** Twenty calls in a row on average, then a pause that keeps the mean. */
const bursty: Rhythm = (random, gapMs) =>
  random.next() < 0.95 ? gapMs * 0.1 * random.exponential() : gapMs * 18.1 * random.exponential();

export const RHYTHMS = { poisson, regular, metronomic, 'day and night': dayAndNight, bursty } as const;
export type RhythmName = keyof typeof RHYTHMS;
export const RHYTHM_NAMES = Object.keys(RHYTHMS) as RhythmName[];

export interface Agent {
  readonly name: string;
  readonly rhythm: RhythmName;
  readonly seed: string | number;
  /** Mean gap between calls at ordinary pace, ms. */
  readonly gapMs: number;
  readonly fromMs?: number;
  readonly toMs: number;
  /** Times the ordinary pace, at a moment. */
  readonly paceAt?: (timeMs: number) => number;
  /** Calls of a session, at the least and the most. */
  readonly taskCalls?: readonly [number, number];
  /** What an event has beside time, agent and session. */
  readonly say?: (random: Random, timeMs: number) => Partial<AgentEvent>;
}

/** Calls of a task, and so of a session, at the least and the most. */
const TASK_CALLS = [5, 10] as const;
/** Calls of one session that never ends. */
export const ENDLESS = [1e9, 1e9] as const;
const ENDPOINTS = ['crm.read', 'crm.note', 'mail.draft'] as const;

/** A call of one of three tools on one of five targets, ordinary failures included. */
export function ordinaryCall(random: Random): Partial<AgentEvent> {
  return {
    endpoint: random.pick(ENDPOINTS),
    target: `account/${random.below(5)}`,
    status: random.next() < 0.01 ? 'error' : 'ok',
    bytesOut: Math.round(random.logNormal(400, 0.4)),
  };
}

/** The same call again and again. */
export function plainCall(): Partial<AgentEvent> {
  return { endpoint: 'queue.take', target: null };
}

/** An agent's events, by time. A task is a session; the next one begins with the next call. */
export function* eventsOf(agent: Agent): Generator<AgentEvent> {
  const { name, gapMs, toMs, paceAt = steady, say = ordinaryCall, taskCalls = TASK_CALLS } = agent;
  const [least, most] = taskCalls;
  const random = seeded(`${agent.seed}/${name}`);
  const rhythm = RHYTHMS[agent.rhythm];
  let timeMs = agent.fromMs ?? START_MS + random.next() * gapMs;
  let left = 0;
  let task = 0;
  for (let call = 0; timeMs < toMs; call++) {
    if (left-- === 0) {
      left = least + random.below(1 + most - least) - 1;
      task++;
    }
    const what = say(random, timeMs);
    const at = Math.floor(timeMs);
    yield eventOf({ ...what, id: `${name}-${call}`, agent: name, session: `${name}-task-${task}`, timeMs: at });
    timeMs = nextMs(rhythm(random, gapMs, timeMs), timeMs, paceAt);
  }
}

/** Where a gap that was drawn at ordinary pace ends: the pace may change under way. */
function nextMs(gapMs: number, fromMs: number, paceAt: (timeMs: number) => number): number {
  let left = gapMs;
  let timeMs = fromMs;
  for (;;) {
    const pace = paceAt(timeMs);
    const step = Math.min(left / pace, SECOND_MS);
    left -= step * pace;
    timeMs += step;
    if (left <= 1e-6) return timeMs;
    if (paceAt === steady) return timeMs + left;
  }
}

/** Ordinary pace throughout. */
export function steady(): number {
  return 1;
}

/** Several streams as one, by time; each must be in order. */
export function* merged(streams: readonly Iterable<AgentEvent>[]): Generator<AgentEvent> {
  const heads = streams.map((stream) => stream[Symbol.iterator]()).map((from) => ({ from, event: take(from) }));
  const heap = heads.filter((head) => head.event !== null);
  heap.sort((a, b) => timeOf(a) - timeOf(b));
  while (heap.length > 0) {
    const head = heap[0];
    yield head.event as AgentEvent;
    head.event = take(head.from);
    if (head.event === null) heap.shift();
    else sink(heap);
  }
}

interface Head {
  readonly from: Iterator<AgentEvent>;
  event: AgentEvent | null;
}

const timeOf = (head: Head): number => (head.event === null ? Number.POSITIVE_INFINITY : head.event.timeMs);

function take(from: Iterator<AgentEvent>): AgentEvent | null {
  const { done, value } = from.next();
  return done === true ? null : value;
}

/** Brings the first head of a sorted list to its place: by halves, because two hundred streams are long. */
function sink(heap: Head[]): void {
  const head = heap[0];
  let low = 1;
  let high = heap.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(heap[middle]) < timeOf(head)) low = middle + 1;
    else high = middle;
  }
  heap.copyWithin(0, 1, low);
  heap[low - 1] = head;
}
