/** Replays: what would have been found, with another budget, another policy, or without what people said. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { ANALYSTS, READERS, type ServerParts } from './contract.js';
import { operationsOf, recordDeed, unboundOf } from './operations-guard.js';
import type { ReplayJob, ReplaysPort, ReplayWish } from './replay-contract.js';
import {
  type ReplayAnswer,
  type ReplayBody,
  replayAnswer,
  replayBody,
  replayFindingsAnswer,
  replayFindingsQuery,
  replaysAnswer,
} from './replay-schema.js';
import type { Api } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery, idPath } from './schema.js';
import { findingView } from './view.js';

export function registerReplays(app: Api, parts: ServerParts): void {
  registerStart(app, parts);
  app.route({
    method: 'GET',
    url: '/v1/replays',
    config: {
      access: READERS,
      operation: 'listReplays',
      summary: 'List the replays, newest first',
    },
    schema: { querystring: emptyQuery, response: { 200: replaysAnswer } },
    handler: async (request) => {
      unboundOf(request);
      return { replays: replaysOf(parts).list().map(replayView) };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/replays/:id',
    config: {
      access: READERS,
      operation: 'getReplay',
      summary: 'Read how far a replay is, and what came of it',
    },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: replayAnswer } },
    handler: async (request) => {
      unboundOf(request);
      return replayView(found(replaysOf(parts).get(request.params.id), request.params.id));
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/replays/:id/findings',
    config: {
      access: READERS,
      operation: 'listReplayFindings',
      summary: 'List the findings of a replay that is done, line by line, oldest first',
    },
    schema: { params: idPath, querystring: replayFindingsQuery, response: { 200: replayFindingsAnswer } },
    handler: async (request) => {
      unboundOf(request);
      const { id } = request.params;
      const { limit, cursor = '0' } = request.query;
      const replays = replaysOf(parts);
      const { state } = found(replays.get(id), id);
      const page = await replays.findings(id, limit, Number(cursor));
      if (page === null) throw new KilldeerError('registry.refused', `replay ${id} is ${state}: it has no findings`);
      return {
        findings: page.findings.map(findingView),
        cursor: page.cursor === null ? null : String(page.cursor),
      };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/v1/replays/:id',
    config: {
      access: ANALYSTS,
      operation: 'removeReplay',
      summary: 'Cancel a replay that waits or runs; take away one that has ended',
    },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: replayAnswer } },
    handler: async (request) => {
      unboundOf(request);
      const { id } = request.params;
      const replays = replaysOf(parts);
      found(replays.get(id), id);
      await recordDeed(parts, request, 'replay-remove', id);
      return replayView(found(await replays.remove(id), id));
    },
  });
}

function registerStart(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/replays',
    config: {
      access: ANALYSTS,
      operation: 'startReplay',
      summary: "Run this server's recorded traffic again, with something changed",
    },
    schema: { querystring: emptyQuery, body: replayBody, response: { 202: replayAnswer } },
    handler: async (request, reply) => {
      const { actor } = unboundOf(request);
      const replays = replaysOf(parts);
      const wish = wishOf(request.body);
      const id = idOf(request, request.body);
      if (replays.get(id) === null) await recordDeed(parts, request, 'replay-start', id);
      return reply.code(202).send(replayView(await replays.start(id, wish, actor)));
    },
  });
}

function replaysOf(parts: ServerParts): ReplaysPort {
  const { replays } = operationsOf(parts);
  if (replays !== null) return replays;
  const reason =
    'a server whose log is on Kafka keeps no log of its own to replay: replay a recording with the program';
  throw new KilldeerError('registry.refused', reason);
}

function found(job: ReplayJob | null, id: string): ReplayJob {
  if (job !== null) return job;
  throw new KilldeerError('api.not-found', `there is no replay ${id}`);
}

/** The same wish with the same key is one replay. */
function idOf(request: FastifyRequest, body: ReplayBody): string {
  const { key, ...wish } = body;
  const said = JSON.stringify([unboundOf(request).id, keyOf(request, key), wish]);
  return `r-${createHash('sha256').update(said).digest('hex').slice(0, 16)}`;
}

function wishOf(body: ReplayBody): ReplayWish {
  const { from_ms: fromMs = null, to_ms: toMs = null } = body;
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    throw new KilldeerError('api.invalid', 'to_ms: must be later than from_ms');
  }
  return {
    name: body.name,
    recording: body.recording ?? 'data',
    fromMs,
    toMs,
    pagesPerAgentDay: body.settings?.pages_per_agent_day ?? null,
    noticesPerAgentDay: body.settings?.notices_per_agent_day ?? null,
    policy: body.policy ?? null,
    withoutVerdicts: body.without_verdicts ?? false,
  };
}

function replayView(job: ReplayJob): ReplayAnswer {
  const { wish } = job;
  return {
    id: job.id,
    name: wish.name,
    recording: wish.recording,
    from_ms: wish.fromMs,
    to_ms: wish.toMs,
    settings: { pages_per_agent_day: wish.pagesPerAgentDay, notices_per_agent_day: wish.noticesPerAgentDay },
    policy: wish.policy,
    without_verdicts: wish.withoutVerdicts,
    state: job.state,
    actor: job.actor,
    asked_ms: job.askedMs,
    started_ms: job.startedMs,
    ended_ms: job.endedMs,
    progress: job.progress,
    reason: job.reason,
    result: job.result === null ? null : resultView(job.result),
  };
}

function resultView(result: NonNullable<ReplayJob['result']>): NonNullable<ReplayAnswer['result']> {
  const { difference } = result;
  return {
    records: result.records,
    events: result.events,
    findings: result.findings,
    pages: result.pages,
    stops: result.stops,
    first_stops: result.firstStops.map(({ time, tenant, agent, action, reason, finding }) => {
      return { time, tenant, agent, action, reason, finding };
    }),
    difference:
      difference === null
        ? null
        : {
            real_findings: difference.realFindings,
            real_pages: difference.realPages,
            gained: difference.gained.map(({ tenant, agent, kind, count }) => ({ tenant, agent, kind, count })),
            lost: difference.lost.map(({ tenant, agent, kind, count }) => ({ tenant, agent, kind, count })),
          },
  };
}
