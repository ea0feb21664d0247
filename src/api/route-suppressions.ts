/** What people say in advance of findings: a window of maintenance, a job known to be noisy. Made, listed, taken back. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Finding, KINDS } from '../decide/finding.js';
import { MILDER_FACES, NAMES_ENDPOINT, UNMUTABLE } from '../decide/verdict-kinds.js';
import type { SuppressionRecord, SuppressionScope } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import { FLEET } from '../event/event.js';
import type { SuppressionState } from '../registry/registry.js';
import type { Visible } from '../triage/triage.js';
import { identityOf, requireCover } from './access.js';
import { covers } from './binding.js';
import { ANALYSTS, type Bindings, type Identity, READERS, type ServerParts } from './contract.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery, idPath } from './schema.js';
import { countMuted, foresee } from './suppression-preview.js';
import {
  type SuppressionAnswer,
  type SuppressionWish,
  suppressionAnswer,
  suppressionBody,
  suppressionMadeAnswer,
  suppressionQuery,
  suppressionsAnswer,
  suppressionsQuery,
} from './suppression-schema.js';
import { verdictAnswerOf } from './view.js';

/** Those that are over and still remembered are listed, newest first. */
export function registerSuppressions(app: Api, parts: ServerParts): void {
  registerMake(app, parts);
  registerList(app, parts);
  registerUndo(app, parts);
}

function registerMake(app: Api, parts: ServerParts): void {
  const { registry, clock } = parts;
  app.route({
    method: 'POST',
    url: '/v1/suppressions',
    config: {
      access: ANALYSTS,
      operation: 'suppressFindings',
      summary: 'Say in advance which findings are expected for a time',
    },
    schema: { querystring: suppressionQuery, body: suppressionBody, response: { 200: suppressionMadeAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const nowMs = clock();
      const suppression = await recordOf(parts, request, identity, request.body, nowMs);
      const { bindings } = identity;
      if (request.query.check === 'true') {
        const visible: Visible = ({ tenant, agent }) => covers(bindings, tenant, agent);
        const would = await foresee(parts, suppression, nowMs, visible);
        const state = { suppression, undoneMs: null, undoneBy: null };
        return { suppression: { ...viewOf(state, nowMs, 0), id: null }, would_mute: would };
      }
      const by = authorityOf(identity, request.id);
      verdictAnswerOf(await registry.write({ type: 'suppress', ...by, timeMs: nowMs, suppression }), null);
      const known = registry.suppressions().find((one) => one.suppression.id === suppression.id);
      const made = known ?? { suppression, undoneMs: null, undoneBy: null };
      return {
        suppression: viewOf(made, nowMs, countMuted(parts.triage).get(suppression.id) ?? 0),
        would_mute: null,
      };
    },
  });
}

function registerList(app: Api, { registry, triage, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/suppressions',
    config: {
      access: READERS,
      operation: 'listSuppressions',
      summary: 'List what is suppressed, newest first, with how much it muted',
    },
    schema: { querystring: suppressionsQuery, response: { 200: suppressionsAnswer } },
    handler: async (request) => {
      const { bindings } = identityOf(request);
      const { all, limit, cursor } = request.query;
      const nowMs = clock();
      const shown = registry
        .suppressions()
        .filter((one) => isVisible(bindings, one.suppression) && (all === 'true' || !isOver(one, nowMs)))
        .reverse();
      // A suppression that was forgotten meanwhile was the oldest: nothing stands behind it.
      const at = cursor === undefined ? -1 : shown.findIndex(({ suppression }) => suppression.id === cursor);
      const rows = cursor !== undefined && at === -1 ? [] : shown.slice(at + 1, at + 1 + limit);
      const counts = countMuted(triage);
      return {
        suppressions: rows.map((one) => viewOf(one, nowMs, counts.get(one.suppression.id) ?? 0)),
        cursor: rows.length > 0 && at + 1 + limit < shown.length ? (rows.at(-1)?.suppression.id ?? null) : null,
      };
    },
  });
}

function registerUndo(app: Api, { registry, triage, clock }: ServerParts): void {
  app.route({
    method: 'DELETE',
    url: '/v1/suppressions/:id',
    config: { access: ANALYSTS, operation: 'undoSuppression', summary: 'Take a suppression back, at once' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: suppressionAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { id } = request.params;
      const find = () => registry.suppressions().find((one) => one.suppression.id === id);
      const known = find();
      if (known === undefined || !isVisible(identity.bindings, known.suppression)) {
        throw new KilldeerError('api.not-found', `no suppression has the id ${id}`);
      }
      // Asked again, it is undone already: the same answer, and nothing is written.
      if (known.undoneMs === null) {
        const by = authorityOf(identity, request.id);
        verdictAnswerOf(await registry.write({ type: 'suppress-undo', ...by, timeMs: clock(), id }), null);
      }
      return viewOf(find() ?? known, clock(), countMuted(triage).get(id) ?? 0);
    },
  });
}

async function recordOf(
  parts: ServerParts,
  request: FastifyRequest,
  identity: Identity,
  wish: SuppressionWish,
  nowMs: number,
): Promise<SuppressionRecord> {
  const finding = findingOf(parts, identity, wish);
  const tenant = wish.tenant ?? finding?.tenant ?? '';
  if (finding !== null && tenant !== finding.tenant) {
    throw new KilldeerError('api.invalid', 'tenant: the finding is of another one');
  }
  const scope = scopeOf(wish, finding);
  requireScope(identity, tenant, scope);
  const fromMs = wish.from_ms ?? nowMs;
  return {
    type: 'suppress',
    timeMs: nowMs,
    id: idOf(request, identity, wish),
    ...{ tenant, scope, kinds: kindsOf(wish, finding), detector: wish.detector ?? null },
    endpoint: await endpointOf(parts, wish, finding),
    ...{ target: wish.target ?? null, below: wish.below },
    ...(wish.times === undefined ? {} : { times: wish.times }),
    ...{ fromMs, untilMs: untilOf(wish, fromMs), reason: wish.reason, actor: identity.actor },
  };
}

/** The same wish with the same key is one suppression. */
function idOf(request: FastifyRequest, identity: Identity, { key, ...wish }: SuppressionWish): string {
  const whole = JSON.stringify([identity.id, keyOf(request, key), wish]);
  return `s-${createHash('sha256').update(whole).digest('hex').slice(0, 16)}`;
}

function findingOf({ triage }: ServerParts, { bindings }: Identity, wish: SuppressionWish): Finding | null {
  if (wish.finding === undefined) return null;
  const finding = triage.get(wish.finding)?.finding ?? null;
  if (finding === null || !covers(bindings, finding.tenant, finding.root)) {
    throw new KilldeerError('api.not-found', `no recent finding has the id ${wish.finding}`);
  }
  return finding;
}

function scopeOf({ agent, role, whole_tenant: whole }: SuppressionWish, finding: Finding | null): SuppressionScope {
  const scopes: SuppressionScope[] = [];
  if (agent !== undefined) scopes.push({ agent });
  if (role !== undefined) scopes.push({ role });
  if (whole === true) scopes.push({ tenant: true });
  if (scopes.length === 0 && finding !== null) scopes.push({ agent: finding.root });
  const [scope] = scopes;
  if (scopes.length !== 1 || scope === undefined) {
    throw new KilldeerError('api.invalid', 'name one of agent, role, whole_tenant, or a finding');
  }
  if (!('agent' in scope) || scope.agent !== FLEET) return scope;
  throw new KilldeerError('api.invalid', `agent: what is about the ${FLEET} is about nobody in it; say whole_tenant`);
}

/** Whoever is bound to some agents cannot speak for others of their role or tenant. */
function requireScope(identity: Identity, tenant: string, scope: SuppressionScope): void {
  if ('agent' in scope) {
    requireCover(identity, tenant, scope.agent);
    return;
  }
  const { agents, tenants } = identity.bindings;
  if (agents === null && (tenants === null || tenants.includes(tenant))) return;
  throw new KilldeerError('api.forbidden', 'the token is bound, and others are meant too');
}

function kindsOf({ kinds }: SuppressionWish, finding: Finding | null): SuppressionRecord['kinds'] {
  const meant = kinds === undefined && finding !== null ? facesOf(finding) : (kinds ?? null);
  const unmutable = meant?.find((kind) => UNMUTABLE.has(kind));
  if (unmutable === undefined) return meant;
  throw new KilldeerError('registry.refused', `findings of kind ${unmutable} are never muted`);
}

/** The finding's kind, and those that tell less of the same trouble; in the order of all kinds. */
function facesOf({ kind }: Finding): SuppressionRecord['kinds'] {
  return KINDS.filter((one) => one === kind || MILDER_FACES[kind]?.includes(one));
}

/** A kind that goes by its endpoint is not suppressed for all of them unless that is said. */
async function endpointOf(
  { evidence }: ServerParts,
  { endpoint }: SuppressionWish,
  finding: Finding | null,
): Promise<string | null> {
  if (endpoint !== undefined || finding === null || !NAMES_ENDPOINT.has(finding.kind)) return endpoint ?? null;
  const event = await evidence.event(finding);
  if (event !== null) return event.endpoint;
  const reason = 'the event behind the finding is no longer in the log: name its endpoint, or null for any';
  throw new KilldeerError('registry.refused', reason);
}

function untilOf({ until_ms: until, for_ms: forMs }: SuppressionWish, fromMs: number): number {
  if (until !== undefined && forMs === undefined) return until;
  if (forMs !== undefined && until === undefined) return fromMs + forMs;
  throw new KilldeerError('api.invalid', 'say either until_ms or for_ms: a suppression has an end');
}

function isVisible(bindings: Bindings, { tenant, scope }: SuppressionRecord): boolean {
  if ('agent' in scope) return covers(bindings, tenant, scope.agent);
  return bindings.agents === null && (bindings.tenants === null || bindings.tenants.includes(tenant));
}

function isOver({ suppression, undoneMs }: SuppressionState, nowMs: number): boolean {
  return undoneMs !== null || suppression.untilMs <= nowMs;
}

function viewOf(state: SuppressionState, nowMs: number, muted: number): SuppressionAnswer {
  const { suppression: of, undoneMs, undoneBy } = state;
  const { scope } = of;
  const running = of.fromMs > nowMs ? 'coming' : 'in-force';
  return {
    id: of.id,
    time_ms: of.timeMs,
    state: undoneMs !== null ? 'undone' : isOver(state, nowMs) ? 'over' : running,
    tenant: of.tenant,
    agent: 'agent' in scope ? scope.agent : null,
    role: 'role' in scope ? scope.role : null,
    whole_tenant: 'tenant' in scope,
    kinds: of.kinds === null ? null : [...of.kinds],
    detector: of.detector,
    endpoint: of.endpoint,
    target: of.target,
    below: of.below,
    times: of.times ?? null,
    from_ms: of.fromMs,
    until_ms: of.untilMs,
    undone_ms: undoneMs,
    undone_by: undoneBy,
    reason: of.reason,
    actor: of.actor,
    muted,
  };
}
