/** POST /v1/decide: may this agent make this call? Answered from memory, in one synchronous turn. */
import { identityOf, requireCover } from './access.js';
import type { Clock, RegistryPort } from './contract.js';
import type { Api } from './route.js';
import { decideAnswer, decideBody, emptyQuery } from './schema.js';

export function registerDecide(app: Api, registry: RegistryPort, clock: Clock): void {
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
      reply.send({ allow, status, reason, retry_after_ms: retryAfterMs });
    },
  });
}
