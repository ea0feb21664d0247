import { describe, expect, it } from 'vitest';
import { addAgent, createWorld, NOW_MS, type World } from './world.js';

function post(world: World, token: string, url: string, payload?: object, headers: Record<string, string> = {}) {
  return world.call(token, { method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
}

const STOP = { action: 'suspend', reason: 'looks hijacked' };

describe('stop', () => {
  it('writes who did it, on whose authority and in which request', async () => {
    const world = createWorld();
    addAgent(world, 'clerk/sub 1', { tenant: 'acme' });
    const url = `/v1/agents/${encodeURIComponent('clerk/sub 1')}/stop?tenant=acme`;
    const answer = await post(world, 'responder', url, { ...STOP, for_ms: 60_000, key: 'k1' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      effect: 'applied',
      key: 'k1',
      agent: { tenant: 'acme', agent: 'clerk/sub 1' },
    });
    expect(world.records).toEqual([
      {
        type: 'stop',
        actor: 'person:responder',
        authority: 'responder',
        parent: answer.headers['x-request-id'],
        timeMs: NOW_MS,
        key: '["stop","responder","acme","clerk/sub 1","suspend","k1"]',
        tenant: 'acme',
        agent: 'clerk/sub 1',
        action: 'suspend',
        reason: 'looks hijacked',
        forMs: 60_000,
        callsPerMinute: null,
      },
    ]);
  });

  it('takes the key from the header, the body first, and makes every call its own wish without one', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    const url = '/v1/agents/clerk/stop';
    await post(world, 'admin', url, STOP, { 'idempotency-key': 'h' });
    await post(world, 'admin', url, { ...STOP, key: 'b' }, { 'idempotency-key': 'h' });
    await post(world, 'admin', url, STOP);
    await post(world, 'admin', url, STOP);
    const keys = world.records.map((record) => JSON.parse((record as { key: string }).key).at(-1) as string);
    expect(keys.slice(0, 2)).toEqual(['h', 'b']);
    expect(new Set(keys).size).toBe(4);
    expect((await post(world, 'admin', url, STOP, { 'idempotency-key': 'x'.repeat(201) })).statusCode).toBe(400);
  });

  it('never takes the same key for another agent, action or token as a duplicate', async () => {
    const world = createWorld();
    addAgent(world, 'a');
    addAgent(world, 'b');
    await post(world, 'admin', '/v1/agents/a/stop', { ...STOP, key: 'k' });
    await post(world, 'admin', '/v1/agents/b/stop', { ...STOP, key: 'k' });
    await post(world, 'admin', '/v1/agents/a/stop', { ...STOP, action: 'revoke', key: 'k' });
    await post(world, 'responder', '/v1/agents/a/stop', { ...STOP, key: 'k' });
    await post(world, 'admin', '/v1/agents/a/stop', { ...STOP, key: 'k' });
    const keys = world.records.map((record) => (record as { key: string }).key);
    expect(new Set(keys).size).toBe(4);
    expect(keys[4]).toBe(keys[0]);
  });

  it('answers a duplicate as done, a refusal as 409', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    world.mood.verdict = { effect: 'duplicate', reason: 'done before' };
    expect((await post(world, 'admin', '/v1/agents/clerk/stop', STOP)).json()).toMatchObject({ effect: 'duplicate' });
    world.mood.verdict = { effect: 'refused', reason: 'clerk is revoked', code: 'registry.refused' };
    const refused = await post(world, 'admin', '/v1/agents/clerk/stop', STOP);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ code: 'registry.refused', detail: 'clerk is revoked' });
  });

  it('does not pretend to stop a name that was never seen, unless told to', async () => {
    const world = createWorld();
    const typo = await post(world, 'responder', '/v1/agents/clrek/stop', STOP);
    expect(typo.statusCode).toBe(404);
    expect(typo.json().code).toBe('registry.unknown-agent');
    expect(world.records).toEqual([]);
    expect((await post(world, 'responder', '/v1/agents/clrek/stop', { ...STOP, unseen: true })).statusCode).toBe(200);
    expect(world.records).toHaveLength(1);
  });

  it.each([
    [{}, 'action'],
    [{ action: 'kill', reason: 'x' }, 'action'],
    [{ action: 'suspend' }, 'reason'],
    [{ action: 'suspend', reason: '' }, 'reason'],
    [{ ...STOP, for_ms: -1 }, 'for_ms'],
    [{ ...STOP, for_ms: 1.5 }, 'for_ms'],
    [{ ...STOP, for_ms: 1e300 }, 'for_ms'],
    [{ ...STOP, calls_per_minute: 5 }, 'calls_per_minute'],
    [{ action: 'throttle', reason: 'x' }, 'calls_per_minute'],
    [{ ...STOP, formS: 5 }, 'formS'],
  ])('refuses %j naming %s', async (payload, member) => {
    const world = createWorld();
    addAgent(world, 'clerk');
    const answer = await post(world, 'admin', '/v1/agents/clerk/stop', payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().code).toBe('api.invalid');
    expect(answer.json().detail).toContain(member);
    expect(world.records).toEqual([]);
  });
});

describe('release', () => {
  it('names the role that asks, since a revocation yields to an admin alone', async () => {
    const world = createWorld();
    for (const token of ['responder', 'admin']) {
      const answer = await post(world, token, '/v1/agents/clerk/release', { reason: 'fine again', if_version: 3 });
      expect(answer.statusCode).toBe(200);
    }
    expect(world.records).toMatchObject([
      { type: 'release', role: 'responder', ifVersion: 3, actor: 'person:responder' },
      { type: 'release', role: 'admin', ifVersion: 3, actor: 'person:admin' },
    ]);
  });
});

describe('reset', () => {
  it('writes a control record for a known agent', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    expect((await post(world, 'admin', '/v1/agents/clerk/reset')).json()).toEqual({ reset: true });
    expect(world.controls).toEqual([
      { type: 'reset', timeMs: NOW_MS, tenant: '', agent: 'clerk', actor: 'person:admin' },
    ]);
    expect((await post(world, 'admin', '/v1/agents/nobody/reset')).statusCode).toBe(404);
  });
});

describe('a token bound to a tenant', () => {
  it('reads and touches nothing of another', async () => {
    const world = createWorld();
    addAgent(world, 'clerk', { tenant: 'other' });
    addAgent(world, 'clerk', { tenant: 'acme' });
    for (const tenant of ['other', '']) {
      const query = `?tenant=${tenant}`;
      expect((await post(world, 'bound-responder', `/v1/agents/clerk/stop${query}`, STOP)).statusCode).toBe(403);
      expect(
        (await post(world, 'bound-responder', `/v1/agents/clerk/release${query}`, { reason: 'x' })).statusCode,
      ).toBe(403);
      expect((await post(world, 'bound-admin', `/v1/agents/clerk/reset${query}`)).statusCode).toBe(403);
      const read = await world.call('bound-responder', { method: 'GET', url: `/v1/agents/clerk${query}` });
      expect(read.statusCode).toBe(403);
      const put = await world.call('bound-admin', { method: 'PUT', url: `/v1/agents/clerk${query}`, payload: {} });
      expect(put.statusCode).toBe(403);
      expect((await post(world, 'bound-gateway', '/v1/decide', { tenant, agent: 'clerk' })).statusCode).toBe(403);
    }
    expect(world.records).toEqual([]);
    expect((await post(world, 'bound-responder', '/v1/agents/clerk/stop?tenant=acme', STOP)).statusCode).toBe(200);
    const list = await world.call('bound-responder', { method: 'GET', url: '/v1/agents' });
    expect(list.json().agents.map((agent: { tenant: string }) => agent.tenant)).toEqual(['acme']);
  });

  it('cannot make, see or revoke tokens', async () => {
    const world = createWorld();
    const payload = { name: 'more', roles: ['admin'] };
    expect((await post(world, 'bound-admin', '/v1/tokens', payload)).statusCode).toBe(403);
    expect((await world.call('bound-admin', { method: 'GET', url: '/v1/tokens' })).statusCode).toBe(403);
    expect((await world.call('bound-admin', { method: 'DELETE', url: '/v1/tokens/t1' })).statusCode).toBe(403);
  });
});

describe('reset to a date', () => {
  const dated = { timeMs: NOW_MS - 5, layout: 'l', bound: 'AAAA', unbound: null };

  it('carries the profile of then', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    world.mood.dated = dated;
    for (const asOf of ['2025-06-01', '2025-06-01T12:00:00Z', '2025-06-01T12:00:00%2B02:00']) {
      expect((await post(world, 'admin', `/v1/agents/clerk/reset?as_of=${asOf}`)).json()).toEqual({ reset: true });
    }
    expect(world.controls).toHaveLength(3);
    expect(world.controls[0]).toMatchObject({ type: 'reset', agent: 'clerk', dated });
  });

  it('says so where there is none', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    const none = await post(world, 'admin', '/v1/agents/clerk/reset?as_of=2025-06-01');
    expect(none.json()).toMatchObject({ status: 404, detail: expect.stringContaining('2025-06-01') });
    const kafka = createWorld({ undated: true });
    addAgent(kafka, 'clerk');
    const never = await post(kafka, 'admin', '/v1/agents/clerk/reset?as_of=2025-06-01');
    expect(never.json()).toMatchObject({ status: 409, detail: expect.stringContaining('Kafka') });
    expect((await post(world, 'admin', '/v1/agents/clerk/reset?as_of=yesterday')).statusCode).toBe(400);
    expect([...world.controls, ...kafka.controls]).toEqual([]);
  });
});
