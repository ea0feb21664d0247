/** Several processes on a broker with connectors: the owner of partition 0 delivers, and another one when it is gone. */
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../e2e/program.js';
import type { Server } from '../e2e/server.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { openLine } from './line.js';
import { openWebhookReceiver } from './receivers.js';

const SECRET = `whsec_${Buffer.alloc(32, 6).toString('base64')}`;
const POLICY = 'name: p\nmode: observe\ntwo_people: []\nrules: []\n';

describeKafka('connectors of a cluster', (broker) => {
  it('are served by one process at a time, and by the next one when that is killed', async () => {
    const gate = await openWebhookReceiver(SECRET);
    const line = await openLine(gate.url);
    onTestFinished(async () => {
      await line.close();
      await gate.close();
    });
    process.env['KILLDEER_TEST_CLUSTER'] = SECRET;
    const row = {
      kind: 'webhook',
      name: 'gate',
      url: line.url,
      status_url: line.url,
      secret_env: 'KILLDEER_TEST_CLUSTER',
    };
    const config = { connectors: [{ ...row, retry_first: 50, retry_most: 200, breaker_rest: 50 }] };
    const cluster = await Cluster.create(broker.options(), { partitions: 2, policy: POLICY, config });
    const first = await cluster.join({ isWallClock: true });
    const second = await cluster.join({ isWallClock: true });
    await cluster.shared();

    const isActive = async (server: Server) => (await server.ask('/v1/connectors')).body.active as boolean;
    const active = async () => {
      const all = await Promise.all([first, second].map(async (server) => [server, await isActive(server)] as const));
      return all.filter(([, is]) => is).map(([server]) => server);
    };
    await until('one of them delivers', async () => (await active()).length === 1, 150);
    const [owner] = await active();
    const other = owner === first ? second : first;
    const act = (verb: string, json: object) => other.ask(`/v1/agents/clerk/${verb}`, { json });
    const state = async () => (await other.ask('/v1/agents/clerk/effects')).body.effects[0]?.state as unknown;

    expect((await act('stop', { action: 'suspend', reason: 'asked to', unseen: true })).status).toBe(200);
    await until('the stop is proved, as the other one sees it', async () => (await state()) === 'confirmed', 150);
    // It arrives, and whoever sent it dies before it hears so.
    await line.set('lose-answer');
    expect((await act('stop', { action: 'revoke', reason: 'asked to' })).status).toBe(200);
    await until('it arrived', () => gate.state.statuses.get('clerk') === 'revoked');
    await cluster.kill(owner);
    await line.set('pass');
    await until('the other one delivers', () => isActive(other), 150);
    await until('the second stop is proved', async () => (await state()) === 'confirmed', 150);
    expect(new Set(gate.state.messages.map(({ id }) => id)).size).toBe(2);
    await cluster.leave(other);
  }, 120_000);
});
