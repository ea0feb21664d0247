import { afterEach, describe, expect, it } from 'vitest';
import {
  buildOpsServer,
  metricsToken,
  type OpsParts,
  type OpsServer,
  type Parts,
  readiness,
  startOpsServer,
} from '../../src/api/ops-server.js';
import { problemAnswer } from '../../src/api/schema.js';
import { parseConfig } from '../../src/config.js';
import { createTelemetry } from '../../src/telemetry.js';

const TOKEN = 'the-scrapers-secret';
const fine = { ok: true, reason: null };
const NO_WORDS = { ok: false, reason: null };
const ops = (members: object) => parseConfig({ ops: members }, 'test').ops;

function partsOf(ready: Parts, token: string | null = TOKEN, more: Partial<OpsParts> = {}): OpsParts {
  const metrics = { telemetry: createTelemetry(), token };
  return { health: () => fine, ready: () => ready, metrics, clock: () => 1_000_000, ...more };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('readiness', () => {
  it('is that of all parts, and names those that wait', () => {
    expect(readiness({})).toEqual(fine);
    expect(readiness({ score: fine, learn: fine })).toEqual(fine);
    const waiting = { score: { ok: false, reason: 'partition 3 is restoring' }, learn: fine, project: NO_WORDS };
    expect(readiness(waiting)).toEqual({
      ok: false,
      reason: 'score: partition 3 is restoring; project: not ready',
    });
  });
});

describe('probes', () => {
  it('are open, and tell how each part is', async () => {
    const waiting = { score: { ok: false, reason: 'partition 3 is restoring' }, learn: fine };
    const app = buildOpsServer(partsOf(waiting));
    const health = await app.inject('/healthz');
    expect([health.statusCode, health.json()]).toEqual([200, fine]);
    const ready = await app.inject('/readyz');
    expect(ready.statusCode).toBe(503);
    expect(ready.json()).toEqual({ ok: false, reason: 'score: partition 3 is restoring', parts: waiting });
    expect((await buildOpsServer(partsOf({ learn: fine })).inject('/readyz')).statusCode).toBe(200);
  });

  it('say that the process does not work', async () => {
    const broken = { ok: false, reason: 'a log failed' };
    const answer = await buildOpsServer(partsOf({}, TOKEN, { health: () => broken })).inject('/healthz');
    expect([answer.statusCode, answer.json()]).toEqual([503, broken]);
  });
});

describe('metrics', () => {
  it('want the token where there is one', async () => {
    const app = buildOpsServer(partsOf({ score: fine, learn: NO_WORDS }));
    for (const headers of [{}, bearer('wrong'), { authorization: TOKEN }]) {
      const refused = await app.inject({ url: '/metrics', headers });
      expect(refused.statusCode).toBe(401);
      expect(refused.headers['www-authenticate']).toContain('Bearer');
      expect(problemAnswer.strict().parse(refused.json()).code).toBe('api.unauthorized');
    }
    const answer = await app.inject({ url: '/metrics', headers: bearer(TOKEN) });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.body).toContain('killdeer_ready{part="score"} 1');
    expect(answer.body).toContain('killdeer_ready{part="learn"} 0');
    expect(answer.body).not.toContain(TOKEN);
  });

  it('are open where there is none', async () => {
    expect((await buildOpsServer(partsOf({}, null)).inject('/metrics')).statusCode).toBe(200);
  });

  it('are guarded beyond loopback, or the configuration is refused with words', () => {
    const env = { MY_TOKEN: TOKEN, EMPTY: '' };
    expect(metricsToken(ops({ port: 0, token_env: 'MY_TOKEN' }), env)).toBe(TOKEN);
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(metricsToken(ops({ port: 0, host }), env)).toBeNull();
    expect(metricsToken(ops({ host: '0.0.0.0' }), env)).toBeNull();
    for (const token_env of ['KILLDEER_METRICS_TOKEN', 'EMPTY']) {
      const open = ops({ host: '0.0.0.0', port: 9464, token_env });
      expect(() => metricsToken(open, env)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
      expect(() => metricsToken(open, env)).toThrow(`set the environment variable ${token_env}`);
    }
  });
});

describe('every answer', () => {
  it('carries security headers; errors are problem details without anything internal', async () => {
    const parts = partsOf({}, null, {
      health: () => {
        throw new Error('password=hunter2');
      },
    });
    const app = buildOpsServer(parts);
    const cases = [
      ['GET', '/nowhere', 404, 'api.not-found'],
      ['POST', '/metrics', 404, 'api.not-found'],
      ['GET', '/healthz', 500, 'api.internal'],
    ] as const;
    for (const [method, url, status, code] of cases) {
      const answer = await app.inject({ method, url });
      expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.body).not.toMatch(/hunter2|ops-server/);
    }
  });

  it('is rate limited per address', async () => {
    const app = buildOpsServer(partsOf({}));
    const statuses = new Set<number>();
    for (let i = 0; i < 200; i++) statuses.add((await app.inject('/readyz')).statusCode);
    expect([...statuses]).toEqual([200, 429]);
    const refused = await app.inject('/readyz');
    expect(refused.json()).toMatchObject({ code: 'api.rate-limited', retry: true });
    expect(refused.headers['retry-after']).toBe('1');
    const other = await app.inject({ url: '/readyz', remoteAddress: '10.0.0.9' });
    expect(other.statusCode).toBe(200);
  });
});

describe('the server', () => {
  let server: OpsServer | null = null;
  afterEach(async () => {
    await server?.close();
    server = null;
  });

  it('is not there where no port is named', async () => {
    expect(await startOpsServer(ops({}), partsOf({}))).toBeNull();
  });

  it('listens, and says when it cannot', async () => {
    server = await startOpsServer(ops({ port: 0 }), partsOf({ score: fine }));
    const address = server?.address as string;
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    const taken = Number(new URL(address).port);
    await expect(startOpsServer(ops({ port: taken }), partsOf({}))).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining(`ops.port ${taken}`),
    });
  });

  it('does not listen beyond loopback without a token', async () => {
    await expect(startOpsServer(ops({ host: '0.0.0.0', port: 0 }), partsOf({}, null))).rejects.toMatchObject({
      code: 'config.invalid',
    });
    server = await startOpsServer(ops({ host: '0.0.0.0', port: 0 }), partsOf({}));
    expect(server).not.toBeNull();
  });
});
