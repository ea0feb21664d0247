import { describe, it } from 'vitest';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../engine/world.js';
import { show } from './figures.js';
import { measureSlope } from './slope.js';

const PER_MINUTE = 0.01;
const MINUTES_A_DAY = DAY_MS / MINUTE_MS;

describe('a rate that grows by 1 % a minute', () => {
  it.for([
    ['regular, 30 a minute, first day', 'regular', 2 * SECOND_MS, 8, 10, 1.2, 1.2],
    ['regular, 10 a minute, after five days', 'regular', 6 * SECOND_MS, 128, 3, 1.2, 1.3],
    ['Poisson, 10 a minute, first day', 'poisson', 6 * SECOND_MS, 8, 10, 2, 2],
    ['Poisson, 10 a minute, after five days', 'poisson', 6 * SECOND_MS, 128, 3, 2, 2],
  ] as const)('is found early: %s', ([name, rhythm, gapMs, hours, seeds, most, mostPaged], { task }) => {
    const figures = measureSlope({ rhythm, gapMs, hours, perMinute: PER_MINUTE, most: 3 }, seeds);
    show(task, [
      { measure: `ramp, ${name}: found`, unit: 'share', value: figures.found / seeds, least: 1 },
      { measure: `ramp, ${name}: found at, median`, unit: 'times', value: figures.medianAt, most },
      { measure: `ramp, ${name}: paged at, median`, unit: 'times', value: figures.medianPageAt, most: mostPaged },
      { measure: `ramp, ${name}: anchor moved to`, unit: 'times', value: figures.anchorMoved, most: 1.1 },
    ]);
  });
});

describe('a poisoner who ramps slower than any threshold', () => {
  it.for([
    ['3 % a day', 0.03, MINUTE_MS],
    ['2 % a day', 0.02, 2 * MINUTE_MS],
  ] as const)('is paged by the anchor or its end: %s', ([name, perDay, gapMs], { task }) => {
    const seeds = 2;
    const slope = { rhythm: 'poisson', gapMs, hours: 8 * 24, perMinute: perDay / MINUTES_A_DAY, most: 4 } as const;
    const figures = measureSlope(slope, seeds);
    show(task, [
      { measure: `poisoner, ${name}: paged`, unit: 'share', value: figures.paged / seeds, least: 1 },
      { measure: `poisoner, ${name}: paged at, first`, unit: 'times', value: figures.firstPageAt, most: 4 },
      { measure: `poisoner, ${name}: anchor led to`, unit: 'times', value: figures.anchorMoved, most: 2.3 },
    ]);
  });

  it('is not seen where nobody ramps', ({ task }) => {
    const slope = { rhythm: 'poisson', gapMs: MINUTE_MS, hours: 30 * 24, perMinute: 1e-9, most: 1.00001 } as const;
    const { falsePages, paged } = measureSlope(slope, 2);
    show(task, [{ measure: 'no ramp in 30 days: pages', unit: 'pages', value: falsePages + paged, most: 1 }]);
  });
});
