/** A server that dies by SIGKILL between and in the middle of calls. */
import { expect, it } from 'vitest';
import { ingestThroughKills } from './killed-ingest.js';

it('scores every event that it accepted exactly once, through four deaths', async () => {
  const { unique, dropped, duplicates } = await ingestThroughKills({ seed: 'deaths', kills: 4, agents: 4, days: 4 });
  expect(unique).toBeGreaterThan(3_000);
  expect(dropped).toBeGreaterThan(0);
  expect(duplicates).toBeGreaterThan(0);
});
