import { it } from 'vitest';
import { show } from './figures.js';
import { measureNewcomers } from './newcomers.js';

const PATIENCE_MS = 240_000;

it(
  'newcomers of a known role are covered from their first minute, and left in peace',
  ({ task }) => {
    const { benign, paged, noticed, bursting, found, medianS } = measureNewcomers(12, 9, 100, 20);
    show(task, [
      { measure: 'benign newcomers paged', unit: 'agents', value: paged, most: 0 },
      { measure: 'benign newcomers noticed', unit: 'share', value: noticed / benign, most: 0.1 },
      { measure: 'x10 in the first minute: found in it', unit: 'share', value: found / bursting, least: 1 },
      { measure: 'x10 in the first minute: median delay', unit: 's', value: medianS, most: 60 },
    ]);
  },
  PATIENCE_MS,
);
