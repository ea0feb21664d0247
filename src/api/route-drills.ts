/** Drills: what callers found, kept in the registry's log beside what the server found itself. */
import type { DrillResult } from '../registry/registry.js';
import { identityOf } from './access.js';
import { READERS, RESPONDERS, type ServerParts } from './contract.js';
import { type DrillAnswer, type DrillBody, drillAnswer, drillBody, drillsAnswer } from './drill-schema.js';
import { type Api, authorityOf } from './route.js';
import { emptyQuery } from './schema.js';
import { verdictAnswerOf } from './view.js';

export function registerDrills(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/drills',
    config: {
      access: READERS,
      operation: 'listDrills',
      summary: 'List the newest drills, oldest first',
    },
    schema: { querystring: emptyQuery, response: { 200: drillsAnswer } },
    handler: async () => ({ drills: registry.drills().map(drillView) }),
  });

  app.route({
    method: 'POST',
    url: '/v1/drills',
    config: {
      access: RESPONDERS,
      operation: 'reportDrill',
      summary: 'Keep the result of a drill that was held through this API',
    },
    schema: { querystring: emptyQuery, body: drillBody, response: { 200: drillAnswer } },
    handler: async (request) => {
      const by = authorityOf(identityOf(request), request.id);
      const drill = drillOf(request.body);
      verdictAnswerOf(await registry.write({ type: 'drill', ...by, timeMs: clock(), drill }), null);
      return drillView(drill);
    },
  });
}

function drillOf({ started_ms: startedMs, stages, ...rest }: DrillBody): DrillResult {
  return {
    ...rest,
    startedMs,
    way: 'http',
    // Not the caller's to say.
    ok: stages.every(({ missed }) => missed === 0),
    stages: stages.map(({ p50_ms: p50Ms, p99_ms: p99Ms, max_ms: maxMs, ...one }) => ({ ...one, p50Ms, p99Ms, maxMs })),
  };
}

/** A drill as the wire has it. */
export function drillView({ startedMs, stages, ...rest }: DrillResult): DrillAnswer {
  return {
    ...rest,
    started_ms: startedMs,
    stages: stages.map(({ p50Ms, p99Ms, maxMs, ...one }) => ({ ...one, p50_ms: p50Ms, p99_ms: p99Ms, max_ms: maxMs })),
  };
}
