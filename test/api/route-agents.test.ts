import { describe, expect, it } from 'vitest';
import { addAgent, createWorld } from './world.js';

describe('GET /v1/agents', () => {
  it('lists all agents, page by page, each once', async () => {
    const world = createWorld();
    for (let i = 0; i < 25; i++) addAgent(world, `a${i}`, { status: i % 5 === 0 ? 'suspended' : 'active' });
    const seen: string[] = [];
    let cursor: number | null = 0;
    while (cursor !== null) {
      const answer = await world.call('responder', { method: 'GET', url: `/v1/agents?limit=7&cursor=${cursor}` });
      const page = answer.json() as { agents: { agent: string }[]; cursor: number | null };
      expect(page.agents.length).toBeLessThanOrEqual(7);
      seen.push(...page.agents.map(({ agent }) => agent));
      cursor = page.cursor;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `a${i}`));
  });

  it('filters by tenant and status', async () => {
    const world = createWorld();
    addAgent(world, 'a', { status: 'suspended' });
    addAgent(world, 'b', { tenant: 'acme' });
    addAgent(world, 'c', { tenant: 'acme', status: 'revoked' });
    const names = async (query: string) => {
      const answer = await world.call('admin', { method: 'GET', url: `/v1/agents?${query}` });
      return answer.json().agents.map(({ agent }: { agent: string }) => agent);
    };
    expect(await names('tenant=acme')).toEqual(['b', 'c']);
    expect(await names('status=revoked')).toEqual(['c']);
    expect(await names('tenant=')).toEqual(['a']);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=-1', 'status=gone', 'order=up'])('refuses %s', async (query) => {
    const answer = await createWorld().call('admin', { method: 'GET', url: `/v1/agents?${query}` });
    expect(answer.statusCode).toBe(400);
  });
});

describe('one agent', () => {
  it('is read by its encoded name', async () => {
    const world = createWorld();
    const name = `клерк/sub ${'x'.repeat(200)}?&%`;
    addAgent(world, name, { tenant: 'acme' });
    const url = `/v1/agents/${encodeURIComponent(name)}?tenant=acme`;
    const answer = await world.call('admin', { method: 'GET', url });
    expect(answer.json()).toMatchObject({ agent: name, tenant: 'acme', budgets: { session_usd: null, day_usd: 10 } });
    const other = await world.call('admin', { method: 'GET', url: '/v1/agents/nobody' });
    expect(other.statusCode).toBe(404);
    expect(other.json().code).toBe('registry.unknown-agent');
  });

  it('is registered with what is said and nothing else', async () => {
    const world = createWorld();
    const payload = { owner: 'ops', parent: 'boss', budgets: { session_usd: 1, day_usd: null }, if_version: 4 };
    await world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload });
    await world.call('admin', {
      method: 'PUT',
      url: '/v1/agents/clerk?tenant=acme',
      payload: { labels: ['x'], role: null },
    });
    expect(world.records).toEqual([
      expect.objectContaining({
        type: 'register',
        ifVersion: 4,
        owner: 'ops',
        parentAgent: 'boss',
        budgets: { sessionUsd: 1, dayUsd: null },
      }),
      expect.objectContaining({ type: 'register', ifVersion: null, tenant: 'acme', labels: ['x'], role: null }),
    ]);
    expect(world.records[0]).not.toHaveProperty('labels');
    expect(world.records[1]).not.toHaveProperty('owner');
    expect(world.records[1]).not.toHaveProperty('parentAgent');
  });

  it('keeps two writers apart: 409 with the version that stands', async () => {
    const world = createWorld();
    world.mood.verdict = { effect: 'refused', reason: 'version 1 was read, it is 2 now', code: 'registry.conflict' };
    const answer = await world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload: { if_version: 1 } });
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'registry.conflict', retry: true });
  });
});
