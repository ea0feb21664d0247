import { describe, expect, it } from 'vitest';
import { ECHO_VALUES, SeriesDetector } from '../../src/detect/series.js';
import { createRandom } from '../../src/math/random.js';
import { labelledSeries, quietSeries, SERIES_KINDS, SERIES_LENGTH, STEP_MS } from './series-sets.js';

const SEEDS = [1, 2, 3, 4, 5];
const BEGIN_MS = Date.UTC(2025, 0, 6, 0, 7);
/** The first days are for learning. */
const LEARNED = 600;
/** One threshold for all kinds: what one value in a thousand reaches. */
const STRANGE = 0.3;

function scores(values: readonly number[], timeOf = (at: number) => BEGIN_MS + at * STEP_MS): number[] {
  const detector = new SeriesDetector();
  return values.map((value, at) => detector.score(timeOf(at), value));
}

function within(windows: readonly (readonly [number, number])[], at: number): boolean {
  return windows.some(([from, to]) => at >= from && at <= to);
}

describe('the series detector, one threshold for all', () => {
  let outside = 0;
  let values = 0;
  it.each(SERIES_KINDS)('finds %s', (name) => {
    let found = 0;
    let wanted = 0;
    for (const seed of SEEDS) {
      const series = labelledSeries(name, seed);
      const scored = scores(series.values);
      wanted += series.windows.length;
      found += series.windows.filter(([from, to]) => Math.max(...scored.slice(from, to + 1)) >= STRANGE).length;
      const ordinary = scored.filter((_, at) => at >= LEARNED && !within(series.windows, at));
      outside += ordinary.filter((score) => score >= STRANGE).length;
      values += ordinary.length;
    }
    expect(found / wanted).toBeGreaterThanOrEqual(0.9);
  });

  it('says so of fewer than one ordinary value in 2,000 beside them', () => {
    expect(values).toBeGreaterThan(100_000);
    expect(outside / values).toBeLessThan(1 / 2000);
  });

  it('ranks an anomaly above all else in most series of one', () => {
    const first = SERIES_KINDS.flatMap((name) =>
      SEEDS.map((seed) => {
        const { values: all, windows } = labelledSeries(name, seed);
        const scored = scores(all);
        const best = scored.indexOf(Math.max(...scored.slice(LEARNED)), LEARNED);
        return within(windows, best);
      }),
    );
    expect(first.filter(Boolean).length / first.length).toBeGreaterThan(0.85);
  });

  it('is calm where nothing happens', () => {
    const all = SERIES_KINDS.flatMap((name) => scores(quietSeries(name, 9)).slice(LEARNED));
    expect(all.filter((score) => score >= STRANGE).length / all.length).toBeLessThan(1 / 1000);
    expect(all.filter((score) => score >= 2 * STRANGE).length / all.length).toBeLessThan(1 / 10_000);
  });
});

describe('the series detector', () => {
  const { values } = labelledSeries('spikes on a season', 1);

  it('never looks ahead: what comes after changes no score before', () => {
    expect(scores(values.slice(0, 2500))).toEqual(scores(values).slice(0, 2500));
  });

  it('stays in [0, 1] and comes out the same again', () => {
    const scored = scores(values);
    expect(scored.every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(scores(values)).toEqual(scored);
  });

  it('does not depend on the unit or the zero of the values', () => {
    const scored = scores(values);
    const other = scores(values.map((value) => 1000 * value - 7));
    const farthest = Math.max(...scored.map((score, at) => Math.abs(score - other[at])));
    expect(farthest).toBeLessThan(0.02);
  });

  it('needs no time, and takes time that repeats or runs backwards', () => {
    const spikes = labelledSeries('spikes', 1);
    for (const timeOf of [() => Number.NaN, () => BEGIN_MS, (at: number) => BEGIN_MS - at * STEP_MS]) {
      const scored = scores(spikes.values, timeOf);
      for (const [from, to] of spikes.windows) {
        expect(Math.max(...scored.slice(from, to + 1))).toBeGreaterThan(STRANGE);
      }
    }
  });

  it('leaves out what is not finite', () => {
    const detector = new SeriesDetector();
    const mixed = values.flatMap((value, at) =>
      at % 7 === 0 ? [Number.NaN, value, Number.POSITIVE_INFINITY] : [value],
    );
    const scored = mixed.map((value) => detector.score(Number.NaN, value));
    expect(scored.filter((score) => !Number.isNaN(score))).toEqual(scores(values, () => Number.NaN));
    expect(scored.filter(Number.isNaN)).toHaveLength(mixed.length - values.length);
  });

  it('says nothing of a constant, then much of its first change', () => {
    for (const constant of [0, 5, -1e-30]) {
      const scored = scores([...new Array<number>(500).fill(constant), constant === 0 ? 1 : 2 * constant]);
      expect(Math.max(...scored.slice(0, 500))).toBe(0);
      expect(scored[500]).toBeGreaterThan(0.4);
    }
  });

  it('takes huge, tiny and few values', () => {
    expect(scores([])).toEqual([]);
    expect(scores([1])).toEqual([0]);
    expect(Math.max(...scores([1, 2, 3, 100]))).toBeLessThan(STRANGE);
    const random = createRandom('huge');
    for (const size of [Number.MIN_VALUE, 1e-300, 1e15, 1e99, 3e307]) {
      const scored = scores(Array.from({ length: SERIES_LENGTH }, () => size * random.normal()));
      expect(scored.every((score) => score >= 0 && score <= 1)).toBe(true);
    }
  });

  it('halves the echoes of what it said', () => {
    const calm = Array.from({ length: 1000 }, (_, at) => 10 + (at % 5));
    const scored = scores([...calm, 60, 10, 60, ...calm]);
    expect(scored[1000]).toBeGreaterThan(0.4);
    const after = scored.slice(1001, 1000 + ECHO_VALUES);
    expect(Math.max(...after)).toBeLessThan(0.53 * scored[1000]);
    expect(scored[1002]).toBeGreaterThan(0.4 * scored[1000]);
  });
});
