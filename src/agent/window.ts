/**
 * Counts in sliding windows, with the mean and the mean square of past buckets: what the count detectors compare.
 * A sliding count is the running bucket plus the part of the bucket before that is still inside the window.
 */
import { F, type Profile, WINDOW_MS, WINDOW_STEP_4, WINDOW_STEP_8 } from './layout.js';

/** Memory of a window's statistics: 14 days of buckets, at least 64. */
const MEMORY_MS = 14 * 86_400_000;
/** A bucket further above its mean than this many standard deviations is learned as if it stood there. */
const CLAMP_DEVIATIONS = 6;

/** Each closed bucket may have moved the law by a part of 1/weight: what was quiet by so many such parts still is. */
const QUIET_PARTS = 4;

const memory = WINDOW_MS.map((ms) => Math.max(64, MEMORY_MS / ms));

/** Learns one closed bucket of count `x`, clamped once the window has seen enough to know what is usual. */
function learnBucket(p: Profile, w: number, x: number): void {
  const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
  const mean = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w];
  const square = p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w];
  let value = x;
  if (n > 128) {
    const cap = mean + CLAMP_DEVIATIONS * Math.sqrt(Math.max(square - mean * mean, mean)) + 3;
    if (value > cap) value = cap;
  }
  const next = n < memory[w] ? n + 1 : memory[w];
  p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w] = next;
  p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w] = mean + (value - mean) / next;
  p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w] = square + (value * value - square) / next;
}

/** Learns `m` empty buckets at once. */
function learnEmpty(p: Profile, w: number, m: number): void {
  const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
  const cap = memory[w];
  // What m single buckets of 0 would have done: weights of 1/n up to the memory, of 1/cap beyond it.
  const growing = Math.min(m, Math.max(0, cap - n));
  const keep = (n / Math.max(1, n + growing)) * Math.exp((m - growing) * Math.log1p(-1 / cap));
  p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w] = Math.min(n + m, cap);
  p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w] *= keep;
  p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w] *= keep;
}

/** Empty buckets beyond so many memories are not told from so many: their weight would overflow. */
const EMPTY_MEMORIES = 600;

/** Buckets that window `w` had learned before its last `m`; where its memory is full now, it counts as full then. */
export function weightBefore(p: Profile, w: number, m: number): number {
  const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
  return n < memory[w] ? Math.max(0, n - m) : n;
}

/**
 * How many times mean and mean square of window `w` stood higher before its last `m` buckets, all empty, were learned.
 * Where the memory has become full by them, no less than this.
 */
export function beforeEmpty(p: Profile, w: number, m: number): number {
  if (m <= 0) return 1;
  const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
  const cap = memory[w];
  if (n < cap) return n / Math.max(1, weightBefore(p, w, m));
  return Math.exp(-Math.min(m, EMPTY_MEMORIES * cap) * Math.log1p(-1 / cap));
}

/** Moves window `w` to `timeMs`: closes and learns every bucket that ended before it. */
export function advanceWindow(p: Profile, w: number, timeMs: number): void {
  const index = Math.floor(timeMs / WINDOW_MS[w]);
  const at = p.at4 + F.windowIndex + WINDOW_STEP_4 * w;
  const gone = index - p.u32[at];
  if (gone <= 0) return;
  const current = p.at4 + F.windowCurrent + WINDOW_STEP_4 * w;
  const previous = p.at4 + F.windowPrevious + WINDOW_STEP_4 * w;
  if (p.u32[at] !== 0) {
    learnBucket(p, w, p.f32[current]);
    if (gone > 1) learnEmpty(p, w, gone - 1);
  }
  p.f32[previous] = gone === 1 ? p.f32[current] : 0;
  p.f32[current] = 0;
  const moved = (QUIET_PARTS * gone) / Math.max(1, p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w]);
  p.f32[p.at4 + F.windowQuiet + WINDOW_STEP_4 * w] *= moved < 1 ? 1 - moved : 0;
  p.u32[at] = index;
}

/** Count inside the window that ends at `timeMs`; the window must have been advanced to it. */
export function slidingCount(p: Profile, w: number, timeMs: number): number {
  const ms = WINDOW_MS[w];
  const part = (timeMs - p.u32[p.at4 + F.windowIndex + WINDOW_STEP_4 * w] * ms) / ms;
  return (
    p.f32[p.at4 + F.windowCurrent + WINDOW_STEP_4 * w] +
    p.f32[p.at4 + F.windowPrevious + WINDOW_STEP_4 * w] * (1 - part)
  );
}

/**
 * Buckets of window `w` that the agent has lived through: of its first only what came after its first call, which the
 * shortest window knows to ten seconds. For agents younger than the memory of that one.
 */
export function livedBuckets(p: Profile, w: number): number {
  if (p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w] === 0) return 0;
  const bornMs = (p.u32[p.at4 + F.windowIndex] - p.f32[p.at4 + F.windowWeight]) * WINDOW_MS[0];
  return (p.u32[p.at4 + F.windowIndex + WINDOW_STEP_4 * w] * WINDOW_MS[w] - bornMs) / WINDOW_MS[w];
}

/**
 * The sliding count while the bucket before is the agent's first: as if its calls lay evenly over a bucket that the agent
 * did not live through, a newcomer would be believed to have called less than it did. Its first call is taken to have
 * come in the middle of the shortest window's bucket, which is all that is known of it.
 */
export function firstCount(p: Profile, w: number, timeMs: number): number {
  const ms = WINDOW_MS[w];
  const lived = livedBuckets(p, w) - WINDOW_MS[0] / (2 * ms);
  const inside = ((p.u32[p.at4 + F.windowIndex + WINDOW_STEP_4 * w] + 1) * ms - timeMs) / ms;
  const part = inside < lived ? inside / lived : 1;
  return (
    p.f32[p.at4 + F.windowCurrent + WINDOW_STEP_4 * w] + p.f32[p.at4 + F.windowPrevious + WINDOW_STEP_4 * w] * part
  );
}

/** Adds to the running bucket of a window. */
export function addCount(p: Profile, w: number, count: number): void {
  p.f32[p.at4 + F.windowCurrent + WINDOW_STEP_4 * w] += count;
}

/** Variance of a bucket's count, never below the Poisson model's (a metronome must stay covered). */
export function windowVariance(p: Profile, w: number): number {
  const mean = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w];
  return Math.max(p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w] - mean * mean, mean);
}
