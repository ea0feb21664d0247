/** Leave, refused calls and the ladder over the real registry and a real log. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/decide/policy.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { allow, permission, policy } from '../registry/records.js';
import { createWorld, NOW_MS, type World } from './world.js';

const WEEK_MS = 7 * 86_400_000;
const PAY = { operation: 'execute_tool', endpoint: 'pay.out', target: 'acct-1' };

let nowMs: number;
let registry: Registry;
let world: World;

async function open(used: Policy, tickEveryMs = 0): Promise<void> {
  nowMs = NOW_MS;
  const log = createMemoryLog({ topics: { registry: 1 } });
  registry = await openRegistry({ log, clock: () => nowMs, policy: used, tickEveryMs });
  world = createWorld({ registry: registryPortOf(registry) });
}

const get = async (url: string, token = 'responder') => (await world.call(token, { method: 'GET', url })).json();
const post = (token: string, url: string, payload: object) => world.call(token, { method: 'POST', url, payload });

afterEach(async () => {
  await registry.close();
});

describe('approvals and denials', () => {
  const none = { operations: null, targets: null, dataClasses: null };
  const asks = { ...none, name: 'payments', endpoints: ['pay.*'], forMs: 60_000, uses: 1 };
  const money = permission('money', { approvals: [asks], allow: allow({ endpoints: ['pay.*', 'crm.list'] }) });
  const used = policy('enforce', {}, { permissions: [money] }).policy;

  it('a call waits for a person and passes once; each step is there to be read', async () => {
    await open(used);
    const refused = registry.view.decide('', 'clerk', nowMs, PAY);
    expect(refused).toMatchObject({ allow: false, denial: 'approval' });
    await registry.tick();
    const open_ = await get('/v1/approvals?state=open');
    expect(open_.approvals).toMatchObject([
      { id: refused.approval, kind: 'call', agent: 'clerk', rule: 'money/payments', ...PAY, asked_by: 'system' },
    ]);
    const answered = await post('responder', `/v1/approvals/${refused.approval}`, { answer: 'approve', comment: 'ok' });
    expect(answered.json()).toMatchObject({ state: 'approved', answered_by: 'person:responder', comment: 'ok' });
    expect(registry.view.decide('', 'clerk', nowMs, PAY).allow).toBe(true);
    await registry.tick();
    expect((await get('/v1/approvals')).approvals).toMatchObject([{ state: 'used', uses_left: 0 }]);
    expect((await get('/v1/approvals?state=open')).approvals).toEqual([]);
  });

  it('is asked for at once where the registry ticks by itself', async () => {
    await open(used, 3_600_000);
    registry.view.decide('', 'clerk', nowMs, PAY);
    await expect.poll(() => registry.view.approvals().length).toBe(1);
  });

  it('a refused call is listed with its trail, by agent and by limit', async () => {
    await open(used);
    await world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload: { owner: 'ops' } });
    for (const agent of ['clerk/sub', 'other'])
      registry.view.decide('', agent, nowMs, { ...PAY, endpoint: 'crm.drop' });
    registry.view.decide('acme', 'clerk', nowMs, PAY);
    await registry.tick();
    expect((await get('/v1/denials?agent=clerk%2Fsub')).denials).toMatchObject([
      {
        denial: 'endpoint',
        enforced: true,
        rule: 'money',
        endpoint: 'crm.drop',
        trail: [{ agent: 'clerk/sub' }, { agent: 'clerk' }],
      },
    ]);
    expect((await get('/v1/denials?denial=approval')).denials).toMatchObject([{ tenant: 'acme', count: 1 }]);
    expect((await get('/v1/denials?limit=2')).denials).toHaveLength(2);
    const bound = await get('/v1/denials', 'bound-responder');
    expect(bound.denials.map(({ tenant }: { tenant: string }) => tenant)).toEqual(['acme']);
  });

  it("a bound token neither sees nor answers another tenant's", async () => {
    await open(used);
    const { approval } = registry.view.decide('other', 'clerk', nowMs, PAY);
    await registry.tick();
    expect((await get('/v1/approvals', 'bound-responder')).approvals).toEqual([]);
    const said = await post('bound-responder', `/v1/approvals/${approval}`, { answer: 'approve' });
    expect(said.statusCode).toBe(404);
    expect((await post('responder', '/v1/approvals/a-nothing', { answer: 'approve' })).statusCode).toBe(404);
    expect((await post('responder', `/v1/approvals/${approval}`, { answer: 'perhaps' })).statusCode).toBe(400);
  });
});

describe('the ladder', () => {
  beforeEach(() => open(policy('enforce', {}, { ladder: { promoteAfterMs: WEEK_MS } }).policy));

  const move = (to: string, token = 'admin') => post(token, '/v1/policy/ladder', { policy: 'p', to, reason: 'quiet' });

  it('is read and climbed by admins, step by step', async () => {
    expect(await get('/v1/policy', 'admin')).toMatchObject({
      name: 'p',
      mode: 'observe',
      top: 'enforce',
      two_people: ['revoke'],
      ladder: { step: 'observe', next: 'recommend', ready_ms: NOW_MS + WEEK_MS, would: [] },
    });
    const early = await move('recommend');
    expect(early.statusCode).toBe(409);
    expect(early.json().detail).toContain('168 h more');
    nowMs += WEEK_MS;
    expect((await move('recommend')).json()).toMatchObject({ mode: 'recommend', ladder: { step: 'recommend' } });
    expect((await move('observe')).json()).toMatchObject({ mode: 'observe' });
    expect((await move('recommend', 'responder')).statusCode).toBe(403);
    expect((await move('recommend', 'bound-admin')).statusCode).toBe(403);
    expect((await world.call('bound-admin', { method: 'GET', url: '/v1/policy' })).statusCode).toBe(403);
  });

  it('begins its step anew where a release says that the stop was wrong', async () => {
    await world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload: { owner: 'ops' } });
    await post('responder', '/v1/agents/clerk/stop', { action: 'suspend', reason: 'hijacked' });
    nowMs += 1_000;
    await post('responder', '/v1/agents/clerk/release', { reason: 'was a deployment', mistake: true });
    expect((await get('/v1/policy', 'admin')).ladder).toMatchObject({ mistakes: 1, clean_since_ms: NOW_MS + 1_000 });
  });
});
