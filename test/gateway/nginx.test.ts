/** The real server behind a real nginx with the configuration that is shipped: who is stopped reaches nothing. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGatewayWorld, enrol, type GatewayWorld } from '../api/gateway-world.js';
import { findNginx, startNginx } from './nginx.mjs';

const hasNginx = findNginx() !== null;
if (!hasNginx && process.env['CI']) throw new Error('nginx is not installed, and could not be fetched');
if (!hasNginx) console.warn('SKIPPED: the tests of deploy/nginx: nginx is not installed, and could not be fetched');

const AGENTS = {
  'key-free': 'free',
  'key-slow': 'slow',
  'key-held': 'held',
  'key-gone': 'gone',
  'key-beetle': 'k%C3%A4fer',
};

describe.skipIf(!hasNginx)('deploy/nginx/killdeer.conf', () => {
  let gateway: GatewayWorld;
  let upstream: Server;
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  let seen: { url: string; headers: IncomingHttpHeaders; body: string }[] = [];

  beforeAll(async () => {
    gateway = await createGatewayWorld();
    await enrol(gateway.write);
    upstream = createServer(async (request, response) => {
      let body = '';
      for await (const bytes of request) body += bytes;
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      response.end('served');
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const killdeer = new URL(await gateway.world.app.listen({ port: 0, host: '127.0.0.1' })).host;
    const protectedBy = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    nginx = await startNginx({ killdeer, protectedBy, token: 'gateway', agents: AGENTS });
  });
  afterAll(async () => {
    await nginx?.stop();
    upstream?.close();
    await gateway?.close();
  });
  beforeEach(() => {
    seen = [];
  });

  const call = async (key: string | null, init: RequestInit = {}, path = '/customers?q=1') => {
    const headers = { ...init.headers, ...(key === null ? {} : { 'x-api-key': key }) };
    const response = await fetch(`${nginx.address}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };

  it('serves an agent under no restriction, and tells the upstream who it is', async () => {
    const answer = await call('key-free', { method: 'POST', body: 'hello' });
    expect([answer.status, answer.text]).toEqual([200, 'served']);
    expect(seen).toMatchObject([
      { url: '/customers?q=1', body: 'hello', headers: { 'x-killdeer-agent': 'free', 'x-killdeer-status': 'active' } },
    ]);
    expect((await call('key-beetle')).status).toBe(200);
  });

  it('refuses who is suspended or revoked, with the reason, while the others are served', async () => {
    for (const [key, status] of [
      ['key-held', 'suspend'],
      ['key-gone', 'revoke'],
    ] as const) {
      const answer = await call(key);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('x-killdeer-denial')).toBe('stopped');
      const { denial, reason } = JSON.parse(answer.text);
      expect(denial).toBe('stopped');
      expect(reason).toContain(`${status}, until released: looks hijacked`);
      expect((await call('key-free')).status).toBe(200);
    }
    expect(seen.map(({ headers }) => headers['x-killdeer-agent'])).toEqual(['free', 'free']);
  });

  it('answers a throttle with 429 and when to come again', async () => {
    expect((await call('key-slow')).status).toBe(200);
    const answer = await call('key-slow');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBe(60);
    expect(JSON.parse(answer.text).denial).toBe('throttled');
    expect(seen).toHaveLength(1);
  });

  it('refuses who is nobody, whatever he says of himself', async () => {
    expect((await call(null)).status).toBe(403);
    expect((await call(null, { headers: { 'x-killdeer-agent': 'free' } })).status).toBe(403);
    expect((await call('key-held', { headers: { 'x-killdeer-agent': 'free' } })).status).toBe(403);
    expect((await call(null, {}, '/_killdeer')).status).toBe(404);
    expect(seen).toEqual([]);
  });

  it('refuses from the first call after the stop, and serves from the first after the release', async () => {
    const stop = { type: 'stop', key: 'later', agent: 'free', action: 'suspend', reason: 'hijacked' };
    expect((await call('key-free')).status).toBe(200);
    await gateway.write({ ...stop, forMs: null, callsPerMinute: null });
    expect((await call('key-free')).status).toBe(403);
    await gateway.write({ type: 'release', key: 'later', agent: 'free', reason: 'fine', role: 'admin' });
    expect((await call('key-free')).status).toBe(200);
  });
});

describe.skipIf(!hasNginx)('nginx without Killdeer', () => {
  it('refuses', async () => {
    const nowhere = '127.0.0.1:9';
    const setup = { killdeer: nowhere, protectedBy: nowhere, token: 'gateway', agents: AGENTS };
    const nginx = await startNginx(setup);
    const answer = await fetch(nginx.address, { headers: { 'x-api-key': 'key-free' } });
    expect(answer.status).toBe(500);
    await nginx.stop();
  });
});
