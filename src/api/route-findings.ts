/** The recent findings, newest first. */
import { KilldeerError } from '../errors.js';
import type { TriageBoard, Visible } from '../triage/triage.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import type { Bindings } from './contract.js';
import type { Api } from './route.js';
import { emptyQuery, findingAnswer, findingsAnswer, findingsQuery, idPath } from './schema.js';
import { findingView } from './view.js';

export function registerFindings(app: Api, triage: TriageBoard): void {
  app.route({
    method: 'GET',
    url: '/v1/findings',
    config: {
      access: ['responder', 'admin'],
      operation: 'listFindings',
      summary: 'List recent findings, newest first',
    },
    schema: { querystring: findingsQuery, response: { 200: findingsAnswer } },
    handler: async (request) => {
      const { limit, cursor = null, kind, ...filter } = request.query;
      const visible = visibleTo(identityOf(request).bindings);
      const kinds = kind === undefined ? undefined : [kind];
      const page = triage.list({ ...filter, kinds, visible }, 'last', limit, cursor);
      return { findings: page.rows.map(({ finding }) => findingView(finding)), cursor: page.cursor };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/findings/:id',
    config: { access: ['responder', 'admin'], operation: 'getFinding', summary: 'Read one recent finding' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: findingAnswer } },
    handler: async (request) => {
      const finding = triage.get(request.params.id)?.finding ?? null;
      // Not there and not yours are one answer: an id tells nothing about other tenants.
      if (finding === null || !visibleTo(identityOf(request).bindings)(finding)) {
        throw new KilldeerError('api.not-found', `no recent finding has the id ${request.params.id}`);
      }
      return findingView(finding);
    },
  });
}

function visibleTo(bindings: Bindings): Visible {
  return (finding) => covers(bindings, finding.tenant, finding.agent);
}
