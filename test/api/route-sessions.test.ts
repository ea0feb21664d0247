import { describe, expect, it } from 'vitest';
import { LOGIN_CODE_MS } from '../../src/api/login-codes.js';
import { SESSION_IDLE_MS, SESSION_LAST_MS, SESSIONS_PER_PERSON_MAX } from '../../src/api/sessions.js';
import type { Site } from '../../src/api/site.js';
import { codeOf, visitorBy, visitorOf } from './visitor.js';
import { addAgent, createWorld, type World } from './world.js';

const SESSION = { method: 'GET', url: '/v1/session' } as const;
const AGENTS = { method: 'GET', url: '/v1/agents' } as const;
const STOP = { method: 'POST', url: '/v1/agents/clerk/stop', payload: { action: 'suspend', reason: 'test' } } as const;
const SECURE: Site = { secure: true, publicUrl: 'https://killdeer.example', local: true };

function worldWithClerk(site?: Site): World {
  const world = createWorld(site === undefined ? {} : { parts: { site } });
  addAgent(world, 'clerk');
  return world;
}

/** How people came in stands among the records too. */
function stopsOf({ records }: World) {
  return records.filter(({ type }) => type !== 'deed');
}

describe('a login link', () => {
  it('lets a browser in as its maker, and the session says who that is', async () => {
    const world = worldWithClerk();
    const visitor = await visitorBy(world, 'bound-responder');
    expect((await visitor.call(SESSION)).json()).toEqual({
      ...{ actor: 'person:bound-responder', authority: 'bound-responder', roles: ['responder'] },
      ...{ tenants: ['acme'], agents: null, via: 'link', csrf: visitor.csrf },
      ...{ idle_ms: world.mood.nowMs + SESSION_IDLE_MS, expires_ms: world.mood.nowMs + SESSION_LAST_MS },
    });
  });

  it('works once', async () => {
    const world = worldWithClerk();
    const payload = { code: await codeOf(world, 'viewer') };
    const open = () => visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload });
    expect((await open()).statusCode).toBe(201);
    const again = await open();
    expect(again.statusCode).toBe(401);
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it('works for ten minutes', async () => {
    const world = worldWithClerk();
    const payload = { code: await codeOf(world, 'viewer') };
    world.mood.nowMs += LOGIN_CODE_MS;
    const late = await visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload });
    expect(late.json()).toMatchObject({ code: 'api.unauthorized' });
  });

  it('gives no more than its maker has', async () => {
    const world = worldWithClerk();
    const ask = async (token: string, roles: string[]) =>
      (await world.call(token, { method: 'POST', url: '/v1/login-links', payload: { roles } })).statusCode;
    expect(await ask('viewer', ['analyst'])).toBe(403);
    expect(await ask('responder', ['viewer', 'admin'])).toBe(403);
    expect(await ask('responder', ['analyst'])).toBe(201);
    expect(await ask('admin', ['ingest'])).toBe(400);
    expect(await ask('gateway', ['viewer'])).toBe(403);
    const visitor = await visitorBy(world, 'admin', ['viewer']);
    expect((await visitor.call(AGENTS)).statusCode).toBe(200);
    expect((await visitor.write(STOP)).statusCode).toBe(403);
  });

  it('is made by tokens, not by sessions, which would never end then', async () => {
    const visitor = await visitorBy(worldWithClerk(), 'admin');
    const answer = await visitor.write({ method: 'POST', url: '/v1/login-links', payload: {} });
    expect(answer.statusCode).toBe(403);
  });

  it('takes no call that another site makes', async () => {
    const world = worldWithClerk();
    const payload = { code: await codeOf(world, 'viewer') };
    const headers = { origin: 'https://evil.example' };
    expect((await visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload, headers })).statusCode).toBe(
      403,
    );
  });

  it('is guessed at no more often than the limit allows', async () => {
    const world = createWorld({ limits: { failures: 60 } });
    const guess = () => visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload: { code: 'guess' } });
    for (let i = 0; i < 10; i++) expect((await guess()).statusCode).toBe(401);
    expect((await guess()).statusCode).toBe(429);
  });
});

describe('a session', () => {
  it.each<[string, number, boolean]>([
    ['lives while it is used', SESSION_IDLE_MS - 1, true],
    ['ends when nobody used it for half an hour', SESSION_IDLE_MS, false],
  ])('%s', async (_, ms, lives) => {
    const world = worldWithClerk();
    const visitor = await visitorBy(world, 'viewer');
    world.mood.nowMs += ms;
    expect((await visitor.call(AGENTS)).statusCode).toBe(lives ? 200 : 401);
  });

  it('ends after half a day, however much it was used', async () => {
    const world = worldWithClerk();
    const visitor = await visitorBy(world, 'viewer');
    const endMs = world.mood.nowMs + SESSION_LAST_MS;
    while (world.mood.nowMs + SESSION_IDLE_MS / 2 < endMs) {
      world.mood.nowMs += SESSION_IDLE_MS / 2;
      expect((await visitor.call(AGENTS)).statusCode).toBe(200);
    }
    world.mood.nowMs = endMs;
    expect((await visitor.call(AGENTS)).statusCode).toBe(401);
  });

  it('ends with the token that it came from', async () => {
    const world = worldWithClerk();
    let isLiving = true;
    const { app } = createWorld({
      parts: { tokens: { create: fail, list: () => [], revoke: async () => false, isLiving: () => isLiving } },
    });
    const visitor = await visitorBy({ ...world, app, call: (token, options) => callOn(app, token, options) }, 'viewer');
    expect((await visitor.call(AGENTS)).statusCode).toBe(200);
    isLiving = false;
    expect((await visitor.call(AGENTS)).statusCode).toBe(401);
  });

  it('ends by logging out, and its cookie goes', async () => {
    const visitor = await visitorBy(worldWithClerk(), 'viewer');
    const before = visitor.cookie();
    expect((await visitor.write({ method: 'DELETE', url: '/v1/session' })).json()).toEqual({ ended: 1 });
    expect(visitor.cookie()).toBe('');
    expect((await visitor.call({ ...AGENTS, headers: { cookie: before } })).statusCode).toBe(401);
  });

  it('ends with all of its person where an admin says so', async () => {
    const world = worldWithClerk();
    const visitors = [
      await visitorBy(world, 'viewer'),
      await visitorBy(world, 'viewer'),
      await visitorBy(world, 'analyst'),
    ];
    const end = (token: string) => world.call(token, { method: 'DELETE', url: '/v1/sessions?person=viewer' });
    expect((await end('bound-admin')).statusCode).toBe(403);
    expect((await end('admin')).json()).toEqual({ ended: 2 });
    const left = await Promise.all(visitors.map(async (one) => (await one.call(AGENTS)).statusCode));
    expect(left).toEqual([401, 401, 200]);
  });

  it('too many of one person pushes out the oldest of the same', async () => {
    const world = worldWithClerk();
    const other = await visitorBy(world, 'analyst');
    const first = await visitorBy(world, 'viewer');
    for (let i = 0; i < SESSIONS_PER_PERSON_MAX; i++) await visitorBy(world, 'viewer');
    expect((await first.call(AGENTS)).statusCode).toBe(401);
    expect((await other.call(AGENTS)).statusCode).toBe(200);
  });

  it('has its own rate limit', async () => {
    const world = createWorld({ limits: { control: 60 } });
    const one = await visitorBy(world, 'viewer');
    const other = await visitorBy(world, 'viewer');
    for (let i = 0; i < 10; i++) expect((await one.call(AGENTS)).statusCode).toBe(200);
    expect((await one.call(AGENTS)).statusCode).toBe(429);
    expect((await other.call(AGENTS)).statusCode).toBe(200);
  });

  it('counts for nothing beside a token, good or bad', async () => {
    const visitor = await visitorBy(worldWithClerk(), 'admin');
    const as = async (token: string) =>
      (await visitor.write({ ...STOP, headers: { authorization: `Bearer ${token}` } })).statusCode;
    expect(await as('viewer')).toBe(403);
    expect(await as('wrong')).toBe(401);
    expect(await as('responder')).toBe(200);
  });

  it('is told of a plain token too, which has none', async () => {
    const answer = await worldWithClerk().call('gateway', SESSION);
    expect(answer.json()).toMatchObject({ actor: 'person:gateway', via: 'token', csrf: null, expires_ms: null });
  });
});

describe('the cookie', () => {
  it('is out of reach of scripts and of other sites', async () => {
    const world = worldWithClerk();
    const answer = await visitorOf(world).call({
      ...{ method: 'POST', url: '/v1/sessions' },
      payload: { code: await codeOf(world, 'viewer') },
    });
    expect(answer.headers['set-cookie']).toMatch(/^killdeer=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(answer.headers['strict-transport-security']).toBeUndefined();
  });

  it('is bound to its host, and to TLS where there is TLS', async () => {
    const world = worldWithClerk(SECURE);
    const answer = await visitorOf(world).call({
      ...{ method: 'POST', url: '/v1/sessions' },
      payload: { code: await codeOf(world, 'viewer') },
    });
    expect(answer.headers['set-cookie']).toMatch(
      /^__Host-killdeer=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
  });
});

describe('a call of a session that changes something', () => {
  it('needs the token of the session', async () => {
    const world = worldWithClerk();
    const visitor = await visitorBy(world, 'responder');
    expect((await visitor.call(STOP)).json()).toMatchObject({ code: 'api.forbidden' });
    expect((await visitor.write({ ...STOP, headers: { 'x-killdeer-csrf': 'guess' } })).statusCode).toBe(403);
    const other = await visitorBy(world, 'responder');
    expect((await visitor.write({ ...STOP, headers: { 'x-killdeer-csrf': other.csrf ?? '' } })).statusCode).toBe(403);
    expect(stopsOf(world)).toEqual([]);
    expect((await visitor.write(STOP)).statusCode).toBe(200);
    expect(stopsOf(world)).toMatchObject([{ actor: 'person:responder', authority: 'responder' }]);
  });

  it.each<[string, Record<string, string>]>([
    ['another site', { 'origin': 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another origin of the same site', { 'origin': 'http://localhost', 'sec-fetch-site': 'same-site' }],
    ['another port', { origin: 'http://localhost:3000' }],
    ['a page without an origin', { origin: 'null' }],
    ['a name that only looks like ours', { origin: 'http://localhost.evil.example' }],
  ])('comes from no %s', async (_, headers) => {
    const world = worldWithClerk();
    const visitor = await visitorBy(world, 'responder');
    expect((await visitor.write({ ...STOP, headers })).statusCode).toBe(403);
    expect(stopsOf(world)).toEqual([]);
  });

  it('comes over TLS where there is TLS', async () => {
    const visitor = await visitorBy(worldWithClerk(SECURE), 'responder');
    const from = async (origin: string, host: string) =>
      (await visitor.write({ ...STOP, headers: { origin, host } })).statusCode;
    expect(await from('http://killdeer.example', 'killdeer.example')).toBe(403);
    expect(await from('https://killdeer.example', 'killdeer.example')).toBe(200);
    expect(await from('https://killdeer.example', '127.0.0.1:8321')).toBe(200);
    expect(await from('https://127.0.0.1:8321', '127.0.0.1:8321')).toBe(200);
  });

  it('may leave out what old browsers do not send, but never the token', async () => {
    const visitor = await visitorBy(worldWithClerk(), 'responder');
    const headers = { 'x-killdeer-csrf': visitor.csrf ?? '' };
    expect((await visitor.call({ ...STOP, headers })).statusCode).toBe(200);
  });
});

describe('on this machine alone', () => {
  it.each<[string, number]>([
    ['localhost:8321', 200],
    ['127.0.0.1:8321', 200],
    ['[::1]:8321', 200],
    ['LOCALHOST', 200],
    ['rebound.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
  ])('the host %s is answered with %i', async (host, status) => {
    const world = worldWithClerk();
    const answer = await world.call('viewer', { ...AGENTS, headers: { host } });
    expect(answer.statusCode).toBe(status);
    expect((await world.call(null, { method: 'GET', url: '/healthz', headers: { host } })).statusCode).toBe(status);
  });

  it('a gateway may ask in the name of any host, as the one before it does', async () => {
    const headers = { host: 'payments.example' };
    const answer = await worldWithClerk().call('gateway', {
      ...{ method: 'POST', url: '/v1/decide', payload: { agent: 'clerk' }, headers },
    });
    expect(answer.statusCode).toBe(200);
  });

  it('beyond it any name may lead here', async () => {
    const world = worldWithClerk({ secure: true, publicUrl: null, local: false });
    const answer = await world.call('viewer', { ...AGENTS, headers: { host: 'killdeer.internal' } });
    expect(answer.statusCode).toBe(200);
  });
});

function fail(): Promise<never> {
  return Promise.reject(new Error('no tokens are made here'));
}

function callOn(app: World['app'], token: string | null, options: object) {
  return app.inject({ ...options, headers: token === null ? {} : { authorization: `Bearer ${token}` } });
}
