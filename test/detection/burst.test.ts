import { describe, it } from 'vitest';
import { measureBurst } from './burst.js';
import { show } from './figures.js';
import type { RhythmName } from './rhythm.js';

const SEEDS = 40;
const HISTORY = 500;

/** Times the pace, minutes, and the bar for the median delay, s. */
const BURSTS = [
  [2, 5, 84],
  [5, 5, 21],
  [10, 5, 9],
  [3, 10, 84],
] as const;
const rhythms: readonly RhythmName[] = ['poisson', 'regular', 'metronomic'];

describe.each(rhythms)('an agent that calls every 2 s, %s, after 500 calls', (rhythm) => {
  it.for(BURSTS)('is found when it bursts %i-fold for %i min', ([factor, minutes, most], { task }) => {
    const figures = measureBurst({ rhythm, factor, minutes, history: HISTORY }, SEEDS);
    const what = `${rhythm}, x${factor} for ${minutes} min`;
    show(task, [
      { measure: `${what}: bursts paged`, unit: 'share', value: figures.paged / SEEDS, least: 1 },
      { measure: `${what}: median delay`, unit: 's', value: figures.medianPageS, most },
      { measure: `${what}: pages before`, unit: 'pages', value: figures.falsePages, most: 0 },
    ]);
  });
});
