/** As test/e2e/kafka-sources.test.ts, with ten deaths of one reader, and of two that share the sources. */
import { expect, it } from 'vitest';
import { describeKafka } from '../kafka/broker.js';
import { sourcesThroughKills } from '../kafka/killed-sources.js';

const KILLS = 10;

describeKafka('sources', (broker) => {
  it.each([1, 2])('lose nothing and count nothing twice, through ten deaths of their %i readers', async (processes) => {
    const figures = await sourcesThroughKills(broker.options(), {
      ...{ seed: `long-${processes}`, kills: KILLS, processes, sessionTimeoutMs: 6_000 },
    });
    console.log(`${processes} readers: ${JSON.stringify(figures)}`);
    expect(figures.kills).toBe(KILLS);
    // Otherwise nobody died in the middle of anything.
    expect(figures.repeated).toBeGreaterThan(0);
  });
});
