/** The past of agents: events one by one, activity in steps, the names they use, what was decided about them. */
import { KilldeerError } from '../errors.js';
import { identityOf, requireCover } from './access.js';
import { covers } from './binding.js';
import { type Identity, READERS, type ServerParts } from './contract.js';
import { eventView } from './event-view.js';
import {
  activityAnswer,
  activityQuery,
  decisionsQuery,
  findingEventsAnswer,
  namesAnswer,
  namesQuery,
  pastDecisionsAnswer,
  pastEventsAnswer,
  pastEventsQuery,
} from './history-schema.js';
import { askedFinding, askedWhom, insightOf } from './insight.js';
import type { HistoryPort, NameUse } from './insight-contract.js';
import type { Api } from './route.js';
import { agentPath, emptyQuery, idPath } from './schema.js';
import { DAY_MS, filledSteps, spanOf, stepFor, stepsOf } from './time-span.js';

/** Events are kept for weeks, minutes for a year. */
const EVENT_DAYS = 31;
const MINUTE_DAYS = 400;
const POINTS_MAX = 1_500;
const NEW_DAYS = 7;
/** Around a finding: of its session, this long before and after, at most so many. */
const AROUND_MS = 3_600_000;
const AROUND_MAX = 200;

export function registerHistory(app: Api, parts: ServerParts): void {
  registerPastEvents(app, parts);
  registerActivity(app, parts);
  registerNames(app, parts, 'endpoint');
  registerNames(app, parts, 'target');
  registerPastDecisions(app, parts);
  registerFindingEvents(app, parts);
}

function registerPastEvents(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/events',
    config: { access: READERS, operation: 'listEvents', summary: 'Look through past events, newest first' },
    schema: { querystring: pastEventsQuery, response: { 200: pastEventsAnswer } },
    handler: async (request) => {
      const { from_ms, to_ms, cursor = null, ...filter } = request.query;
      const identity = identityOf(request);
      requireReach(identity, filter.tenant, filter.agent);
      const span = spanOf({ from_ms, to_ms }, parts.clock(), EVENT_DAYS);
      const page = await asked(() => insightOf(parts).history.events({ ...filter, ...span, cursor }));
      const mine = page.rows.filter(({ event }) => covers(identity.bindings, event.tenant, event.agent));
      const events = mine.map(({ event, root, bound }) => eventView(event, root, bound));
      return { events, from_ms: span.fromMs, to_ms: span.toMs, cursor: page.cursor };
    },
  });
}

/** A token bound to agents has to name one of them: else a page could be all of others. */
function requireReach(identity: Identity, tenant: string, agent: string | undefined): void {
  if (agent !== undefined) requireCover(identity, tenant, agent);
  const { agents, tenants } = identity.bindings;
  if (agent !== undefined) return;
  if (agents !== null) throw new KilldeerError('api.invalid', 'agent: the token is bound to agents, name one');
  if (tenants === null || tenants.includes(tenant)) return;
  throw new KilldeerError('api.forbidden', 'the token is not bound to this tenant');
}

function registerActivity(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/activity',
    config: { access: READERS, operation: 'getActivity', summary: 'What an agent and its tree did, step by step' },
    schema: { params: agentPath, querystring: activityQuery, response: { 200: activityAnswer } },
    handler: async (request) => {
      const whom = askedWhom(parts.registry, request);
      const span = spanOf(request.query, parts.clock(), MINUTE_DAYS);
      const stepMs = stepFor(span, POINTS_MAX);
      const found = await insightOf(parts).history.activity({ ...whom, ...span, stepMs });
      const points = filledSteps(stepsOf(span, stepMs), found).map((step) => ({
        ...{ time_ms: step.timeMs, events: step.events, errors: step.errors, denied: step.denied },
        ...{ input_tokens: step.inputTokens, output_tokens: step.outputTokens },
        ...{ cost_usd: step.costUsd, bytes_out: step.bytesOut, endpoints: step.endpoints, targets: step.targets },
      }));
      return { ...whom, from_ms: span.fromMs, to_ms: span.toMs, step_ms: stepMs, points };
    },
  });
}

function registerNames(app: Api, parts: ServerParts, by: 'endpoint' | 'target'): void {
  const [operation, words] =
    by === 'endpoint' ? (['listEndpoints', 'Endpoints'] as const) : (['listTargets', 'Targets'] as const);
  app.route({
    method: 'GET',
    url: `/v1/agents/:agent/${by}s`,
    config: { access: READERS, operation, summary: `${words} that an agent uses, most used first` },
    schema: { params: agentPath, querystring: namesQuery, response: { 200: namesAnswer } },
    handler: async (request) => {
      const whom = askedWhom(parts.registry, request);
      const { limit } = request.query;
      const span = spanOf(request.query, parts.clock(), EVENT_DAYS);
      const { names, total, sinceMs } = await insightOf(parts).history.names(by, { ...whom, ...span, limit });
      const newFromMs = Math.max(span.toMs - NEW_DAYS * DAY_MS, sinceMs + DAY_MS);
      return {
        ...{ tenant: whom.tenant, agent: whom.agent, from_ms: span.fromMs, to_ms: span.toMs, total },
        known_since_ms: sinceMs === 0 ? null : sinceMs,
        names: names.map((use) => nameView(use, newFromMs)),
      };
    },
  });
}

function nameView({ name, events, errors, firstMs, lastMs }: NameUse, newFromMs: number) {
  return { name, events, errors, first_seen_ms: firstMs, last_seen_ms: lastMs, new: firstMs >= newFromMs };
}

function registerPastDecisions(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/decisions',
    config: {
      access: READERS,
      operation: 'listDecisions',
      summary: 'What the registry was told about an agent, newest first',
    },
    schema: { params: agentPath, querystring: decisionsQuery, response: { 200: pastDecisionsAnswer } },
    handler: async (request) => {
      const { tenant, agent } = askedWhom(parts.registry, request);
      const { limit, cursor = null } = request.query;
      const span = spanOf(request.query, parts.clock(), MINUTE_DAYS);
      const { history } = insightOf(parts);
      const page = await asked(() => history.decisions({ tenant, agent, ...span, limit, cursor }));
      const text = (value: string) => (value === '' ? null : value);
      const decisions = page.rows.map((row) => ({
        ...{ time_ms: row.timeMs, type: row.type, actor: row.actor, action: text(row.action) },
        ...{ effect: text(row.effect), verdict: text(row.verdict), finding: text(row.finding), reason: row.reason },
      }));
      return { from_ms: span.fromMs, to_ms: span.toMs, decisions, cursor: page.cursor };
    },
  });
}

function registerFindingEvents(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/findings/:id/events',
    config: {
      access: READERS,
      operation: 'listFindingEvents',
      summary: 'Events that a finding rests on, and those around them',
    },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: findingEventsAnswer } },
    handler: async (request) => {
      const finding = askedFinding(parts, request);
      const { bindings } = identityOf(request);
      const found = await evidenceEvents(parts, finding);
      const mine = found.filter(({ tenant, agent }) => covers(bindings, tenant, agent));
      const around = await eventsAround(insightOf(parts).history, finding);
      const isMine = ({ event }: { event: { tenant: string; agent: string } }) =>
        covers(bindings, event.tenant, event.agent);
      return {
        finding: finding.id,
        evidence: mine.map((event) => eventView(event, finding.root, finding.bound ? true : null)),
        missing: finding.evidence.length - found.length,
        around: around.rows?.filter(isMine).map(({ event, root, bound }) => eventView(event, root, bound)) ?? null,
        note: around.note,
      };
    },
  });
}

async function evidenceEvents({ evidence }: ServerParts, finding: ReturnType<typeof askedFinding>) {
  if (evidence.events !== undefined) return await evidence.events(finding);
  const event = await evidence.event(finding);
  return event === null ? [] : [event];
}

/** The log answers even where history does not: its absence is a note, no error. */
async function eventsAround(history: HistoryPort, { time, tenant, agent, session }: ReturnType<typeof askedFinding>) {
  if (session === null) return { rows: null, note: 'the finding belongs to no session' };
  const atMs = Date.parse(time);
  const span = { fromMs: atMs - AROUND_MS, toMs: atMs + AROUND_MS };
  try {
    const { rows } = await history.events({ tenant, agent, session, ...span, limit: AROUND_MAX, cursor: null });
    return { rows, note: null };
  } catch (error) {
    if (!(error instanceof KilldeerError)) throw error;
    return { rows: null, note: error.message };
  }
}

/** A cursor that was not made here is the caller's mistake. */
async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof KilldeerError) || error.code !== 'store.query') throw error;
    throw new KilldeerError('api.invalid', error.message, error);
  }
}
