import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { problemAnswer } from '../../src/api/schema.js';
import { listen } from '../../src/api/server.js';
import { addAgent, createWorld, eventLine, NOW_MS, type World } from './world.js';

describe('errors', () => {
  it.each([
    ['GET', '/nowhere', 404, 'api.not-found'],
    ['GET', '/v1/agents/a/b', 404, 'api.not-found'],
    ['POST', '/v1/agents/a/explode', 404, 'api.not-found'],
    ['DELETE', '/v1/events', 405, 'api.method-not-allowed'],
    ['GET', '/v1/agents/clerk/stop', 405, 'api.method-not-allowed'],
    ['GET', '/v1/agents/%zz', 400, 'api.invalid'],
    ['GET', `/v1/agents/${'a'.repeat(5000)}`, 404, 'api.not-found'],
  ])('%s %s is %i %s, as a problem detail', async (method, url, status, code) => {
    const answer = await createWorld().call('admin', { method: method as 'GET', url });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(problemAnswer.strict().parse(answer.json())).toMatchObject({ status, code, type: `urn:killdeer:${code}` });
  });

  it('name the methods that are allowed', async () => {
    const answer = await createWorld().call('admin', { method: 'POST', url: '/v1/agents/clerk' });
    expect(answer.headers.allow).toBe('GET, PUT');
  });

  it.each([
    ['{"agent":', 400, 'api.invalid', 'application/json'],
    ['', 400, 'api.invalid', 'application/json'],
    ['{"agent":"a","__proto__":{"x":1}}', 400, 'api.invalid', 'application/json'],
    [`{"agent":"${'a'.repeat(20_000)}"}`, 413, 'api.too-large', 'application/json'],
    ['<a/>', 415, 'api.unsupported-media', 'application/xml'],
  ])('of a body %.30j are %i %s', async (payload, status, code, type) => {
    const headers = { 'content-type': type };
    const answer = await createWorld().call('gateway', { method: 'POST', url: '/v1/decide', payload, headers });
    expect(answer.statusCode).toBe(status);
    expect(answer.json().code).toBe(code);
  });

  it('of our own tell nothing but the request id, which finds the fault in the log', async () => {
    const world = createWorld({ logs: true });
    world.mood.statsError = new Error('password=hunter2 in /secret/path');
    const answer = await world.call('admin', { method: 'GET', url: '/v1/status' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toMatch(/hunter2|secret|stack|server\.ts/);
    const id = answer.headers['x-request-id'] as string;
    expect(answer.json().instance).toBe(`urn:uuid:${id}`);
    const line = world.logLines.find((text) => text.includes('api.internal'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      requestId: id,
      err: { message: expect.stringContaining('hunter2') },
    });
  });
});

describe('the log and the headers', () => {
  it('never hold a token, a body or a stack', async () => {
    const world = createWorld({ logs: true });
    world.mood.statsError = new Error('broken');
    await world.call('admin', { method: 'GET', url: '/v1/status' });
    await world.call('admin-misspelt-secret', { method: 'GET', url: '/v1/agents' });
    const headers = { authorization: 'Bearer ingest', 'content-type': 'text/plain' };
    await world.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers,
      payload: eventLine({ note: 'private-note' }),
    });
    world.app.log.info(
      { headers: { ...headers, 'cookie': 'killdeer=private-note', 'x-killdeer-csrf': 'private-note' } },
      'redaction',
    );
    const text = world.logLines.join('');
    expect(world.logLines.length).toBeGreaterThan(3);
    expect(text).not.toMatch(/Bearer|misspelt-secret|private-note|\\n\s+at /);
  });

  it('carry security headers and a request id of our own making', async () => {
    const world = createWorld();
    const headers = { 'x-request-id': 'mine', 'request-id': 'mine' };
    for (const url of ['/healthz', '/nowhere', '/v1/status']) {
      const answer = await world.call('admin', { method: 'GET', url, headers });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
      expect(answer.headers).not.toHaveProperty('x-powered-by');
    }
  });
});

describe('rate limits', () => {
  it('count per token and kind of route, and say when to come again', async () => {
    const world = createWorld({ limits: { control: 60, gateway: 600 } });
    const get = (token: string) => world.call(token, { method: 'GET', url: '/v1/agents' });
    for (let i = 0; i < 10; i++) expect((await get('admin')).statusCode).toBe(200);
    const refused = await get('admin');
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toMatchObject({ code: 'api.rate-limited', retry: true });
    expect((await get('responder')).statusCode).toBe(200);
    const decide = await world.call('admin', { method: 'POST', url: '/v1/decide', payload: { agent: 'clerk' } });
    expect(decide.statusCode).toBe(200);
    world.mood.nowMs += 1000;
    expect((await get('admin')).statusCode).toBe(200);
    world.mood.nowMs -= 3_600_000;
    expect((await get('admin')).statusCode).toBe(429);
  });

  it('count failed authentications per address, and leave good tokens alone', async () => {
    const world = createWorld({ limits: { failures: 60 } });
    const get = (token: string) => world.call(token, { method: 'GET', url: '/v1/agents' });
    for (let i = 0; i < 10; i++) expect((await get('guess')).statusCode).toBe(401);
    expect((await get('guess')).statusCode).toBe(429);
    expect((await get('admin')).statusCode).toBe(200);
    expect((await world.call(null, { method: 'GET', url: '/healthz' })).statusCode).toBe(200);
  });

  it('go by the wall clock where the server tells the time of a recording that stands still', async () => {
    let wallMs = NOW_MS;
    const world = createWorld({ limits: { control: 60 }, parts: { wall: () => wallMs } });
    const ask = async () => (await world.call('viewer', { method: 'GET', url: '/v1/agents' })).statusCode;
    for (let i = 0; i < 10; i++) expect(await ask()).toBe(200);
    expect(await ask()).toBe(429);
    wallMs += 1000;
    expect(await ask()).toBe(200);
  });
});

describe('probes', () => {
  it('answer 503 with a word of why', async () => {
    const world = createWorld();
    world.mood.ready = false;
    const ready = await world.call(null, { method: 'GET', url: '/readyz' });
    expect(ready.statusCode).toBe(503);
    const stop = { ok: false, reason: 'not ready: starting' };
    expect(ready.json()).toEqual({ ok: false, reason: 'starting', stop });
    expect((await world.call(null, { method: 'GET', url: '/healthz' })).json()).toEqual({ ok: true, reason: null });
  });
});

describe('listen', () => {
  let world: World;
  afterEach(async () => {
    await world.app.close();
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.evil.example'])('refuses %s', async (host) => {
    world = createWorld();
    await expect(listen(world.app, { host, port: 0 })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('serves on this machine, and survives a sender who hangs up in the middle', async () => {
    world = createWorld();
    addAgent(world, 'clerk');
    const address = await listen(world.app, { port: 0 });
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const headers = { authorization: 'Bearer ingest', 'content-type': 'text/plain' };
    for (let i = 0; i < 20; i++) await hangUp(`${address}/v1/events`, headers);
    const answer = await fetch(`${address}/v1/events`, { method: 'POST', headers, body: eventLine() });
    expect(answer.status).toBe(202);
  });
});

/** Promises a long body, sends a little of it and goes away. */
function hangUp(url: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { method: 'POST', headers: { ...headers, 'content-length': '1000' } });
    request.on('error', () => {});
    request.on('close', () => resolve());
    request.write('{"id"', () => request.destroy());
  });
}
