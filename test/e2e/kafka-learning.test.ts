/** Learning among several processes: one of them learns, another goes on when that one dies. */
import { expect, it } from 'vitest';
import { EVENTS_TOPIC } from '../../src/pipeline/layout.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster, statusOf } from '../kafka/cluster.js';
import { feed, trafficOf } from '../kafka/feed.js';
import { LASTING_POLICY } from '../kafka/killed-cluster.js';
import { until } from './program.js';
import type { Server } from './server.js';

const PARTITIONS = 2;

interface Activation {
  readonly type: string;
  readonly version: string;
  readonly timeMs: number;
}

async function activations(cluster: Cluster): Promise<Activation[][]> {
  const log = await cluster.openLog(true);
  const found = Array.from({ length: PARTITIONS }, async (_, partition) => {
    const end = await log.end(EVENTS_TOPIC, partition);
    const models: Activation[] = [];
    for (let at = 0; at < end; ) {
      const { records, next } = await log.read(EVENTS_TOPIC, partition, at, 5_000);
      const lines = records.filter(({ value }) => value.startsWith('{"type":"model"'));
      models.push(...lines.map(({ value }) => JSON.parse(value) as Activation));
      at = next;
    }
    return models;
  });
  const all = await Promise.all(found);
  await log.close();
  return all;
}

async function learnerOf(servers: readonly Server[]): Promise<Server | null> {
  for (const server of servers) {
    const { learning } = (await statusOf(server)) as unknown as { learning: { state: string } | null };
    if (learning?.state === 'running') return server;
  }
  return null;
}

describeKafka('learning among several processes', (broker) => {
  it('goes on in another process, with the same models in every partition and none out of turn', async () => {
    const cluster = await Cluster.create(broker.options(), {
      partitions: PARTITIONS,
      policy: LASTING_POLICY,
      config: { learning: { inline: true, every: '6h' } },
    });
    for (let i = 0; i < 2; i++) await cluster.join({ roles: 'score,learn,serve' });
    await cluster.shared();
    const log = await cluster.openLog(true);
    const fed = trafficOf({ scenario: 'mixed', agents: 12, days: 3, partitions: PARTITIONS, seed: 'learning' });
    const half = Math.floor(fed.length / 2);
    await feed(log, fed.slice(0, half), { leastMs: 1_000 });
    await until('a model is activated', async () => (await activations(cluster)).every((one) => one.length > 0));
    let learner: Server | null = null;
    await until('a process learns', async () => {
      learner = await learnerOf(cluster.servers);
      return learner !== null;
    });
    await cluster.kill(learner as unknown as Server);
    await feed(log, fed.slice(half), { leastMs: 1_000 });
    const lastMs = Math.max(...(await activations(cluster)).flat().map(({ timeMs }) => timeMs));
    await until('the other process activates the next', async () =>
      (await activations(cluster)).every((one) => one.some(({ timeMs }) => timeMs > lastMs)),
    );
    for (const server of [...cluster.servers]) await cluster.leave(server);
    const [first, ...others] = (await activations(cluster)).map((models) => {
      const times = models.map(({ timeMs }) => timeMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      return [...new Set(models.map(({ version }) => version))];
    });
    expect(first.length).toBeGreaterThan(1);
    for (const other of others) expect(other).toEqual(first);
  }, 120_000);
});
