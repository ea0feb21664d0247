/** The sinks of an installation on a broker: whoever owns partition 0 delivers, and another goes on where it dies. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { FINDINGS_TOPIC } from '../../src/pipeline/topics.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { openReceiver, SECRET, type Taken } from '../sinks/receiver.js';
import { freshDirectory, until } from './program.js';
import type { Server } from './server.js';
import { loopOf } from './traffic.js';

const PARTITIONS = 2;
const POLICY = 'name: watch\nmode: observe\nrules: []\n';

const keysOf = ({ body }: Taken): string[] =>
  (body as { data: { items: { key: string }[] } }).data.items.map(({ key }) => key);

/** What a sink calls each line of the findings' topic. */
async function keysWritten(cluster: Cluster): Promise<string[]> {
  const log = await cluster.openLog(true, { [FINDINGS_TOPIC]: PARTITIONS });
  const keys: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const end = await log.end(FINDINGS_TOPIC, partition);
    for (let at = 0; at < end; ) {
      const { records, next } = await log.read(FINDINGS_TOPIC, partition, at, 1_000);
      for (const { value } of records) {
        const { id, severity, time } = JSON.parse(value) as Finding;
        keys.push(`${id}/${severity}/${Date.parse(time)}`);
      }
      at = next;
    }
  }
  await log.close();
  return keys;
}

const agentsOf = (name: string): string[] => Array.from({ length: 4 }, (_, i) => `${name}-${i}`);

/** Loops of agents in both partitions, each in trouble of its own. */
async function trouble(server: Server, name: string): Promise<void> {
  const lines = agentsOf(name).flatMap((agent) => loopOf(agent, 60, { endpoint: `${agent}.update` }));
  expect(await server.send(lines)).toMatchObject({ status: 202, body: { accepted: lines.length } });
}

/** Resolves once all these agents have a finding. */
async function found(server: Server, agents: readonly string[]): Promise<void> {
  await server.until(`findings of ${agents}`, async () => {
    const { body } = await server.ask('/v1/findings?limit=1000');
    const met = new Set((body.findings as { agent: string }[]).map(({ agent }) => agent));
    return agents.every((agent) => met.has(agent));
  });
}

async function begun(server: Server): Promise<void> {
  await server.until('it delivers', async () => {
    const { body } = await server.ask('/v1/sinks');
    return body.active && body.sinks.every(({ backlog }: { backlog: number | null }) => backlog === 0);
  });
}

describeKafka('the sinks of several processes', (broker) => {
  it('lose nothing where the owner of partition 0 is killed, and repeat only with the same id', async () => {
    const { receiver, sink } = await receive();
    const cluster = await Cluster.create(broker.options(), {
      ...{ partitions: PARTITIONS, policy: POLICY, sessionTimeoutMs: 3_000 },
      config: { sinks: [sink] },
    });
    const [first, second] = [await cluster.join({ isWallClock: true }), await cluster.join({ isWallClock: true })];
    await cluster.shared();
    const owner = (await cluster.owners()).get(0) as Server;
    const other = owner === first ? second : first;
    await begun(owner);
    expect((await other.ask('/v1/sinks')).body).toMatchObject({ active: false, sinks: [] });

    await trouble(owner, 'early');
    // Some of it is told, and perhaps not written down as told.
    await until('something is taken', () => receiver.taken.length > 0);
    await cluster.kill(owner);
    await trouble(other, 'late');
    await cluster.shared();
    await found(other, [...agentsOf('early'), ...agentsOf('late')]);
    await begun(other);
    let written: string[] = [];
    await other.until('everything written is told', async () => {
      written = await keysWritten(cluster);
      const told = new Set(receiver.taken.flatMap(keysOf));
      return written.every((key) => told.has(key));
    });

    expect(written.length).toBeGreaterThanOrEqual(8);
    const ids = new Map<string, Set<string>>();
    for (const message of receiver.taken) {
      for (const key of keysOf(message)) ids.set(key, (ids.get(key) ?? new Set()).add(message.id));
    }
    expect([...ids.keys()].filter((key) => !written.includes(key))).toEqual([]);
    expect([...ids].filter(([, of]) => of.size > 1)).toEqual([]);
    await cluster.leave(other);
  }, 120_000);
});

async function receive() {
  const receiver = await openReceiver();
  onTestFinished(() => receiver.close());
  const secret = join(freshDirectory(), 'secret');
  writeFileSync(secret, SECRET);
  const sink = {
    ...{ name: 'desk', kind: 'webhook', url: receiver.url, secret_file: secret, filter: { notices: true } },
    ...{ retry_first: 50, retry_most: 200, batch: { max: 2, wait: 50 } },
  };
  return { receiver, sink };
}
