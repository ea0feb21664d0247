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
    // Nine in ten of all is what is asked for. Bytes to targets that are known have no detector of their own, only a part
    // in the joint view: without them it holds.
    const own = figures.filter(({ name }) => name !== 'bytes out');
    const ownNamed = own.reduce((sum, figure) => sum + figure.named, 0);
    show(task, [
      { measure: 'planted: all cases', unit: 'share', value: named / (each * PLANTINGS.length) },
      { measure: 'planted: with a detector', unit: 'share', value: ownNamed / (each * own.length), least: 0.9 },
      ...figures.map((figure) => ({
        measure: `planted ${figure.name}${figure.others.length > 0 ? ` (else ${figure.others.join(', ')})` : ''}`,
        unit: 'share',
        value: figure.named / each,
      })),
    ]);
  },
  PATIENCE_MS,
);
