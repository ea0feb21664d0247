/** The stream over a real socket: what a gateway's copy knows after whatever happened to its line. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { openRegistryCopy, type RegistryCopy, type RegistryCopyOptions } from '../../src/api/registry-copy.js';
import { RegistryFeed } from '../../src/api/registry-feed.js';
import { createSseReader, type SseMessage } from '../../src/api/sse.js';
import { createGatewayWorld, enrol, type GatewayWorld } from './gateway-world.js';
import { NOW_MS } from './world.js';

let gateway: GatewayWorld;
const copies: RegistryCopy[] = [];

afterEach(async () => {
  for (const copy of copies.splice(0)) await copy.stop();
  await gateway.close();
});

const POLICY = {
  ...{ name: 'p', mode: 'enforce', rules: [], protectedAgents: [], unregistered: 'deny' },
  brakes: { stopsMax: 5, intervalMs: 1, cooldownMs: 1 },
};
const stop = (agent: string, key = agent, tenant = '') => ({
  ...{ type: 'stop', key, agent, tenant, action: 'suspend', reason: 'hijacked', forMs: null, callsPerMinute: null },
});
const release = (agent: string) => ({ type: 'release', key: agent, agent, reason: 'fine', role: 'admin' });

async function serve(parts = {}): Promise<string> {
  gateway = await createGatewayWorld(parts);
  await enrol(gateway.write);
  return gateway.world.app.listen({ port: 0, host: '127.0.0.1' });
}

async function copyOf(address: string, over: Partial<RegistryCopyOptions> = {}): Promise<RegistryCopy> {
  const copy = await openRegistryCopy({ address, token: 'gateway', retryMs: 5, ...over });
  copies.push(copy);
  return copy;
}

/** Waits until it holds; the test's own time limit is the only one. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

async function read(address: string, headers: Record<string, string>, wanted: number, token = 'gateway') {
  const ending = new AbortController();
  const url = `${address}/v1/registry/stream?for_ms=5000`;
  const response = await fetch(url, {
    signal: ending.signal,
    headers: { ...headers, authorization: `Bearer ${token}` },
  });
  const reader = createSseReader();
  const messages: SseMessage[] = [];
  for await (const bytes of response.body ?? []) {
    messages.push(...reader.push(bytes));
    if (messages.length >= wanted) break;
  }
  ending.abort();
  return { response, messages };
}

describe('GET /v1/registry/current', () => {
  const current = async (token = 'gateway', query = '', headers = {}) =>
    gateway.world.call(token, { method: 'GET', url: `/v1/registry/current${query}`, headers });

  it('holds what is in force, with the offset to go on from', async () => {
    await serve();
    await gateway.write({ type: 'policy', policy: POLICY });
    const page = (await current()).json();
    expect(page).toMatchObject({ offset: gateway.registry.offset(), halts: [], cursor: null });
    expect(page.policy).toEqual({ name: 'p', mode: 'enforce', unregistered: 'deny', limited: false });
    const told = page.agents.map((one: { agent: string; status: string }) => `${one.agent} ${one.status}`);
    expect(told).toEqual([
      ...['free active', 'slow throttled', 'held suspended', 'gone revoked', 'broke active', 'käfer active'],
      'lone active',
    ]);
    expect(page.agents.find((one: { agent: string }) => one.agent === 'broke').limited).toBe(true);
  });

  it('comes in pages, shows a token what it is bound to, and answers 304 while nothing changes', async () => {
    await serve();
    const first = (await current('gateway', '?limit=4')).json();
    expect(first.agents).toHaveLength(4);
    expect((await current('gateway', `?limit=4&cursor=${first.cursor}`)).json()).toMatchObject({ cursor: null });
    const bound = await current('bound-gateway');
    expect(bound.json().agents).toMatchObject([{ tenant: 'acme', agent: 'lone' }]);
    const again = { 'if-none-match': String(bound.headers.etag) };
    expect((await current('bound-gateway', '', again)).statusCode).toBe(304);
    expect((await current('gateway', '', again)).statusCode).toBe(200);
    await gateway.write(stop('free'));
    expect((await current('bound-gateway', '', again)).statusCode).toBe(200);
  });

  it('shows a token bound to a sub-agent those above it too, whose stop covers it', async () => {
    await serve({
      authenticate: () => ({
        ...{ id: 'sub', actor: 'person:x', roles: ['gateway'] },
        bindings: { tenants: null, agents: ['held/sub'] },
      }),
    });
    expect((await current()).json().agents).toMatchObject([{ agent: 'held', status: 'suspended' }]);
  });
});

describe('GET /v1/registry/stream', () => {
  it('tells each change once, with the id to go on from', async () => {
    const address = await serve();
    const from = String(gateway.registry.offset());
    await gateway.write(stop('free'));
    await gateway.write(release('free'));
    await gateway.write({ type: 'register', agent: 'new', budgets: { sessionUsd: 1, dayUsd: null } });
    await gateway.write({ type: 'policy', policy: POLICY });
    const { response, messages } = await read(address, { 'last-event-id': from }, 5);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const types = messages.map((message) => message.type);
    expect(types).toEqual(['restriction', 'release', 'limits', 'policy', 'heartbeat']);
    expect(messages.map(({ id }) => Number(id) - Number(from))).toEqual([1, 2, 3, 4, 4]);
    expect(JSON.parse(messages[0].data)).toMatchObject({ agent: 'free', status: 'suspended', reason: 'hijacked' });
    const { messages: later } = await read(address, { 'last-event-id': String(messages[1].id) }, 3);
    expect(later.map((message) => message.type)).toEqual(['limits', 'policy', 'heartbeat']);
  });

  it.each(['99999', 'nonsense'])('says reset to a place that it does not know: %s', async (place) => {
    const address = await serve();
    const { messages } = await read(address, { 'last-event-id': place }, 2);
    expect(messages.map((message) => message.type)).toEqual(['reset', 'heartbeat']);
    expect(JSON.parse(messages[0].data)).toEqual({ offset: gateway.registry.offset() });
  });

  it('tells a token nothing of agents that it is not bound to', async () => {
    const address = await serve();
    const from = String(gateway.registry.offset());
    await gateway.write(stop('free'));
    await gateway.write(stop('lone', 'lone', 'acme'));
    const { messages } = await read(address, { 'last-event-id': from }, 2, 'bound-gateway');
    expect(messages.map((message) => message.type)).toEqual(['restriction', 'heartbeat']);
    expect(messages[0].data).toContain('"lone"');
  });

  it('is refused where as many are open as may be', async () => {
    const address = await serve({ streams: { streamsMax: 1 } });
    const copy = await copyOf(address);
    await until(() => copy.silentMs() < 1_000);
    const headers = { authorization: 'Bearer gateway' };
    let status = 200;
    while (status === 200) {
      const response = await fetch(`${address}/v1/registry/stream?for_ms=1`, { headers });
      await response.body?.cancel();
      status = response.status;
    }
    expect(status).toBe(429);
  });

  it('ends at the next heartbeat where the token was revoked', async () => {
    let isRevoked = false;
    const address = await serve({
      streams: { heartbeatMs: 5 },
      authenticate: () =>
        isRevoked
          ? null
          : { id: 'x', actor: 'person:x', roles: ['gateway'], bindings: { tenants: null, agents: null } },
    });
    const response = await fetch(`${address}/v1/registry/stream`, { headers: { authorization: 'Bearer x' } });
    let text = '';
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString();
      isRevoked = true;
    }
    expect(text).toContain('event: heartbeat');
  });
});

describe("a gateway's copy", () => {
  const word = (copy: RegistryCopy, agent: string, tenant = '') => {
    const { allow, denial, sure } = copy.decide(tenant, agent, NOW_MS);
    return `${allow ? 'allow' : denial}${sure ? '' : '?'}`;
  };

  it('knows who is stopped, and where it has to ask', async () => {
    const copy = await copyOf(await serve());
    expect(['free', 'held', 'held/sub', 'gone', 'nobody'].map((agent) => word(copy, agent))).toEqual([
      ...['allow', 'stopped', 'stopped', 'stopped', 'allow'],
    ]);
    expect(['slow', 'broke'].map((agent) => word(copy, agent))).toEqual(['allow?', 'allow?']);
    expect(copy.decide('', 'held/sub', NOW_MS).reason).toBe('held is suspended: looks hijacked');
  });

  it('follows stops, releases, parents and the policy', async () => {
    const copy = await copyOf(await serve());
    await gateway.write({ type: 'register', agent: 'helper', parentAgent: 'free' });
    await until(() => copy.position() === gateway.registry.offset());
    expect(word(copy, 'helper')).toBe('allow');
    await gateway.write(stop('free'));
    await until(() => word(copy, 'helper') === 'stopped');
    await gateway.write(release('free'));
    await until(() => word(copy, 'helper') === 'allow');
    await gateway.write({ type: 'policy', policy: POLICY });
    await until(() => word(copy, 'nobody') === 'unregistered');
    expect(word(copy, 'helper/sub')).toBe('allow');
  });

  it('misses no stop that was made while it was away', async () => {
    const address = await serve({ streams: { heartbeatMs: 5 } });
    let isAway = false;
    const flaky: typeof fetch = (url, init) => (isAway ? Promise.reject(new Error('away')) : fetch(url, init));
    const copy = await copyOf(address, { fetch: flaky, silentMs: 200 });
    for (let round = 0; round < 3; round++) {
      isAway = true;
      // Whatever stream is open ends as a line does that breaks.
      gateway.world.app.server.closeAllConnections();
      await gateway.write(stop('free', `s${round}`));
      await gateway.write({ ...release('held'), key: `h${round}` });
      await gateway.write(stop('held', `h${round}`));
      isAway = false;
      await until(() => word(copy, 'free') === 'stopped');
      expect(word(copy, 'held')).toBe('stopped');
      await gateway.write({ ...release('free'), key: `f${round}` });
      await until(() => word(copy, 'free') === 'allow');
    }
  });

  it('reads everything again where it was away for longer than the server remembers', async () => {
    const feed = new RegistryFeed(2);
    const address = await serve({ feed });
    const away = gateway.registry.offset();
    let isAway = false;
    const flaky: typeof fetch = (url, init) => (isAway ? Promise.reject(new Error('away')) : fetch(url, init));
    const copy = await copyOf(address, { fetch: flaky });
    isAway = true;
    gateway.world.app.server.closeAllConnections();
    await gateway.write(stop('free'));
    for (let i = 0; i < 8; i++) await gateway.write({ type: 'register', agent: `later-${i}` });
    expect(feed.since(away, 1)).toBeNull();
    isAway = false;
    await until(() => word(copy, 'free') === 'stopped' && copy.position() === gateway.registry.offset());
    expect(word(copy, 'later-7')).toBe('allow');
  });
});
