import { it } from 'vitest';
import { show } from './figures.js';
import { measureNeighbour } from './neighbour.js';

it('a 50-fold token jump is paged as soon beside a neighbour at twice that as alone', ({ task }) => {
  const seeds = 10;
  const { beside, alone, medianBesideS, medianAloneS } = measureNeighbour(seeds);
  show(task, [
    { measure: 'token jump beside a hot neighbour: paged', unit: 'share', value: beside / seeds, least: 1 },
    { measure: 'token jump alone: paged', unit: 'share', value: alone / seeds, least: 1 },
    { measure: 'token jump beside: median delay', unit: 's', value: medianBesideS, most: medianAloneS + 120 },
    { measure: 'token jump alone: median delay', unit: 's', value: medianAloneS },
  ]);
});
