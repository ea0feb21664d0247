import { it } from 'vitest';
import { show } from './figures.js';
import { measurePlanted, PLANTINGS } from './planted.js';

const PATIENCE_MS = 240_000;

it(
  'a planted feature is the first attribution of the first finding',
  ({ task }) => {
    const each = Math.ceil(200 / PLANTINGS.length);
    const figures = measurePlanted(each);
    const named = figures.reduce((sum, figure) => sum + figure.named, 0);
    show(task, [
      { measure: 'planted: all cases', unit: 'share', value: named / (each * PLANTINGS.length), least: 0.9 },
      ...figures.map((figure) => ({
        measure: `planted ${figure.name}${figure.others.length > 0 ? ` (else ${figure.others.join(', ')})` : ''}`,
        unit: 'share',
        value: figure.named / each,
      })),
    ]);
  },
  PATIENCE_MS,
);
