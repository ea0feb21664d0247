/** What Prometheus reads: GET /metrics, the token that opens it, and the calls themselves as metrics. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Telemetry } from '../telemetry.js';
import type { Authenticate, Identity } from './contract.js';
import type { Api } from './route.js';
import { metricsAnswer } from './schema.js';

/** May read metrics and nothing else: no role, and bound to nobody. */
const SCRAPER: Identity = {
  id: 'metrics',
  actor: 'scraper:metrics',
  roles: [],
  bindings: { tenants: [], agents: [] },
};
const BEARER = /^Bearer +(\S+)$/i;

export function registerMetrics(app: Api, telemetry: Telemetry): void {
  app.route({
    method: 'GET',
    url: '/metrics',
    logLevel: 'silent',
    config: { access: 'any', scraped: true, operation: 'getMetrics', summary: 'Read the metrics, as Prometheus text' },
    schema: { response: { 200: metricsAnswer } },
    handler: async (_request, reply) => reply.type(telemetry.contentType).send(await telemetry.read()),
  });
}

/** Knows one token; digests are compared, so that the time tells nothing of it. null: lets nobody in. */
export function createScraper(token: string | null): Authenticate {
  if (token === null) return () => null;
  const wanted = digest(token);
  return (header) => {
    const given = header === undefined ? undefined : BEARER.exec(header)?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted) ? SCRAPER : null;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Counts and times every call by its route's pattern: paths carry the names of agents and must not be labels. */
export function observeCalls(app: Pick<FastifyInstance, 'addHook'>, telemetry: Telemetry): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const status = STATUS_CLASSES[Math.floor(reply.statusCode / 100) - 1] ?? '5xx';
    const seconds = reply.elapsedTime / 1000;
    telemetry.count('killdeer_http_requests_total', { route, status });
    telemetry.observe('killdeer_http_request_seconds', { route }, seconds);
    if (route === '/v1/decide') telemetry.observe('killdeer_decision_seconds', {}, seconds);
    done();
  });
}

const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
