/** Two processes on a broker, one of which dies at the worst moments. */
import { expect, it } from 'vitest';
import { describeKafka } from '../kafka/broker.js';
import { runThroughKills } from '../kafka/killed-cluster.js';

describeKafka('a cluster of processes', (broker) => {
  it('finds and stops the same, once, whoever dies, joins and leaves', async () => {
    const figures = await runThroughKills(broker.options(), {
      seed: 'two processes',
      traffic: { scenario: 'mixed', agents: 24, days: 2 },
      partitions: 4,
      processes: 2,
      deaths: ['findings-written:20', 'proposal', 'any'],
      everyMs: 1_500,
      joinEvery: 3,
      checkpointEveryMs: 1_000,
    });
    expect(figures.deaths).toBe(3);
  }, 120_000);
});
