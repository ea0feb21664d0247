/** What people ask of an installation on a broker: any process that serves answers, and what one takes the others have. */
import { expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import type { Reply, Server } from './server.js';
import { callOf, loopOf } from './traffic.js';

const PARTITIONS = 2;
const POLICY = 'name: watch\nmode: observe\nrules: []\n';
/** An agent of each partition. */
const [ZERO, ONE] = [0, 1].map((partition) => {
  const names = Array.from({ length: 100 }, (_, i) => `clerk-${i}`);
  return names.find((name) => partitionOf('', name, PARTITIONS) === partition) as string;
}) as [string, string];

interface Found {
  readonly id: string;
  readonly kind: string;
  readonly agent: string;
  readonly case: string;
  readonly severity: string;
}

/** Asks until the answer holds this; what one process took, another has a moment later. */
async function holds(server: Server, path: string, expected: object): Promise<Reply> {
  let reply = await server.ask(path);
  await server.until(`${path} holds ${JSON.stringify(expected)}`, async () => {
    reply = await server.ask(path);
    try {
      expect(reply.body).toMatchObject(expected);
      return true;
    } catch {
      return false;
    }
  });
  return reply;
}

async function took(server: Server, path: string, json: object, method = 'POST'): Promise<Reply['body']> {
  const { status, body } = await server.ask(path, { json, method });
  expect({ path, status, body }).toMatchObject({ status: 200 });
  return body;
}

/** The page of an agent, as this process has it. */
async function pageOf(server: Server, agent: string): Promise<Found> {
  let page: Found | undefined;
  await server.until(`there is a page of ${agent}`, async () => {
    const { body } = await server.ask(`/v1/findings?agent=${agent}&severity=medium`);
    page = (body.findings as Found[]).find(({ kind }) => kind === 'retry-loop');
    return page !== undefined;
  });
  return page as Found;
}

describeKafka('several processes that serve', (broker) => {
  it('show findings and take what people say of them, whichever is asked', async () => {
    const { cluster, servers } = await install(broker);
    const [first, second] = servers;
    for (const agent of [ZERO, ONE]) await first.send(loopOf(agent, 60, { endpoint: `${agent}.update` }));
    const page = await pageOf(first, ZERO);
    expect(await pageOf(second, ZERO)).toMatchObject({ id: page.id });
    await pageOf(first, ONE);

    await took(first, `/v1/findings/${page.id}/assign`, { to: 'ada' });
    await took(first, `/v1/findings/${page.id}/comment`, { text: 'asked the owner' });
    await holds(second, `/v1/findings/${page.id}`, { assignee: 'ada', comments: 1 });
    const closed = { status: 'closed', resolution: 'expected' };
    await took(second, '/v1/triage', { case: page.case, change: { what: 'status', ...closed } });
    await holds(first, `/v1/findings/${page.id}`, closed);
    await holds(first, `/v1/cases/${page.case}`, { id: page.case, status: 'closed' });
    for (const path of [`/v1/findings/${page.id}/timeline`, `/v1/cases/${page.case}/timeline`]) {
      expect((await second.ask(path)).body.entries.length).toBeGreaterThanOrEqual(3);
    }
    expect((await second.ask('/v1/cases?statuses=closed')).body.cases).toMatchObject([{ id: page.case }]);
    for (const path of ['/v1/pages', '/v1/precision', '/v1/budget', '/v1/config', '/v1/sinks', '/v1/connectors']) {
      expect({ path, status: (await second.ask(path)).status }).toEqual({ path, status: 200 });
    }

    // The engine's log is the brokers': what was stored with the finding is told, and why no more.
    const explained = await second.ask(`/v1/findings/${page.id}/explanation`);
    expect(explained).toMatchObject({ status: 200, body: { finding: page.id } });
    expect(JSON.stringify(explained.body)).toContain('needs the log');

    // A suppression that one process takes mutes what another scores.
    const wish = { agent: ONE, for_ms: 3_600_000, below: 'critical', reason: 'restore test' };
    const made = await took(first, '/v1/suppressions', wish);
    const { id } = made.suppression as { id: string };
    await holds(second, '/v1/suppressions', { suppressions: [{ id, agent: ONE, state: 'in-force' }] });
    expect((await second.ask(`/v1/suppressions/${id}`, { method: 'DELETE' })).status).toBe(200);
    await holds(first, '/v1/suppressions?all=true', { suppressions: [{ id, state: 'undone' }] });
    for (const server of servers) await cluster.leave(server);
  }, 120_000);

  it('have one set of settings, models and one trail, say who knows an agent, and replay nothing', async () => {
    const { cluster, servers } = await install(broker);
    const [first, second] = servers;
    expect(await first.send([ZERO, ONE].map((agent) => callOf(`${agent}-1`, agent)))).toMatchObject({ status: 202 });

    const budget = { pages_per_agent_day: 0.1, notices_per_agent_day: 0.2 };
    await took(first, '/v1/settings', { ...budget, if_version: 0, comment: 'more is fine' }, 'PUT');
    await holds(second, '/v1/settings', { ...budget, from: 'record', version: 1 });
    const { body: config } = await holds(second, '/v1/config', { values: expect.any(Array) });
    for (const server of servers) await holds(server, '/v1/status', { config: config.settings_hash });

    const { body: models } = await second.ask('/v1/models');
    const [shipped] = models.models as { version: string }[];
    expect(models.active).toHaveLength(1);
    await took(second, `/v1/models/${shipped?.version}/activate`, { pin: true });
    await holds(first, '/v1/models', { pinned: shipped?.version });

    for (const server of servers) {
      await holds(server, '/v1/audit?people=true', {
        entries: [{ type: 'model-choice' }, { type: 'settings', effect: 'applied', actor: 'person:admin' }],
      });
    }

    // Each knows the agents that it scores.
    const owners = await cluster.owners();
    for (const [partition, agent] of [ZERO, ONE].entries()) {
      for (const server of servers) {
        await holds(server, `/v1/agents/${agent}`, { agent });
        const isOwner = owners.get(partition) === server;
        await server.until(`the profile of ${agent} is answered`, async () => {
          const { status, body } = await server.ask(`/v1/agents/${agent}/profile`);
          return isOwner
            ? status === 200 && body.agent === agent
            : status === 409 && body.code === 'partition.elsewhere';
        });
      }
    }

    for (const question of [{}, { json: { name: 'twice' } }]) {
      expect(await second.ask('/v1/replays', question)).toMatchObject({
        status: 409,
        body: { code: 'registry.refused', detail: expect.stringContaining('Kafka') },
      });
    }
    for (const server of servers) await cluster.leave(server);
  }, 120_000);
});

async function install(broker: { options(): Parameters<typeof Cluster.create>[0] }) {
  const cluster = await Cluster.create(broker.options(), { partitions: PARTITIONS, policy: POLICY });
  const servers = [await cluster.join({ isWallClock: true }), await cluster.join({ isWallClock: true })] as const;
  await cluster.shared();
  await servers[0].until('each owns one', async () => new Set((await cluster.owners()).values()).size === 2);
  return { cluster, servers };
}
