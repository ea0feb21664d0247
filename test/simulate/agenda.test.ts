import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Item, mergeStreams } from '../../src/simulate/agenda.js';
import { miniFleet } from '../../src/simulate/mini-fleet.js';
import type { Draft } from '../../src/simulate/wire.js';

const at = (timeMs: number, agent: string): Draft => ({ timeMs, agent }) as Draft;

test('streams are merged by time; equal times keep the order of opening', () => {
  const streams = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), { maxLength: 8 });
  fc.assert(
    fc.property(streams, (lists) => {
      const sorted = lists.map((list) => [...list].sort((a, b) => a - b));
      const merged = [...mergeStreams(sorted.map((list, of) => list.map((timeMs) => at(timeMs, String(of))).values()))];
      const expected = sorted.flatMap((list, of) => list.map((timeMs) => at(timeMs, String(of))));
      expected.sort((a, b) => a.timeMs - b.timeMs || Number(a.agent) - Number(b.agent));
      expect(merged).toEqual(expected);
    }),
    { seed: 1, numRuns: 100 },
  );
});

test('a stream opened on the way takes its place among the others', () => {
  const child: Item[] = [at(3, 'child'), at(7, 'child')];
  const parent: Item[] = [at(1, 'parent'), { timeMs: 2, open: child.values() }, at(5, 'parent')];
  const merged = [...mergeStreams([parent.values(), [at(4, 'other')].values()])];
  expect(merged.map(({ timeMs, agent }) => `${timeMs} ${agent}`)).toEqual([
    '1 parent',
    '3 child',
    '4 other',
    '5 parent',
    '7 child',
  ]);
});

test('only the next item of each stream is taken: nothing is built ahead', () => {
  let taken = 0;
  function* endless(): Generator<Draft, void, undefined> {
    for (;;) yield at(taken++, 'endless');
  }
  const merged = mergeStreams([endless()]);
  for (let i = 0; i < 10; i++) merged.next();
  expect(taken).toBeLessThanOrEqual(11);
});

test('a stream that goes back in time is a fault and says so', () => {
  expect(() => [...mergeStreams([[at(5, 'a'), at(4, 'a')].values()])]).toThrow('went back from 5 to 4 ms');
});

test('metronomic mini agents call on the beat, poisson ones overlap no beat and keep the mean', () => {
  const options = { seed: 1, agents: 3, gapMs: 2000, startMs: 0, durationMs: 3_600_000 };
  const gapsOf = (rhythm: 'metronomic' | 'poisson'): number[] => {
    const times = [...miniFleet({ ...options, rhythm })]
      .filter((e) => e.agent === 'mini-2')
      .map((e) => Date.parse(e.time));
    return times.slice(1).map((timeMs, i) => timeMs - times[i]);
  };
  expect(new Set(gapsOf('metronomic'))).toEqual(new Set([2000]));
  const gaps = gapsOf('poisson');
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) * (gap - mean), 0) / gaps.length;
  expect(Math.abs(mean / 2000 - 1)).toBeLessThan(0.1);
  // An exponential's deviation is its mean.
  expect(Math.abs(Math.sqrt(variance) / mean - 1)).toBeLessThan(0.1);
});
