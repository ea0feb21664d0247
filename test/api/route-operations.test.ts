/** The operators' routes over the real registry and a log in memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditAnswer } from '../../src/api/operations-schema.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { Operations } from '../../src/verbs/operations.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { operatorsOf } from './operators.js';
import { createWorld, NOW_MS, type World } from './world.js';

/** Turns a line round, and rings a bell. */
const LIVE = ['\u202e', '\u0007'];

let registry: Registry;
let world: World;

beforeEach(async () => {
  const operations = new Operations(loadSetup({}));
  const log = createMemoryLog({ topics: { registry: 1 } });
  const onChange = operations.note.bind(operations);
  registry = await openRegistry({ log, clock: () => NOW_MS, policy: null, tickEveryMs: 0, onChange });
  const { advice, models, replays } = operatorsOf();
  const stats = () => ({ config: 'c-1', partitions: [{ partition: 0, model: 'm1' }] });
  const port = operations.port({ registry, stats, models, replays, advice });
  world = createWorld({ registry: registryPortOf(registry), parts: { operations: port } });
});
afterEach(async () => {
  await registry.close();
});

const ask = (url: string, token = 'admin') => world.call(token, { method: 'GET', url });
const post = (url: string, payload: object, token = 'admin') => world.call(token, { method: 'POST', url, payload });
const stop = (agent: string, tenant: string, reason: string) =>
  post(`/v1/agents/${agent}/stop?tenant=${tenant}`, { action: 'suspend', reason, unseen: true }, 'responder');

describe('the audit trail', () => {
  it('holds every write of a person with its authority and request, and gives it page by page', async () => {
    const stopped = await stop('clerk', '', 'hijacked');
    await stop('clerk', '', 'again');
    const { entries, cursor } = (await ask('/v1/audit?limit=1')).json() as AuditAnswer;
    expect(entries).toMatchObject([
      { type: 'stop', actor: 'person:responder', authority: 'responder', agent: 'clerk', record: { reason: 'again' } },
    ]);
    const older = (await ask(`/v1/audit?limit=1&cursor=${cursor}`)).json() as AuditAnswer;
    expect(older.entries[0]).toMatchObject({ parent: stopped.headers['x-request-id'], record: { reason: 'hijacked' } });
    expect((await ask('/v1/audit?unknown=1')).statusCode).toBe(400);
    expect((await ask('/v1/audit?cursor=x')).statusCode).toBe(400);
  });

  it('shows a bound token what is about its agents alone', async () => {
    await stop('clerk', 'acme', 'ours');
    await stop('clerk', 'other', 'theirs');
    await post('/v1/halt', { reason: 'all', tenant: null });
    const { entries } = (await ask('/v1/audit', 'bound-admin')).json() as AuditAnswer;
    expect(entries.map(({ record }) => record['reason'])).toEqual(['ours']);
    const exported = await ask('/v1/audit/export', 'bound-admin');
    expect(exported.body).toContain('ours');
    expect(exported.body).not.toContain('theirs');
    for (const url of ['/v1/config', '/v1/settings', '/v1/models', '/v1/budget', '/v1/replays']) {
      expect((await ask(url, 'bound-admin')).statusCode, url).toBe(403);
    }
  });

  it('is written out so that nothing in it acts', async () => {
    await stop('clerk', '', '=HYPERLINK("http://x")\u202e\u0007<script>');
    const csv = await ask('/v1/audit/export?format=csv');
    expect(csv.headers['content-type']).toContain('text/csv');
    const [head, row] = csv.body.split('\r\n');
    expect(head).toBe('offset,time,type,actor,authority,parent,tenant,agent,effect,reason,record');
    expect(row).toContain('person:responder');
    for (const live of LIVE) expect(csv.body).not.toContain(live);
    const lines = (await ask('/v1/audit/export?format=jsonl')).body;
    for (const live of LIVE) expect(lines).not.toContain(live);
    // What was meant is still there.
    expect(JSON.parse(lines.split('\n')[0])).toMatchObject({
      record: { reason: '=HYPERLINK("http://x")\u202e\u0007<script>' },
    });
  });

  it('knows of a reset, which changes nothing in the registry', async () => {
    await stop('clerk', '', 'x');
    await post('/v1/agents/clerk/reset', {});
    const { entries } = (await ask('/v1/audit?type=deed')).json() as AuditAnswer;
    expect(entries).toMatchObject([{ record: { what: 'reset', about: '["","clerk",null]' } }]);
  });
});

describe('the budget', () => {
  it('changes by a person who accepts what is proposed, once, and says which proposal it was', async () => {
    await stop('clerk', '', 'x');
    expect((await ask('/v1/budget', 'viewer')).json()).toMatchObject({
      ...{ agents: 1, pages_expected_per_day: 0.03, pages_per_day: 10, pages_today: 1 },
      settings: { from: 'configuration', version: 0 },
      proposals: [{ id: 'b-1', pages_per_agent_day: 0.05, reasons: ['people can bear more'] }],
      precision: [{ detector: 'loop', precision: 0.5 }],
    });
    expect((await post('/v1/budget/accept', { proposal: 'b-2' })).statusCode).toBe(404);
    expect((await post('/v1/budget/accept', { proposal: 'b-1' }, 'responder')).statusCode).toBe(403);
    const accepted = await post('/v1/budget/accept', { proposal: 'b-1', comment: 'fine' });
    expect(accepted.json()).toMatchObject({
      ...{ pages_per_agent_day: 0.05, version: 1, parent: 'b-1', actor: 'person:admin', comment: 'fine' },
    });
    expect((await post('/v1/budget/accept', { proposal: 'b-1' })).json()).toMatchObject({ version: 1 });
  });
});

describe('settings', () => {
  const put = (payload: object, key?: string) =>
    world.call('admin', {
      ...{ method: 'PUT', url: '/v1/settings', payload },
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    });

  it('are set once by a key, and refused beyond their range', async () => {
    const budget = { pages_per_agent_day: 0.1, notices_per_agent_day: 0.2 };
    expect((await put(budget, 'k')).json()).toMatchObject({ ...budget, version: 1, from: 'record' });
    expect((await put(budget, 'k')).json()).toMatchObject({ version: 1 });
    expect((await put({ ...budget, pages_per_agent_day: 0.6 })).statusCode).toBe(400);
    expect((await put({ ...budget, agents_max: 1 })).statusCode).toBe(400);
    expect((await ask('/v1/config')).json().values).toContainEqual({
      ...{ path: 'detection.notices_per_agent_day', value: 0.2, from: 'record', withheld: false, live: true },
    });
  });
});

describe('a process that has none of it', () => {
  it('says so', async () => {
    const bare = createWorld();
    const answer = await bare.call('admin', { method: 'GET', url: '/v1/audit' });
    expect(answer.json()).toMatchObject({ code: 'registry.refused' });
  });

  it('says that traffic on Kafka is not replayed by a server', async () => {
    const kafka = createWorld({ parts: { operations: operatorsOf({ replays: null }) } });
    const answer = await kafka.call('admin', { method: 'POST', url: '/v1/replays', payload: { name: 'n' } });
    expect(answer.json()).toMatchObject({ code: 'registry.refused', detail: expect.stringContaining('Kafka') });
    expect(kafka.records).toEqual([]);
  });
});
