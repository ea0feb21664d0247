/**
 * Slow growth of the call rate: calls a minute against a slow anchor, summed up by a one-sided CUSUM. It promises to see
 * what no window can, a rate that grows too slowly for any one minute to look strange, and what no CUSUM can, an anchor
 * that was led away over weeks. It says nothing before the agent has been watched for some hours, nor of agents that are
 * idle most of the time.
 *
 * A minute's count x stands as 2 sqrt(x + 3/8), whose variance is 1 for a Poisson count of any mean (Anscombe, Biometrika
 * 35, 1948), so that one slack serves all rates. Deviations are in the agent's own standard deviations, and those of whole
 * hours say how much longer than a minute its moods last. The score is what Siegmund's approximation of the run length
 * (Sequential Analysis, 1985, section 10.2) makes of the CUSUM: under its null law the largest of a day of minutes is a
 * Gumbel variable of scale 1, in nats.
 */
import { DETECTORS, F, type Profile } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('ramp');
const MINUTE_MS = 60_000;
const HOURS = 24;
const MINUTES = 60;
/** All of the first minutes are learned, then one in so many: a prime, so that no clockwork falls in step with it. */
const WARM_MINUTES = 60;
const LEARNED_EVERY = 17;
/** Memory of the anchor, learned minutes: a half-life of 14 days. */
const ANCHOR_MEMORY = (14 * 1440) / LEARNED_EVERY / Math.LN2;
/** Memory of the level of late, minutes. */
const FAST_MEMORY = 16;
/** Slack of the CUSUM, and what the anchor's own error adds to it, standard deviations; clamp of one step; its end. */
const SLACK = 0.5;
const ANCHOR_ERRORS = 1;
const STEP_MAX = 3;
const UP_MAX = 400;
/** Longest step, minutes. */
const BLOCK_MAX = 240;
/** Excess of a random walk over its boundary, standard deviations (Siegmund). */
const OVERSHOOT = 1.166;
/** From here on the anchor is frozen; before so many closed days it never is, because it knows no day yet. */
const FREEZE = 4;
const OPEN_DAYS = 7;
/** One learned minute moves the anchor by at most so many standard deviations over its weight. */
const CLAMP = 2.5;
/** Memory of the variances, learned minutes: four days, so that hours of the day soon show what they are worth. */
const VARIANCE_MEMORY = (4 * 1440) / LEARNED_EVERY;
/** A Poisson count's variance, and the learned minutes that it is worth. */
const PRIOR_VARIANCE = 1;
const PRIOR_WEIGHT = 1;
/** No count is believed to be steadier than this, calls, nor than this part of its level. */
const STEADY_CALLS = 0.4;
const STEADY_PART = 0.01;
/** Hours of the day are shrunk towards the flat level by so many learned minutes, and used once they err this much less. */
const HOUR_PRIOR = 8;
const HOUR_GAIN = 0.9;
/** Hours learned, and at least so many minutes in one, before the law of hours counts; memory; prior. */
const LONG_LEAST = 4;
const LONG_MINUTES = 30;
const LONG_MEMORY = 96;
const LONG_PRIOR = 4;
/** The anchor may grow by this factor since a person or its first days confirmed it; standard errors that this must be. */
const MOVED_MAX = 2;
const MOVED_ERRORS = 4;
/** Score of an anchor that stands at its end, nats: above all that the CUSUM can say. */
const MOVED_NATS = 500;
/** Calls a minute below which an agent has tasks and no rate: how often those begin is for the windows to say. */
const CALLS_LEAST = 0.3;
/** Variance of a minute's level below which an agent keeps time: a quarter of what chance does. */
const CLOCKWORK = 0.25;
/** A longer silence is all silence. */
const GAP_MAX = 14 * 1440;

/** Index of the feature of an anchor that has been led away. */
export const ANCHOR_MOVED_FEATURE = 1;

/** Stabilises the variance of a count. */
function levelOf(calls: number): number {
  return 2 * Math.sqrt(calls + 0.375);
}

function callsOf(level: number): number {
  return Math.max(0, 0.25 * level * level - 0.375);
}

/** Calls a minute that the anchor stands for; 0 before anything was learned. */
export function anchorCalls(p: Profile): number {
  return callsOf(p.f32[p.at4 + F.rampLevel]);
}

/** Calls a minute of late, and where the anchor was last confirmed; 0: never, or nothing was learned. */
export function paceOf(p: Profile): { readonly late: number; readonly confirmed: number } {
  return { late: callsOf(p.f32[p.at4 + F.rampFast]), confirmed: callsOf(p.f32[p.at4 + F.rampConfirmed]) };
}

/**
 * Calls in each UTC hour of the day over those of an average hour; null where hours predict no better than the mean. The
 * mean of x is that of its level L squared: (E L^2 + Var L) / 4 - 3/8.
 */
export function hourShares(p: Profile): number[] | null {
  if (!usesHours(p)) return null;
  const { f32, at4 } = p;
  const calls = Array.from({ length: HOURS }, (_, hour) => {
    const level = Math.max(0, f32[at4 + F.rampLevel] + f32[at4 + F.rampHour + hour]);
    return Math.max(0, (level * level + f32[at4 + F.rampHourVar]) / 4 - 0.375);
  });
  const mean = calls.reduce((sum, one) => sum + one, 0) / HOURS;
  return mean > 0 ? calls.map((one) => one / mean) : null;
}

/**
 * Whether the agent keeps time better than chance does, hour by hour too: it runs by a clock, and what its pace may do is
 * known after hours, not days.
 */
export function isClockwork(p: Profile): boolean {
  const { f32, at4 } = p;
  return f32[at4 + F.rampLongWeight] >= LONG_LEAST && f32[at4 + F.rampFlatVar] < CLOCKWORK && f32[at4 + F.rampLong] < 1;
}

/** Calls a minute that grow slowly, against the anchor. */
export const ramp: Detector = {
  name: 'ramp',
  features: ['calls a minute of late, against the slow anchor', 'calls a minute of the anchor since it was confirmed'],
  count(o: Observation): void {
    const p = o.profile;
    closeMinutes(p, Math.floor(o.timeMs / MINUTE_MS));
    p.f32[p.at4 + F.rampCount]++;
  },
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    // It moves when a minute closes; the first event of the next one hears of it.
    const isDue = !o.isLate && p.f32[p.at4 + F.rampCount] === 1 && p.f32[p.at4 + F.rampLongWeight] >= LONG_LEAST;
    if (!isDue || anchorCalls(p) < CALLS_LEAST) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    const end = movedEnd(p);
    if (end > 0 && p.f32[p.at4 + F.rampLevel] >= end) {
      const confirmed = callsOf(p.f32[p.at4 + F.rampConfirmed]);
      readings.set(INDEX, MOVED_NATS, ANCHOR_MOVED_FEATURE, anchorCalls(p), confirmed);
      return;
    }
    const up = p.f32[p.at4 + F.rampUp];
    const score = up > 0 ? 2 * SLACK * (up + OVERSHOOT) : 0;
    readings.set(INDEX, score, 0, callsOf(p.f32[p.at4 + F.rampFast]), callsOf(expectedLevel(p, minuteOf(p))));
  },
  /** Minutes are learned when they close, as time goes by. */
  learn(): void {},
};

/** Takes the level of late for the new anchor, because a person said that it is right. */
export function confirmLevel(p: Profile): void {
  const level = p.f32[p.at4 + F.rampFast];
  p.f32[p.at4 + F.rampLevel] = level;
  p.f32[p.at4 + F.rampConfirmed] = level;
  p.f32[p.at4 + F.rampUp] = 0;
}

function minuteOf(p: Profile): number {
  return p.u32[p.at4 + F.rampMinute];
}

/** Closes the running minute and the empty ones up to `minute`, an hour at a time. */
function closeMinutes(p: Profile, minute: number): void {
  const at = p.at4 + F.rampMinute;
  const running = p.u32[at];
  if (minute <= running) return;
  p.u32[at] = minute;
  const count = p.f32[p.at4 + F.rampCount];
  p.f32[p.at4 + F.rampCount] = 0;
  if (running === 0) {
    p.f32[p.at4 + F.rampFlatVar] = PRIOR_VARIANCE;
    p.f32[p.at4 + F.rampHourVar] = PRIOR_VARIANCE;
    p.f32[p.at4 + F.rampLong] = 1;
    return;
  }
  takeMinutes(p, running, 1, count);
  let from = Math.max(running + 1, minute - GAP_MAX);
  while (from < minute) {
    const to = Math.min(minute, from - (from % MINUTES) + MINUTES);
    takeMinutes(p, from, to - from, 0);
    from = to;
  }
}

/** Takes `length` minutes of the same hour with `calls` each, beginning with `minute`. */
function takeMinutes(p: Profile, minute: number, length: number, calls: number): void {
  const { f32, at4 } = p;
  const level = levelOf(calls);
  const weight = f32[at4 + F.rampWeight];
  const fast = at4 + F.rampFast;
  if (f32[fast] === 0) {
    // The first minute began before the agent did: its count is only a part.
    f32[fast] = level;
    return;
  }
  f32[fast] = level + (f32[fast] - level) * Math.exp(length * Math.log1p(-1 / FAST_MEMORY));
  const isWarm = weight >= WARM_MINUTES;
  if (isWarm) sumUp(p, length, (level - expectedLevel(p, minute)) / spreadOf(p), weight);
  const learned = isWarm
    ? Math.floor((minute + length) / LEARNED_EVERY) - Math.floor(minute / LEARNED_EVERY)
    : Math.min(length, WARM_MINUTES);
  const isOpen = p.u32[at4 + F.days] < OPEN_DAYS;
  if (learned > 0 && (isOpen || f32[at4 + F.rampUp] < FREEZE)) learnLevel(p, minute, learned, level);
  if (!isOpen && f32[at4 + F.rampConfirmed] === 0) f32[at4 + F.rampConfirmed] = f32[at4 + F.rampLevel];
  if (isWarm && (minute + length) % MINUTES === 0) closeHour(p, isOpen);
}

/**
 * Moves the CUSUM by `length` minutes of the deviation z, and keeps their sum for the law of hours. Its steps are blocks
 * of as many minutes as the agent's moods last: a burst is one step of a bursty agent, and no climb.
 */
function sumUp(p: Profile, length: number, z: number, weight: number): void {
  const { f32, at4 } = p;
  const clamped = clamp(z, STEP_MAX);
  f32[at4 + F.rampHourSum] += length * clamped;
  f32[at4 + F.rampHourSize] += length;
  const long = f32[at4 + F.rampLong] > 1 ? f32[at4 + F.rampLong] : 1;
  const size = f32[at4 + F.rampBlockSize] + length;
  const sum = f32[at4 + F.rampBlockSum] + length * clamped;
  const isFull = size >= Math.min(long, BLOCK_MAX);
  f32[at4 + F.rampBlockSize] = isFull ? 0 : size;
  f32[at4 + F.rampBlockSum] = isFull ? 0 : sum;
  if (!isFull) return;
  const step = clamp(sum / Math.sqrt(size * long), STEP_MAX) - SLACK - ANCHOR_ERRORS / Math.sqrt(weight);
  const up = f32[at4 + F.rampUp] + (length > 1 && step < 0 ? Math.max(1, length / long) : 1) * step;
  f32[at4 + F.rampUp] = up < 0 ? 0 : up > UP_MAX ? UP_MAX : up;
}

/** Takes learned minutes into anchor, hour of the day and their variances. */
function learnLevel(p: Profile, minute: number, learned: number, level: number): void {
  const { f32, at4 } = p;
  const weight = f32[at4 + F.rampWeight];
  const next = Math.min(ANCHOR_MEMORY, weight + learned);
  f32[at4 + F.rampWeight] = next;
  if (weight === 0) {
    f32[at4 + F.rampLevel] = level;
    return;
  }
  const part = Math.min(1, learned / next);
  const limit = weight >= WARM_MINUTES ? CLAMP * spreadOf(p) : Number.POSITIVE_INFINITY;
  const flat = clamp(level - f32[at4 + F.rampLevel], limit);
  const hourly = clamp(level - f32[at4 + F.rampLevel] - f32[at4 + F.rampHour + hourOf(minute)], limit);
  const spread = Math.min(1, learned / (Math.min(next, VARIANCE_MEMORY) + PRIOR_WEIGHT));
  f32[at4 + F.rampFlatVar] += (flat * flat - f32[at4 + F.rampFlatVar]) * spread;
  f32[at4 + F.rampHourVar] += (hourly * hourly - f32[at4 + F.rampHourVar]) * spread;
  f32[at4 + F.rampHour + hourOf(minute)] += hourly * Math.min(1, learned / (HOUR_PRIOR + next / HOURS));
  const moved = f32[at4 + F.rampLevel] + flat * part;
  const end = movedEnd(p);
  f32[at4 + F.rampLevel] = end > 0 && moved > end ? end : moved;
}

/** A finished hour: its sum of deviations, squared, over what independent minutes would make of it. */
function closeHour(p: Profile, isOpen: boolean): void {
  const { f32, at4 } = p;
  const size = f32[at4 + F.rampHourSize];
  const sum = f32[at4 + F.rampHourSum];
  f32[at4 + F.rampHourSize] = 0;
  f32[at4 + F.rampHourSum] = 0;
  if (size < LONG_MINUTES || !(isOpen || f32[at4 + F.rampUp] < FREEZE)) return;
  const hours = Math.min(LONG_MEMORY, f32[at4 + F.rampLongWeight] + 1);
  f32[at4 + F.rampLongWeight] = hours;
  f32[at4 + F.rampLong] += ((sum * sum) / size - f32[at4 + F.rampLong]) / (hours + LONG_PRIOR);
}

/** Level that the anchor expects in a minute: of its hour of the day, once those predict better than the flat one. */
function expectedLevel(p: Profile, minute: number): number {
  const flat = p.f32[p.at4 + F.rampLevel];
  return usesHours(p) ? flat + p.f32[p.at4 + F.rampHour + hourOf(minute)] : flat;
}

function usesHours(p: Profile): boolean {
  return p.u32[p.at4 + F.days] >= 1 && p.f32[p.at4 + F.rampHourVar] < HOUR_GAIN * p.f32[p.at4 + F.rampFlatVar];
}

/** Standard deviation of a minute's level around what is expected. */
function spreadOf(p: Profile): number {
  const variance = p.f32[p.at4 + (usesHours(p) ? F.rampHourVar : F.rampFlatVar)];
  const root = Math.sqrt(Math.max(1, callsOf(p.f32[p.at4 + F.rampLevel])));
  const least = STEADY_CALLS / root + STEADY_PART * root;
  return Math.sqrt(Math.max(variance, least * least));
}

/** Level beyond which the anchor may not go; 0 where it was not confirmed, or is known too badly for such a factor. */
function movedEnd(p: Profile): number {
  const { f32, at4 } = p;
  const confirmed = f32[at4 + F.rampConfirmed];
  if (confirmed === 0) return 0;
  // As the profile keeps it: half of all ends would else lie above what the anchor stands at when it has come to one.
  const end = Math.fround(levelOf(MOVED_MAX * callsOf(confirmed)));
  const variance = f32[at4 + F.rampFlatVar] * Math.max(1, f32[at4 + F.rampLong]);
  const error = Math.sqrt(variance / Math.max(1, f32[at4 + F.rampWeight]));
  return end - confirmed > MOVED_ERRORS * error ? end : 0;
}

function hourOf(minute: number): number {
  return Math.floor(minute / MINUTES) % HOURS;
}

function clamp(x: number, limit: number): number {
  return x > limit ? limit : x < -limit ? -limit : x;
}
