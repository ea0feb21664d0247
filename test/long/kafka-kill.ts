/** As test/e2e/kafka-cluster.test.ts: one recording, eight partitions, more deaths, and one, two and four processes. */
import { expect, it } from 'vitest';
import { describeKafka } from '../kafka/broker.js';
import { type Death, runThroughKills } from '../kafka/killed-cluster.js';

/** Of each configuration. */
const KILLS = 7;

describeKafka('one recording through eight partitions', (broker) => {
  it.each([1, 2, 4])('comes to the same with %i processes, each killed now and then', async (processes) => {
    const figures = await runThroughKills(broker.options(), {
      seed: 'one recording',
      traffic: { scenario: 'mixed', agents: 48, days: 3 },
      partitions: 8,
      processes,
      deaths: Array.from({ length: KILLS }, (_, i): Death => (i % 2 === 0 ? 'any' : 'proposal')),
      everyMs: 15_000,
      joinEvery: 3,
      checkpointEveryMs: 2_000,
    });
    console.log(`${processes} processes: ${JSON.stringify(figures)}`);
    expect(figures.deaths).toBe(KILLS);
    expect(figures.records).toBeGreaterThan(50_000);
  });
});
