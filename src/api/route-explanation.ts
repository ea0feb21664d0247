/** Why a finding was raised: what was stored with it, and where it can be had, its record executed again. */
import { READERS, type ServerParts } from './contract.js';
import { explanationAnswer } from './explanation-schema.js';
import { explanationView } from './explanation-view.js';
import { askedFinding, insightOf } from './insight.js';
import type { Api } from './route.js';
import { emptyQuery, idPath } from './schema.js';

/** When to ask again while it runs, s. */
const AGAIN_S = 2;

export function registerExplanation(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/findings/:id/explanation',
    config: { access: READERS, operation: 'explainFinding', summary: 'Why a finding was raised' },
    schema: {
      params: idPath,
      querystring: emptyQuery,
      response: { 200: explanationAnswer, 202: explanationAnswer },
    },
    handler: async (request, reply) => {
      const finding = askedFinding(parts, request);
      const explained = await insightOf(parts).explain.explain(finding.id);
      if (explained.state === 'running') reply.code(202).header('retry-after', AGAIN_S);
      return explanationView(finding, explained);
    },
  });
}
