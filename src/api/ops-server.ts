/**
 * The small server of a process without an API: does it work, is it ready, what does it measure. It promises that a
 * probe is answered from memory, that no answer carries a secret, and that metrics are open on loopback alone unless
 * a token guards them. It may not change anything.
 */
import { randomUUID } from 'node:crypto';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteShorthandOptions,
} from 'fastify';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { Telemetry } from '../telemetry.js';
import { createAccessHook, tooOften } from './access.js';
import { type Clock, type Health, type MetricsParts, RATE_LIMITS } from './contract.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';
import { createRateLimit } from './rate-limit.js';
import { createScraper, observeCalls } from './route-metrics.js';
import { isLoopback, listen, loggerOptions, SECURITY_HEADERS, sendProblem } from './server.js';
import { PLAIN_SITE } from './site.js';

/** Probes and scrapers come a few times a minute each. */
const CALLS_PER_MINUTE = 1_200;
/** A whole request must have arrived by then, ms. */
const REQUEST_TIMEOUT_MS = 10_000;

/** What a process is made of, by role or by another word, and how each part is. */
export type Parts = Readonly<Record<string, Health>>;

export interface OpsParts {
  /** The process works; false: restart it. */
  health(): Health;
  ready(): Parts;
  readonly metrics: MetricsParts;
  readonly clock: Clock;
  /** Where log lines go; without it the server logs nothing. */
  readonly logStream?: { write(line: string): void };
}

export interface OpsServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Ready where every part is; else what is not, in words. Nothing at all is ready: there is nothing to wait for. */
export function readiness(parts: Parts): Health {
  const waiting = Object.entries(parts).filter(([, { ok }]) => !ok);
  if (waiting.length === 0) return { ok: true, reason: null };
  return { ok: false, reason: waiting.map(([part, { reason }]) => `${part}: ${reason ?? 'not ready'}`).join('; ') };
}

/** Sets killdeer_ready of every part at each reading. */
export function watchReadiness(telemetry: Telemetry, ready: () => Parts): void {
  telemetry.beforeRead(() => {
    for (const [part, { ok }] of Object.entries(ready())) telemetry.set('killdeer_ready', { part }, ok ? 1 : 0);
  });
}

/** The token of /metrics, null where none is set. Throws 'config.invalid' where others could read without one. */
export function metricsToken(ops: Config['ops'], environment: Readonly<Record<string, string | undefined>>) {
  const token = environment[ops.token_env];
  if (token !== undefined && token !== '') return token;
  if (ops.port === null || isLoopback(ops.host)) return null;
  const words = `ops.host ${ops.host} is reachable from other machines: set the environment variable ${ops.token_env}`;
  throw new KilldeerError('config.invalid', `${words} to the token that reads /metrics, or listen on 127.0.0.1`);
}

/** Listens, where the configuration names a port; null where it does not. */
export async function startOpsServer(ops: Config['ops'], parts: OpsParts): Promise<OpsServer | null> {
  const { host, port } = ops;
  if (port === null) return null;
  if (!isLoopback(host) && parts.metrics.token === null) metricsToken(ops, {});
  const app = buildOpsServer(parts);
  try {
    const address = await listen(app, { host, port, exposed: true });
    return { address, close: () => app.close() };
  } catch (error) {
    await app.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('config.invalid', `ops.host ${host} and ops.port ${port}: ${reason}`, error);
  }
}

/** All routes and hooks; the caller listens, or injects. */
export function buildOpsServer(parts: OpsParts): FastifyInstance {
  const { metrics, clock, logStream } = parts;
  const { telemetry, token } = metrics;
  const app = fastify({
    logger: logStream === undefined ? false : loggerOptions(logStream),
    bodyLimit: 1_024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) => sendProblem(error, request as FastifyRequest, reply as FastifyReply),
  });
  app.decorateRequest('identity', null);
  app.decorateRequest('session', null);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    done();
  });
  app.addHook('onRequest', createRateHook(clock));
  app.addHook(
    'onRequest',
    createAccessHook(() => null, RATE_LIMITS, clock, createScraper(token), { ...PLAIN_SITE, local: false }),
  );
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const problem = problemOf('api.not-found', `no route answers ${request.method} on this path`, request.id);
    reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
  });
  observeCalls(app, telemetry);
  watchReadiness(telemetry, parts.ready);
  addRoutes(app, parts);
  return app;
}

function createRateHook(clock: Clock) {
  const rates = createRateLimit(clock);
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const waitMs = rates.take(request.ip, CALLS_PER_MINUTE);
    if (waitMs === 0) done();
    else done(tooOften(reply, waitMs));
  };
}

function addRoutes(app: FastifyInstance, { health, ready, metrics: { telemetry, token } }: OpsParts): void {
  const open: RouteShorthandOptions = { logLevel: 'silent', config: { access: 'open' } };
  app.get('/healthz', open, (_request, reply) => {
    const { ok, reason } = health();
    reply.code(ok ? 200 : 503).send({ ok, reason });
  });
  app.get('/readyz', open, (_request, reply) => {
    const parts = ready();
    const { ok, reason } = readiness(parts);
    reply.code(ok ? 200 : 503).send({ ok, reason, parts });
  });
  const guarded: RouteShorthandOptions = { logLevel: 'silent', config: { access: 'any', scraped: true } };
  app.get('/metrics', token === null ? open : guarded, async (_request, reply) =>
    reply.type(telemetry.contentType).send(await telemetry.read()),
  );
}
