import { it } from 'vitest';
import { show } from './figures.js';
import { measureStream, STREAMS } from './streams.js';

it.for(Object.keys(STREAMS))('a stated p is what comes to pass: %s', (name, { task }) => {
  const { thousandth, tenThousandth } = measureStream(name, 400_000, 10_000);
  show(task, [
    { measure: `${name}: realised at 1e-3`, unit: 'share', value: thousandth, least: 0.5e-3, most: 2e-3 },
    { measure: `${name}: realised at 1e-4`, unit: 'share', value: tenThousandth, least: 0.5e-4, most: 2e-4 },
  ]);
});
