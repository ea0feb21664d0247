/** `registry-current` of an installation on a broker: what a gateway that reads Kafka alone knows, whoever dies. */
import { expect, it } from 'vitest';
import { readKeyed } from '../../src/log/kafka-keyed.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { until } from './program.js';

const POLICY = 'name: watch\nmode: observe\nbrakes: { stops_max: 5, interval: 1h, cooldown: 1h }\nrules: []\n';

describeKafka('the topic of what is in force', (broker) => {
  it('says who is stopped, and goes on where a writer was killed', async () => {
    const kafka = broker.options();
    const cluster = await Cluster.create(kafka, { partitions: 2, policy: POLICY });
    const read = async (): Promise<Map<string, unknown>> => {
      const last = new Map<string, unknown>();
      await readKeyed({ kafka, topic: 'registry-current', partition: 0 }, (key, value) => {
        if (value === null) last.delete(key);
        else last.set(key, JSON.parse(value.toString('utf8')));
      });
      return last;
    };
    const says = async (agent: string, status: string): Promise<boolean> => {
      const said = (await read()).get(JSON.stringify(['agent', '', agent])) as
        | { agent: { status: string } }
        | undefined;
      return said?.agent.status === status;
    };
    const first = await cluster.join({ isWallClock: true });
    await cluster.shared();
    for (const agent of ['clerk', 'buyer']) {
      expect(await first.ask(`/v1/agents/${agent}`, { method: 'PUT', json: { owner: 'ops' } })).toMatchObject({
        status: 200,
      });
    }
    const stopped = { action: 'suspend', reason: 'test', key: 'k1' };
    expect(await first.ask('/v1/agents/clerk/stop', { json: stopped })).toMatchObject({ status: 200 });
    await until('the topic says that clerk is suspended', () => says('clerk', 'suspended'));
    expect((await read()).get('["policy"]')).toMatchObject({ policy: { name: 'watch', mode: 'observe' } });

    await cluster.kill(first);
    const second = await cluster.join({ isWallClock: true });
    await cluster.shared();
    await until('the topic still says so', () => says('clerk', 'suspended'));
    const released = { reason: 'all is well', key: 'k2' };
    expect(await second.ask('/v1/agents/clerk/release', { json: released })).toMatchObject({ status: 200 });
    await until('the topic says that clerk is free', () => says('clerk', 'active'));
    expect(await says('buyer', 'active')).toBe(true);
    await cluster.leave(second);
  }, 120_000);
});
