/** The recent findings, newest first. */
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import { type Bindings, type FindingsPort, READERS } from './contract.js';
import type { Api } from './route.js';
import { emptyQuery, findingAnswer, findingsAnswer, findingsQuery, idPath } from './schema.js';
import { findingView } from './view.js';

export function registerFindings(app: Api, findings: FindingsPort): void {
  app.route({
    method: 'GET',
    url: '/v1/findings',
    config: {
      access: READERS,
      operation: 'listFindings',
      summary: 'List recent findings, newest first',
    },
    schema: { querystring: findingsQuery, response: { 200: findingsAnswer } },
    handler: async (request) => {
      const { limit, cursor = null, ...filter } = request.query;
      const visible = visibleTo(identityOf(request).bindings);
      const page = findings.list({ ...filter, visible }, limit, cursor);
      return { findings: page.findings.map(findingView), cursor: page.cursor };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/findings/:id',
    config: { access: READERS, operation: 'getFinding', summary: 'Read one recent finding' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: findingAnswer } },
    handler: async (request) => {
      const finding = findings.get(request.params.id);
      // Not there and not yours are one answer: an id tells nothing about other tenants.
      if (finding === null || !visibleTo(identityOf(request).bindings)(finding)) {
        throw new KilldeerError('api.not-found', `no recent finding has the id ${request.params.id}`);
      }
      return findingView(finding);
    },
  });
}

function visibleTo(bindings: Bindings): (finding: Finding) => boolean {
  return (finding) => covers(bindings, finding.tenant, finding.agent);
}
