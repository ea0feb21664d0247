/** What people do that changes nothing in the registry stands in its log: who, on whose authority, for which call. */
import { describe, expect, it } from 'vitest';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { codeOf, visitorBy, visitorOf } from './visitor.js';
import { addAgent, createWorld, fakeAudit, NOW_MS, type World } from './world.js';

type Deed = RegistryRecord & { readonly type: 'deed' };

function deedsOf(world: World): Deed[] {
  return world.records.filter((record): record is Deed => record.type === 'deed');
}

const isAnId = expect.stringMatching(/^[0-9a-f-]{36}$/);
const adminsOwn = { actor: 'person:admin', authority: 'admin', parent: isAnId, timeMs: NOW_MS };

async function makeToken(world: World) {
  const payload = { name: 'crm', roles: ['ingest'], agents: ['crm-*'] };
  return await world.call('admin', { method: 'POST', url: '/v1/tokens', payload });
}

describe('tokens', () => {
  it('are made and revoked by somebody, and what is written down opens nothing', async () => {
    const world = createWorld();
    const made = await makeToken(world);
    const { entry, token } = made.json();
    await world.call('admin', { method: 'DELETE', url: `/v1/tokens/${entry.id}` });
    expect(deedsOf(world)).toMatchObject([
      { ...adminsOwn, what: 'token-make', parent: made.headers['x-request-id'] },
      { ...adminsOwn, what: 'token-revoke' },
    ]);
    for (const { about } of deedsOf(world)) {
      expect(JSON.parse(about)).toEqual({
        ...{ id: entry.id, actor: 'person:crm', roles: ['ingest'], bound: true, expires_ms: null },
      });
    }
    expect(JSON.stringify(world.records)).not.toContain(token);
  });

  it('are not made where nobody can be told who made them', async () => {
    const world = createWorld();
    await breakRegistry(world, async () => {
      expect((await makeToken(world)).statusCode).toBe(500);
    });
    expect((await world.call('admin', { method: 'GET', url: '/v1/tokens' })).json().tokens).toEqual([]);
  });

  it('are refused to who may not, and nothing is written down', async () => {
    const world = createWorld();
    const payload = { name: 'crm', roles: ['ingest'] };
    for (const token of ['responder', 'bound-admin']) {
      expect((await world.call(token, { method: 'POST', url: '/v1/tokens', payload })).statusCode).toBe(403);
    }
    expect((await world.call('admin', { method: 'DELETE', url: '/v1/tokens/none' })).statusCode).toBe(404);
    expect(world.records).toEqual([]);
  });
});

describe('sessions', () => {
  it('are opened by a link and closed by their person', async () => {
    const world = createWorld();
    const visitor = await visitorBy(world, 'responder', ['viewer']);
    await visitor.write({ method: 'DELETE', url: '/v1/session' });
    const own = { actor: 'person:responder', authority: 'responder', parent: isAnId };
    expect(deedsOf(world)).toMatchObject([
      { ...own, what: 'login-link', about: '{"roles":["viewer"]}' },
      { ...own, what: 'session-open' },
      { ...own, what: 'session-close' },
    ]);
    const [, opened, closed] = deedsOf(world);
    expect(opened?.about).toMatch(/^\{"session":"[0-9a-f]{12}","via":"link"\}$/);
    expect(closed?.about).toBe(opened?.about);
    expect(visitor.cookie()).toBe('');
  });

  it('are closed by an admin, who stands there and not the person', async () => {
    const world = createWorld();
    const visitor = await visitorBy(world, 'viewer');
    const secret = visitor.cookie().split('=')[1] as string;
    await world.call('admin', { method: 'DELETE', url: '/v1/sessions?person=viewer' });
    expect(deedsOf(world).at(-1)).toMatchObject({
      ...{ ...adminsOwn, what: 'sessions-close', about: '{"person":"person:viewer","ended":1}' },
    });
    expect(JSON.stringify(world.records)).not.toContain(secret);
  });

  it('are not opened where nobody can be told who came in', async () => {
    const world = createWorld();
    const payload = { code: await codeOf(world, 'viewer') };
    await breakRegistry(world, async () => {
      const answer = await visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload });
      expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([500, undefined]);
    });
  });

  it('of the longest name are written down, cut', async () => {
    const world = createWorld();
    const person = encodeURIComponent('\u0001'.repeat(200));
    await world.call('admin', { method: 'DELETE', url: `/v1/sessions?person=${person}` });
    expect(deedsOf(world)).toMatchObject([{ what: 'sessions-close', about: expect.any(String) }]);
    expect(deedsOf(world)[0]?.about).toHaveLength(1_000);
  });
});

it('a review that is applied stands there as one act, beside what it changed', async () => {
  const world = createWorld({ audit: fakeAudit() });
  addAgent(world, 'clerk');
  const review = (await world.call('admin', { method: 'GET', url: '/v1/registry/review' })).json();
  const [row] = review.agents;
  const payload = { ...review, agents: [{ ...row, decision: 'keep' }] };
  const applied = await world.call('admin', { method: 'POST', url: '/v1/registry/review', payload });
  expect(applied.statusCode).toBe(200);
  expect(world.records).toMatchObject([
    { type: 'register', actor: 'person:admin', authority: 'admin', parent: `review:${review.id}` },
    { ...adminsOwn, type: 'deed', what: 'review-apply', parent: applied.headers['x-request-id'] },
  ]);
  const { about } = deedsOf(world)[0] as Deed;
  expect(JSON.parse(about)).toMatchObject({ review: review.id, kept: 1, removed: 0, changed: 0, refused: 0 });
});

/** The registry cannot be written while it lasts. */
async function breakRegistry({ records }: World, meanwhile: () => Promise<void>): Promise<void> {
  const push = records.push;
  records.push = () => {
    throw new Error('the registry cannot be written');
  };
  await meanwhile();
  records.push = push;
}
