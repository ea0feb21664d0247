/** What operators do, on a real server: settings, models, the audit trail, replays, and a kill in the middle. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Server } from './server.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.program.kill();
});

async function started(): Promise<Server> {
  const server = await Server.start();
  servers.push(server);
  return server;
}

function events(count: number): object[] {
  const beginMs = Date.now() - 60_000;
  return Array.from({ length: count }, (_, i) => ({
    id: `e${i}`,
    time: new Date(beginMs + i).toISOString(),
    agent: `clerk-${i % 5}`,
    operation: 'chat',
    endpoint: 'model-1',
  }));
}

const BUDGET = { pages_per_agent_day: 0.1, notices_per_agent_day: 0.2 };

async function ended(server: Server, id: string) {
  let body: { state: string } = { state: 'queued' };
  await server.until(`replay ${id} has ended`, async () => {
    ({ body } = await server.ask(`/v1/replays/${id}`));
    return body.state !== 'queued' && body.state !== 'running';
  });
  return body;
}

describe('a server and its operators', () => {
  it('takes settings, says who set them, and has them after a kill', async () => {
    const server = await started();
    const before = await server.ask('/v1/settings');
    expect(before.body).toMatchObject({ from: 'configuration', version: 0, pages_per_agent_day: 0.03 });
    const put = { method: 'PUT', json: { ...BUDGET, if_version: 0, comment: 'more is fine', key: 'k' } };
    expect((await server.ask('/v1/settings', put)).body).toMatchObject({ ...BUDGET, from: 'record', version: 1 });
    expect((await server.ask('/v1/settings', put)).body).toMatchObject({ version: 1 });
    const late = await server.ask('/v1/settings', { method: 'PUT', json: { ...BUDGET, if_version: 0 } });
    expect(late).toMatchObject({ status: 409, body: { code: 'registry.conflict' } });
    await server.killAndRestart();
    expect((await server.ask('/v1/settings')).body).toMatchObject({ ...BUDGET, version: 1 });
    const { body: config } = await server.ask('/v1/config');
    const rows = new Map(config.values.map((row: { path: string }) => [row.path, row]));
    expect(rows.get('detection.pages_per_agent_day')).toMatchObject({ value: 0.1, from: 'record', live: true });
    expect(rows.get('partitions')).toMatchObject({ value: 1, from: 'default', live: false });
    await server.until('every partition has them', async () => {
      const { body } = await server.ask('/v1/status');
      return body.config === (await server.ask('/v1/config')).body.settings_hash;
    });

    const { body: audit } = await server.ask('/v1/audit?people=true');
    expect(audit.entries).toMatchObject([
      { type: 'settings', effect: 'refused', reason: expect.stringContaining('version 0 was read') },
      { type: 'settings', effect: 'duplicate' },
      { type: 'settings', effect: 'applied', record: { comment: 'more is fine' }, actor: 'person:admin' },
    ]);
    expect(audit.entries.every((entry: { parent: string }) => entry.parent.length > 10)).toBe(true);
    const viewer = await server.makeToken('bound', ['viewer'], ['clerk-1']);
    expect((await server.ask('/v1/audit', { token: viewer })).body.entries).toEqual([]);
    expect((await server.ask('/v1/config', { token: viewer })).status).toBe(403);
  });

  it('lists its models and pins one', async () => {
    const server = await started();
    const { body } = await server.ask('/v1/models');
    const [shipped] = body.models;
    expect(shipped).toMatchObject({ origin: 'shipped', card: { model: shipped.version } });
    await server.settled();
    const activate = (version: string, json: object) => server.ask(`/v1/models/${version}/activate`, { json });
    expect(await activate('nowhere', {})).toMatchObject({ status: 404 });
    expect((await activate(shipped.version, { pin: true })).body).toMatchObject({ effect: 'applied', pinned: true });
    expect((await server.ask('/v1/models')).body).toMatchObject({
      ...{ pinned: shipped.version, active: [{ partition: 0, version: shipped.version }] },
      chosen: { actor: 'person:admin' },
    });
    expect((await server.ask('/v1/models/unpin', { json: {} })).body).toMatchObject({ version: null, pinned: false });
    expect((await server.ask('/v1/models/unpin', { json: {} })).status).toBe(409);
  });

  it('replays its own traffic in another process, and shows one that a kill cut off as interrupted', async () => {
    const server = await started();
    await server.send(events(2_000));
    await server.settled();
    const wish = { name: 'more pages', settings: { pages_per_agent_day: 0.5 }, policy: 'enforce', key: 'k' };
    const { status, body } = await server.ask('/v1/replays', { json: wish });
    expect({ status, state: body.state }).toEqual({ status: 202, state: expect.stringMatching(/queued|running/) });
    expect((await server.ask('/v1/replays', { json: wish })).body.id).toBe(body.id);
    const done = await ended(server, body.id);
    expect(done).toMatchObject({ state: 'done', progress: 1, result: { events: 2_000, difference: { lost: [] } } });
    expect((await server.ask(`/v1/replays/${body.id}/findings`)).body).toMatchObject({ cursor: null });

    // Two that take a while: the first runs, the second waits.
    const demo = (key: string) => server.ask('/v1/replays', { json: { name: 'demo', recording: 'demo', key } });
    const [first, second] = [(await demo('a')).body.id, (await demo('b')).body.id];
    expect((await server.ask(`/v1/replays/${second}`, { method: 'DELETE' })).body.state).toBe('cancelled');
    await server.killAndRestart();
    const { body: list } = await server.ask('/v1/replays');
    expect(list.replays.map((one: { id: string; state: string }) => [one.id, one.state])).toEqual([
      [second, 'cancelled'],
      [first, 'failed'],
      [body.id, 'done'],
    ]);
    expect((await server.ask(`/v1/replays/${first}`)).body.reason).toContain('interrupted');
    expect((await server.ask(`/v1/replays/${first}/findings`)).status).toBe(409);
    await server.ask(`/v1/replays/${first}`, { method: 'DELETE' });
    expect((await server.ask(`/v1/replays/${first}`)).status).toBe(404);
    expect(readdirSync(join(server.data, 'replays')).sort()).toEqual([body.id, second].sort());

    const demoed = await ended(server, (await demo('c')).body.id);
    expect(demoed).toMatchObject({ state: 'done', result: { difference: null } });
    const { body: trail } = await server.ask('/v1/audit?type=deed');
    expect(trail.entries).toHaveLength(6);
    expect(trail.entries[0]).toMatchObject({ effect: 'applied', record: { what: 'replay-start' } });
  });
});
