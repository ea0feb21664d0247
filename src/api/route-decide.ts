/** POST /v1/decide: may this agent make this call? Answered from memory, in one synchronous turn. */
import { identityOf, requireCover } from './access.js';
import type { Clock, MetricsParts, RegistryPort, Staleness } from './contract.js';
import type { Api } from './route.js';
import { decideAnswer, decideBody, emptyQuery } from './schema.js';

/** ms that the registry was out of reach; only where that is more than configured. */
const STALE_HEADER = 'killdeer-stale-ms';
const RETRY_MS = 1_000;

export interface DecideParts {
  readonly registry: RegistryPort;
  readonly clock: Clock;
  readonly staleness?: Staleness;
  readonly metrics?: MetricsParts;
}

export function registerDecide(app: Api, { registry, clock, staleness, metrics }: DecideParts): void {
  app.route({
    method: 'POST',
    url: '/v1/decide',
    bodyLimit: 16_384,
    // Asked before every call of every agent: a log line each would cost more than the answer.
    logLevel: 'silent',
    config: {
      access: ['gateway', 'responder', 'admin'],
      limit: 'gateway',
      operation: 'decide',
      summary: 'Ask whether an agent may act; always 200 for a well-formed question',
    },
    schema: { querystring: emptyQuery, body: decideBody, response: { 200: decideAnswer } },
    handler: (request, reply) => {
      const { tenant = '', agent } = request.body;
      requireCover(identityOf(request), tenant, agent);
      const { allow, status, reason, retryAfterMs } = registry.decide(tenant, agent, clock());
      const staleMs = staleness?.ms() ?? 0;
      const isStale = staleness !== undefined && staleMs > staleness.afterMs;
      // A stop that is known holds in any case; it is the stops that may be unknown that the policy is about.
      const refused = allow && isStale && staleness.deny;
      metrics?.telemetry.count('killdeer_decisions_total', { answer: answerOf(allow && !refused, isStale) });
      if (isStale) reply.header(STALE_HEADER, Math.round(staleMs));
      reply.send({
        allow: allow && !refused,
        status,
        reason: refused ? `the registry is out of reach since ${Math.round(staleMs / 1_000)} s` : reason,
        retry_after_ms: refused ? RETRY_MS : retryAfterMs,
      });
    },
  });
}

function answerOf(allow: boolean, isStale: boolean) {
  if (isStale) return allow ? 'stale_allow' : 'stale_deny';
  return allow ? 'allow' : 'deny';
}
