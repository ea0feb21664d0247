/** Findings as they stand now: a list of them, one with what was done about it, and what happened to it. */
import { identityOf } from './access.js';
import { READERS, type ServerParts } from './contract.js';
import { outcomeOf } from './finding-outcome.js';
import type { Api } from './route.js';
import { emptyQuery, idPath } from './schema.js';
import { filterOf, requireFinding } from './triage-asker.js';
import { findingDetailAnswer, findingStatesAnswer, findingsQuery, timelineAnswer } from './triage-schema.js';
import { stateView, timelineView } from './triage-view.js';
import type { Updates } from './updates.js';

export function registerFindings(app: Api, { triage, registry }: ServerParts, updates: Updates): void {
  app.route({
    method: 'GET',
    url: '/v1/findings',
    config: {
      access: READERS,
      operation: 'listFindings',
      summary: 'List findings as they stand: filter, search, sort',
    },
    schema: { querystring: findingsQuery, response: { 200: findingStatesAnswer } },
    handler: async (request) => {
      const { sort, limit, cursor = null, ...query } = request.query;
      // Before the list is made: what changes meanwhile is told twice rather than never.
      const place = updates.id(triage.seq);
      const page = triage.list(filterOf(request, query), sort, limit, cursor);
      return { findings: page.rows.map(stateView), cursor: page.cursor, total: page.total, updates: place };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/findings/:id',
    config: { access: READERS, operation: 'getFinding', summary: 'Read one finding, and what was done about it' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: findingDetailAnswer } },
    handler: async (request) => {
      const state = requireFinding(triage, identityOf(request), request.params.id);
      const done = outcomeOf(registry, state.finding, triage.timeline(state.finding.id));
      return { ...stateView(state), done };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/findings/:id/timeline',
    config: {
      access: READERS,
      operation: 'getFindingTimeline',
      summary: 'What happened to a finding and, while it was open, to its agent; oldest first',
    },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: timelineAnswer } },
    handler: async (request) => {
      const { finding } = requireFinding(triage, identityOf(request), request.params.id);
      return timelineView(triage.timeline(finding.id));
    },
  });
}
