/** As test/e2e/ingest-kill.test.ts, with twenty deaths and more traffic between them. */
import { expect, it } from 'vitest';
import { ingestThroughKills } from '../e2e/killed-ingest.js';

it.each(['first', 'second'])('scores every event exactly once, through twenty deaths (%s seed)', async (seed) => {
  const figures = await ingestThroughKills({ seed: `twenty-${seed}`, kills: 20, agents: 8, days: 9 });
  console.log(`twenty deaths, ${seed} seed: ${JSON.stringify(figures)}`);
  expect(figures.unique).toBeGreaterThan(15_000);
  expect(figures.duplicates).toBeGreaterThan(1_000);
});
