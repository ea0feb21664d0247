import { describe, expect, it } from 'vitest';
import { addAgent, createWorld, METRICS_TOKEN } from './world.js';

describe('GET /metrics', () => {
  it("is Prometheus text, for any token and for the scraper's", async () => {
    const world = createWorld();
    for (const token of ['gateway', 'bound-ingest', METRICS_TOKEN]) {
      const answer = await world.call(token, { method: 'GET', url: '/metrics' });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.body).toContain('# TYPE killdeer_events_total counter');
    }
  });

  it.each([[null], [''], ['of-the-scrape'], ['of-the-scraper2'], [`${METRICS_TOKEN} x`]])(
    'refuses %j',
    async (token) => {
      const answer = await createWorld().call(token, { method: 'GET', url: '/metrics' });
      expect(answer.statusCode).toBe(401);
      expect(answer.json().code).toBe('api.unauthorized');
    },
  );

  it("is all that the scraper's token opens", async () => {
    const world = createWorld();
    await world.app.ready();
    const others = world.app.routeTable.filter(({ url, access }) => url !== '/metrics' && access !== 'open');
    expect(others.length).toBeGreaterThan(10);
    for (const { method, url } of others) {
      const answer = await world.call(METRICS_TOKEN, { method: method as 'GET', url });
      expect(`${method} ${url} ${answer.statusCode}`).toBe(`${method} ${url} 401`);
    }
  });

  it('tells every call by its route, never by the names in its path', async () => {
    const world = createWorld();
    addAgent(world, 'clerk-of-acme');
    await world.call('admin', { method: 'GET', url: '/v1/agents/clerk-of-acme?tenant=' });
    await world.call('admin', { method: 'GET', url: '/v1/agents/nobody-known' });
    await world.call('admin', { method: 'GET', url: '/no/such/clerk-of-acme' });
    await world.call('gateway', { method: 'POST', url: '/v1/decide', payload: { agent: 'clerk-of-acme' } });
    const { body } = await world.call('admin', { method: 'GET', url: '/metrics' });
    expect(body).toContain('killdeer_http_requests_total{route="/v1/agents/:agent",status="2xx"} 1');
    expect(body).toContain('killdeer_http_requests_total{route="/v1/agents/:agent",status="4xx"} 1');
    expect(body).toContain('killdeer_http_requests_total{route="none",status="4xx"} 1');
    expect(body).toContain('killdeer_http_request_seconds_count{route="/v1/decide"} 1');
    expect(body).toContain('killdeer_decision_seconds_count 1');
    expect(body).not.toMatch(/clerk|acme|nobody/);
  });

  it('counts failed authentications like any other route', async () => {
    const world = createWorld({ limits: { failures: 60 } });
    const get = (token: string) => world.call(token, { method: 'GET', url: '/metrics' });
    for (let i = 0; i < 10; i++) expect((await get('guess')).statusCode).toBe(401);
    expect((await get('guess')).statusCode).toBe(429);
    expect((await get(METRICS_TOKEN)).statusCode).toBe(200);
  });
});
