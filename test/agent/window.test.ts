import { describe, expect, it } from 'vitest';
import { F, WINDOW_COUNT, WINDOW_MS, WINDOW_STEP_4, WINDOW_STEP_8 } from '../../src/agent/layout.js';
import {
  addCount,
  advanceWindow,
  beforeEmpty,
  firstCount,
  livedBuckets,
  slidingCount,
  weightBefore,
  windowVariance,
} from '../../src/agent/window.js';
import { createRandom } from '../../src/math/random.js';
import { createProfile, strayBytes } from './profile.js';

const T0 = Date.UTC(2025, 5, 2);
const MINUTE = 1;
const HOUR = 3;
const STARTS_LONG = 6;
const all = Array.from({ length: WINDOW_COUNT }, (_, w) => w);
const meanOf = (p: ReturnType<typeof createProfile>, w: number): number =>
  p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w];
const squareOf = (p: ReturnType<typeof createProfile>, w: number): number =>
  p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w];

/** A profile that has learned `buckets` closed buckets of the given counts, over and over. */
function taught(w: number, buckets: number, counts: readonly number[]) {
  const p = createProfile();
  for (let bucket = 0; bucket <= buckets; bucket++) {
    advanceWindow(p, w, T0 + bucket * WINDOW_MS[w]);
    if (bucket < buckets) addCount(p, w, counts[bucket % counts.length]);
  }
  return p;
}

describe('windows', () => {
  it('learn mean and mean square of closed buckets', () => {
    const p = taught(MINUTE, 100, [2, 4]);
    expect(meanOf(p, MINUTE)).toBeCloseTo(3, 9);
    expect(squareOf(p, MINUTE)).toBeCloseTo(10, 9);
    expect(windowVariance(p, MINUTE)).toBe(meanOf(p, MINUTE));
    expect(strayBytes(p)).toBe(0);
  });

  it('know how much of its first bucket an agent has lived through', () => {
    const p = createProfile();
    const born = T0 + 40 * 60_000;
    const turn = (timeMs: number): void => {
      for (const w of all) advanceWindow(p, w, timeMs);
    };
    turn(born);
    for (const w of all) expect(livedBuckets(p, w)).toBe(0);
    addCount(p, HOUR, 12);
    turn(T0 + 65 * 60_000);
    expect(livedBuckets(p, HOUR)).toBeCloseTo(20 / 60, 9);
    // All of the 12 calls lie within the last hour.
    expect(firstCount(p, HOUR, T0 + 65 * 60_000)).toBe(12);
    expect(slidingCount(p, HOUR, T0 + 65 * 60_000)).toBe(11);
    addCount(p, HOUR, 5);
    turn(T0 + 110 * 60_000);
    // Of the 20 minutes that the 12 calls came in, less the half bucket of 10 s before the first, ten are still within the hour.
    expect(firstCount(p, HOUR, T0 + 110 * 60_000)).toBeCloseTo(5 + (12 * 600) / 1_195, 9);
    turn(T0 + 10 * 3_600_000);
    expect(livedBuckets(p, HOUR)).toBeCloseTo(9 + 20 / 60, 9);
  });

  it('do not learn the bucket that is still running', () => {
    const p = taught(MINUTE, 10, [5]);
    const before = meanOf(p, MINUTE);
    addCount(p, MINUTE, 1000);
    advanceWindow(p, MINUTE, T0 + 10 * 60_000 + 59_999);
    expect(meanOf(p, MINUTE)).toBe(before);
  });

  it('know what stood before empty buckets were learned, exactly while the memory fills and at least from then on', () => {
    for (const [learned, empty] of [
      [30, 0],
      [30, 1],
      [30, 200],
      [300, 2000],
      [336, 500],
      [336, 336 * 500],
    ]) {
      const before = taught(HOUR, learned, [3, 5, 1]);
      const after = taught(HOUR, learned, [3, 5, 1]);
      advanceWindow(after, HOUR, T0 + (learned + empty) * WINDOW_MS[HOUR]);
      const wasFull = learned === 336;
      const isFull = after.f32[after.at4 + F.windowWeight + WINDOW_STEP_4 * HOUR] === 336;
      const part = (meanOf(after, HOUR) * beforeEmpty(after, HOUR, empty)) / meanOf(before, HOUR);
      expect(part).toBeLessThan(1 + 1e-6);
      expect(part).toBeGreaterThan(wasFull || !isFull ? 1 - 1e-6 : 0.1);
      expect(weightBefore(after, HOUR, empty)).toBe(isFull ? 336 : learned);
      expect(beforeEmpty(after, HOUR, 1e9)).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });

  it.each(all)('window %i: empty buckets at once teach what they teach one by one', (w) => {
    for (const [learned, empty] of [
      [10, 1],
      [10, 2],
      [20, 37],
      [30, 30],
    ]) {
      const many = taught(w, learned, [3, 5, 1]);
      const single = taught(w, learned, [3, 5, 1]);
      const endMs = T0 + (learned + empty) * WINDOW_MS[w];
      advanceWindow(many, w, endMs);
      for (let bucket = 1; bucket <= empty; bucket++) advanceWindow(single, w, T0 + (learned + bucket) * WINDOW_MS[w]);
      expect(Math.abs(meanOf(many, w) / meanOf(single, w) - 1), `${learned} + ${empty}`).toBeLessThan(1e-9);
      expect(Math.abs(squareOf(many, w) / squareOf(single, w) - 1)).toBeLessThan(1e-9);
      expect(many.f32[many.at4 + F.windowWeight + WINDOW_STEP_4 * w]).toBe(
        single.f32[single.at4 + F.windowWeight + WINDOW_STEP_4 * w],
      );
    }
  });

  it.each([
    [STARTS_LONG, 10, 60],
    [STARTS_LONG, 10, 70],
    [HOUR, 10, 400],
    [HOUR, 400, 50],
    [MINUTE, 20_000, 4000],
  ])('window %i: after %i buckets, %i empty ones teach the same past the memory', (w, learned, empty) => {
    const many = taught(w, learned, [3]);
    const single = taught(w, learned, [3]);
    advanceWindow(many, w, T0 + (learned + empty) * WINDOW_MS[w]);
    for (let bucket = 1; bucket <= empty; bucket++) advanceWindow(single, w, T0 + (learned + bucket) * WINDOW_MS[w]);
    expect(meanOf(many, w) / meanOf(single, w)).toBeCloseTo(1, 9);
    expect(many.f32[many.at4 + F.windowWeight + WINDOW_STEP_4 * w]).toBe(
      single.f32[single.at4 + F.windowWeight + WINDOW_STEP_4 * w],
    );
  });

  it('hold a flood down once they know what is usual, and believe it before', () => {
    const early = taught(MINUTE, 20, [2]);
    const settled = taught(MINUTE, 1000, [2]);
    for (const p of [early, settled]) {
      const nextMs = p.u32[p.at4 + F.windowIndex + WINDOW_STEP_4 * MINUTE] * 60_000;
      addCount(p, MINUTE, 1_000_000);
      advanceWindow(p, MINUTE, nextMs + 60_000);
    }
    expect(meanOf(early, MINUTE)).toBeGreaterThan(10_000);
    expect(meanOf(settled, MINUTE)).toBeLessThan(2.05);
  });

  it('follow a new level all the same', () => {
    const p = taught(MINUTE, 1000, [2]);
    let timeMs = p.u32[p.at4 + F.windowIndex + WINDOW_STEP_4 * MINUTE] * 60_000;
    for (let bucket = 0; bucket < 2000; bucket++) {
      addCount(p, MINUTE, 20);
      timeMs += 60_000;
      advanceWindow(p, MINUTE, timeMs);
    }
    expect(meanOf(p, MINUTE)).toBeGreaterThan(10);
  });

  it('count inside the sliding window: all of the running bucket, what is left of the one before', () => {
    const p = createProfile();
    advanceWindow(p, MINUTE, T0);
    addCount(p, MINUTE, 60);
    advanceWindow(p, MINUTE, T0 + 60_000);
    expect(slidingCount(p, MINUTE, T0 + 60_000)).toBeCloseTo(60, 9);
    addCount(p, MINUTE, 6);
    expect(slidingCount(p, MINUTE, T0 + 60_000 + 15_000)).toBeCloseTo(6 + 45, 9);
    expect(slidingCount(p, MINUTE, T0 + 119_999)).toBeCloseTo(6 + 60 / 60_000, 9);
    advanceWindow(p, MINUTE, T0 + 180_000);
    expect(slidingCount(p, MINUTE, T0 + 180_000)).toBe(0);
  });

  it('estimate even traffic within one call, whatever the phase', () => {
    const p = createProfile();
    for (let timeMs = T0; timeMs < T0 + 3_600_000; timeMs += 5000) {
      for (const w of all) advanceWindow(p, w, timeMs);
      addCount(p, MINUTE, 1);
      if (timeMs >= T0 + 120_000) expect(Math.abs(slidingCount(p, MINUTE, timeMs) - 12)).toBeLessThanOrEqual(1);
    }
  });

  it('never turn back', () => {
    const p = taught(MINUTE, 50, [3]);
    const bytes = p.f64.slice();
    advanceWindow(p, MINUTE, T0 - 86_400_000);
    expect(p.f64).toEqual(bytes);
  });

  it('keep a variance of at least the Poisson law, and the real one where it is larger', () => {
    const even = taught(MINUTE, 300, [4]);
    expect(windowVariance(even, MINUTE)).toBeCloseTo(4, 6);
    const random = createRandom('bursts');
    const bursts = Array.from({ length: 101 }, () => (random.next() < 0.1 ? 30 : 0));
    const mean = bursts.reduce<number>((sum, x) => sum + x, 0) / bursts.length;
    const bursty = taught(MINUTE, 101, bursts);
    expect(windowVariance(bursty, MINUTE)).toBeGreaterThan(10 * mean);
  });
});
