/** POST /v1/decide: may this agent make this call? Answered from memory, in one synchronous turn. */
import { identityOf } from './access.js';
import { type DecideAnswer, type DecideBody, decideAnswer, decideBody } from './decide-schema.js';
import { type Answer, type Asked, createDecide, type DecisionParts } from './decision.js';
import type { Api } from './route.js';
import { emptyQuery } from './schema.js';

/** ms that the registry was out of reach; only where that is more than configured. */
export const STALE_HEADER = 'killdeer-stale-ms';

export function registerDecide(app: Api, parts: DecisionParts): void {
  const decide = createDecide(parts, 'json');
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
      const answer = decide(identityOf(request), askedOf(request.body));
      if (answer.staleMs !== null) reply.header(STALE_HEADER, Math.round(answer.staleMs));
      reply.send(decideView(answer, request.body.approval ?? null));
    },
  });
}

function askedOf(body: DecideBody): Asked {
  const { tenant = '', agent, operation, endpoint, target, session, parent, approval } = body;
  return {
    tenant,
    agent,
    question: {
      operation: operation ?? null,
      endpoint: endpoint ?? null,
      target: target ?? null,
      session: session ?? null,
      dataClass: body.data_class ?? null,
      parent: parent ?? null,
      approval: approval ?? null,
    },
    estimateUsd: body.estimate_usd ?? null,
  };
}

/** An answer in the wire's words. `approval`: the one that the caller named. */
export function decideView(answer: Answer, approval: string | null): DecideAnswer {
  const { allow, status, reason, retryAfterMs, denial, grant } = answer;
  const reservation =
    grant === null || grant.id === null
      ? null
      : { id: grant.id, remaining_usd: grant.remainingUsd, expires_ms: grant.expiresMs };
  return {
    allow,
    status,
    reason,
    retry_after_ms: retryAfterMs,
    denial,
    approval: approvalOf(answer) ?? approval,
    reservation,
    remaining_usd: grant?.remainingUsd ?? null,
  };
}

/** The approval that the registry's answer names, where it does. */
function approvalOf(answer: Answer): string | null {
  const { approval } = answer as { approval?: unknown };
  return typeof approval === 'string' ? approval : null;
}
