/** POST /v1/decide/settle: a call for which money was reserved was made, or was not. */
import { KilldeerError } from '../errors.js';
import { identityOf, requireCover } from './access.js';
import { settleAnswer, settleBody } from './decide-schema.js';
import type { DecisionParts } from './decision.js';
import type { Api } from './route.js';
import { emptyQuery } from './schema.js';

export function registerSettle(app: Api, { spend, clock }: Pick<DecisionParts, 'spend' | 'clock'>): void {
  app.route({
    method: 'POST',
    url: '/v1/decide/settle',
    bodyLimit: 4_096,
    logLevel: 'silent',
    config: {
      access: ['gateway', 'responder', 'admin'],
      limit: 'gateway',
      operation: 'settle',
      summary: 'Say what a call cost for which an answer reserved money; 404 once it lapsed or was settled',
    },
    schema: { querystring: emptyQuery, body: settleBody, response: { 200: settleAnswer } },
    handler: (request, reply) => {
      const { reservation, cost_usd: costUsd = null } = request.body;
      const nowMs = clock();
      const holder = spend?.find(reservation, nowMs) ?? null;
      if (holder !== null) requireCover(identityOf(request), holder.tenant, holder.agent);
      const settled = holder === null ? null : (spend?.settle(reservation, costUsd, nowMs) ?? null);
      if (settled === null) {
        throw new KilldeerError('api.not-found', 'no such reservation is open: it lapsed, or was settled before');
      }
      reply.send({ settled: true as const, reserved_usd: settled.amountUsd });
    },
  });
}
