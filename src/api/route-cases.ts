/** Cases: findings that belong together; and how triage goes: pages against what people can bear, detectors against verdicts. */
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { READERS, type ServerParts } from './contract.js';
import type { Api } from './route.js';
import { emptyQuery, idPath } from './schema.js';
import { filterOf, requireCase, visibleTo } from './triage-asker.js';
import {
  CASE_IDS_MAX,
  caseDetailAnswer,
  casesAnswer,
  findingsQuery,
  pagesAnswer,
  precisionAnswer,
  timelineAnswer,
} from './triage-schema.js';
import { caseView, pagesView, precisionView, timelineView } from './triage-view.js';

export function registerCases(app: Api, { triage }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/cases',
    config: { access: READERS, operation: 'listCases', summary: 'List cases with findings that match' },
    schema: { querystring: findingsQuery, response: { 200: casesAnswer } },
    handler: async (request) => {
      const { sort, limit, cursor = null, ...query } = request.query;
      const page = triage.cases(filterOf(request, query), sort, limit, cursor);
      return { cases: page.rows.map(caseView), cursor: page.cursor, total: page.total };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/cases/:id',
    config: { access: READERS, operation: 'getCase', summary: 'Read one case' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: caseDetailAnswer } },
    handler: async (request) => {
      const one = requireCase(triage, identityOf(request), request.params.id);
      return { ...caseView(one), finding_ids: one.findings.slice(0, CASE_IDS_MAX) };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/cases/:id/timeline',
    config: { access: READERS, operation: 'getCaseTimeline', summary: 'What happened in a case, oldest first' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: timelineAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { id } = requireCase(triage, identity, request.params.id);
      return timelineView(triage.caseTimeline(id, visibleTo(identity.bindings)));
    },
  });
}

export function registerTriageFigures(app: Api, { triage, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/pages',
    config: {
      access: READERS,
      operation: 'getPages',
      summary: 'Pages of the whole fleet against what people said they can bear',
    },
    schema: { querystring: emptyQuery, response: { 200: pagesAnswer } },
    handler: async (request) => {
      if (isBound(identityOf(request).bindings)) {
        throw new KilldeerError('api.forbidden', 'the token is bound, and these are counts of the whole fleet');
      }
      return pagesView(triage.pages(clock()));
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/precision',
    config: { access: READERS, operation: 'getPrecision', summary: 'How often people found each detector right' },
    schema: { querystring: emptyQuery, response: { 200: precisionAnswer } },
    handler: async (request) => precisionView(triage.precision(visibleTo(identityOf(request).bindings))),
  });
}
