import { describe, expect, it } from 'vitest';
import { createRepeats } from '../../src/api/repeats.js';
import { addAgent, createWorld, NOW_MS, type World } from './world.js';

const DAY_MS = 86_400_000;
const URL = '/v1/agents/clerk';

function worldWithClerk(): World {
  const world = createWorld();
  addAgent(world, 'clerk');
  return world;
}

function put(world: World, key: string, payload: object, token = 'admin', url = URL) {
  return world.call(token, { method: 'PUT', url, payload, headers: { 'idempotency-key': key } });
}

describe('the same key', () => {
  it('with the same call takes effect once, and is answered the same', async () => {
    const world = worldWithClerk();
    const first = await put(world, 'k', { owner: 'ops' });
    const again = await put(world, 'k', { owner: 'ops' });
    expect(world.records).toHaveLength(1);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect([again.statusCode, again.body]).toEqual([first.statusCode, first.body]);
  });

  it('with another body or query is refused', async () => {
    const world = worldWithClerk();
    await put(world, 'k', { owner: 'ops' });
    const other = await put(world, 'k', { owner: 'eve' });
    expect(other.statusCode).toBe(422);
    expect(other.json()).toMatchObject({ code: 'api.key-reused' });
    expect((await put(world, 'k', { owner: 'ops' }, 'admin', `${URL}?tenant=acme`)).statusCode).toBe(422);
    expect(world.records).toHaveLength(1);
  });

  it('of another person or for another agent is another wish', async () => {
    const world = worldWithClerk();
    addAgent(world, 'bot', { tenant: 'acme' });
    await put(world, 'k', { owner: 'ops' });
    await put(world, 'k', { owner: 'ops' }, 'admin', '/v1/agents/other');
    await put(world, 'k', { owner: 'ops' }, 'bound-admin', '/v1/agents/bot?tenant=acme');
    expect(world.records).toHaveLength(3);
  });

  it('while the first call is under way is told to wait', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const base = worldWithClerk();
    const world = createWorld({
      parts: {
        control: {
          write: async (record) => {
            base.controls.push(record);
            await opened;
          },
        },
      },
    });
    addAgent(world, 'clerk');
    const reset = () =>
      world.call('admin', { method: 'POST', url: `${URL}/reset`, headers: { 'idempotency-key': 'k' } });
    const first = reset();
    await expect.poll(() => base.controls.length).toBe(1);
    const early = await reset();
    expect(early.statusCode).toBe(409);
    expect(early.json()).toMatchObject({ code: 'api.in-flight', retry: true });
    open();
    expect((await first).statusCode).toBe(200);
    expect((await reset()).headers['idempotency-replayed']).toBe('true');
    expect(base.controls).toHaveLength(1);
  });

  it('of a call that failed may be tried again', async () => {
    const world = worldWithClerk();
    world.mood.verdict = { effect: 'refused', reason: 'not now', code: 'registry.refused' };
    expect((await put(world, 'k', { owner: 'ops' })).statusCode).toBe(409);
    world.mood.verdict = {};
    expect((await put(world, 'k', { owner: 'ops' })).statusCode).toBe(200);
  });

  it('never shows a secret a second time', async () => {
    const world = worldWithClerk();
    const make = () =>
      world.call('admin', {
        ...{ method: 'POST', url: '/v1/tokens', payload: { name: 'x', roles: ['viewer'] } },
        headers: { 'idempotency-key': 'k' },
      });
    expect((await make()).statusCode).toBe(201);
    const again = await make();
    expect(again.statusCode).toBe(409);
    expect(again.body).not.toContain('the-secret');
    expect((await world.call('admin', { method: 'GET', url: '/v1/tokens' })).json().tokens).toHaveLength(1);
  });

  it('is nothing to reads, events and decisions', async () => {
    const world = worldWithClerk();
    const headers = { 'idempotency-key': 'k' };
    for (let i = 0; i < 2; i++) {
      const answer = await world.call('gateway', {
        method: 'POST',
        url: '/v1/decide',
        payload: { agent: 'clerk' },
        headers,
      });
      expect(answer.headers['idempotency-replayed']).toBeUndefined();
      const list = await world.call('viewer', { method: 'GET', url: '/v1/agents', headers });
      expect(list.headers['idempotency-replayed']).toBeUndefined();
    }
  });

  it('is no way past the role', async () => {
    const world = worldWithClerk();
    await put(world, 'k', { owner: 'ops' });
    expect((await put(world, 'k', { owner: 'ops' }, 'viewer')).statusCode).toBe(403);
  });
});

describe('the memory of answers', () => {
  const answer = { status: 200, type: null, body: 'x'.repeat(1_000_000) };

  it('ends after a day', () => {
    let nowMs = NOW_MS;
    const repeats = createRepeats(() => nowMs);
    repeats.begin('k', 'h');
    repeats.end('k', { ...answer, body: 'x' });
    expect(repeats.begin('k', 'h')).toMatchObject({ status: 200 });
    nowMs += DAY_MS;
    expect(repeats.begin('k', 'h')).toBe('new');
  });

  it('keeps the newest 10,000, and no more text than fits', () => {
    const repeats = createRepeats(() => NOW_MS);
    for (let i = 0; i <= 10_000; i++) repeats.begin(`k${i}`, 'h');
    expect(repeats.begin('k10000', 'h')).toBe('in-flight');
    expect(repeats.begin('k0', 'h')).toBe('new');
    for (let i = 0; i < 60; i++) {
      repeats.begin(`long${i}`, 'h');
      repeats.end(`long${i}`, answer);
    }
    expect(repeats.begin('long59', 'h')).toMatchObject({ status: 200 });
    expect(repeats.begin('long0', 'h')).toBe('new');
  });
});
