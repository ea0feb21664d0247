/** What a person says of a finding: given, listed, taken back. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Finding } from '../decide/finding.js';
import { NAMES_ENDPOINT, NAMES_TARGET, UNMUTABLE } from '../decide/verdict-kinds.js';
import type { VerdictRecord, VerdictScope } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import { ANALYSTS, type Bindings, type Identity, READERS, type ServerParts } from './contract.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery, idPath } from './schema.js';
import {
  type FindingVerdictAnswer,
  findingVerdictAnswer,
  findingVerdictsAnswer,
  type VerdictBody,
  verdictBody,
} from './verdict-schema.js';
import { verdictAnswerOf } from './view.js';

/** Of kinds that are never muted: what to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  'budget': 'change the budget instead',
  'stop-unverified': 'find out why the stop did not work',
  'delivery-dead': 'find out why the stop was not delivered',
};
const FORTNIGHT_MS = 14 * 86_400_000;

export function registerVerdicts(app: Api, parts: ServerParts): void {
  const { registry, clock } = parts;
  registerGive(app, parts);

  app.route({
    method: 'GET',
    url: '/v1/verdicts',
    config: { access: READERS, operation: 'listVerdicts', summary: 'List the verdicts in force, oldest first' },
    schema: { querystring: emptyQuery, response: { 200: findingVerdictsAnswer } },
    handler: async (request) => {
      const { bindings } = identityOf(request);
      return {
        verdicts: registry
          .verdicts()
          .filter((one) => isVisible(bindings, one))
          .map(verdictView),
      };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/verdicts/:id',
    config: { access: ANALYSTS, operation: 'undoVerdict', summary: 'Take a verdict back, with all that it taught' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: findingVerdictAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { id } = request.params;
      const verdict = registry.verdicts().find((one) => one.id === id && isVisible(identity.bindings, one));
      if (verdict === undefined) throw new KilldeerError('api.not-found', `no verdict in force has the id ${id}`);
      const by = authorityOf(identity, request.id);
      verdictAnswerOf(await registry.write({ type: 'verdict-undo', ...by, timeMs: clock(), id }), null);
      return verdictView(verdict);
    },
  });
}

function registerGive(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/verdicts',
    config: {
      access: ANALYSTS,
      operation: 'giveVerdict',
      summary: 'Say of a finding that it was expected, a false alarm, or an attack',
    },
    schema: { querystring: emptyQuery, body: verdictBody, response: { 200: findingVerdictAnswer } },
    handler: async (request) => {
      return await giveVerdict(parts, request, request.body);
    },
  });
}

/** Throws the problem of the call. */
export async function giveVerdict(
  parts: ServerParts,
  request: FastifyRequest,
  body: VerdictBody,
): Promise<FindingVerdictAnswer> {
  const { registry, triage, clock } = parts;
  const identity = identityOf(request);
  const finding = triage.get(body.finding)?.finding ?? null;
  if (finding === null || !covers(identity.bindings, finding.tenant, finding.root)) {
    throw new KilldeerError('api.not-found', `no recent finding has the id ${body.finding}`);
  }
  requireMutable(finding, body);
  const scope = scopeOf(parts, identity, finding, body);
  const names = await namesOf(parts, finding, body);
  const id = idOf(request, identity, body);
  const verdict = recordOf({ finding, body, id, timeMs: clock(), actor: identity.actor }, scope, names);
  const by = authorityOf(identity, request.id);
  const judged = await registry.write({ type: 'verdict', ...by, timeMs: clock(), verdict });
  verdictAnswerOf(judged, null);
  return verdictView(registry.verdicts().find((one) => one.id === id) ?? verdict);
}

/** The same wish with the same key is one verdict. */
function idOf(request: FastifyRequest, identity: Identity, { key, finding, verdict }: VerdictBody): string {
  const wish = JSON.stringify([identity.id, keyOf(request, key), finding, verdict]);
  return `v-${createHash('sha256').update(wish).digest('hex').slice(0, 16)}`;
}

function requireMutable({ kind }: Finding, { verdict }: VerdictBody): void {
  if (verdict === 'true-positive' || !UNMUTABLE.has(kind)) return;
  const instead = INSTEAD[kind] ?? 'it is about no agent';
  throw new KilldeerError('registry.refused', `a finding of kind ${kind} is never muted: ${instead}`);
}

function scopeOf({ registry }: ServerParts, identity: Identity, finding: Finding, { role }: VerdictBody): VerdictScope {
  if (role !== true) return { agent: finding.root };
  if (identity.bindings.agents !== null) {
    throw new KilldeerError('api.forbidden', 'the token is bound to agents, and a role has others too');
  }
  const named = registry.entry(finding.tenant, finding.root)?.role ?? null;
  if (named !== null) return { role: named };
  throw new KilldeerError('api.invalid', `role: nobody has said which role ${finding.root} has`);
}

interface Named {
  readonly endpoint: string | null;
  readonly target: string | null;
}

/** What the finding's event was about. A kind that goes by its endpoint must not mute whatever it is about. */
async function namesOf({ evidence }: ServerParts, finding: Finding, body: VerdictBody): Promise<Named> {
  if (body.endpoint !== undefined) return { endpoint: body.endpoint, target: body.target ?? null };
  const event = await evidence.event(finding);
  if (event !== null) return { endpoint: event.endpoint, target: event.target };
  if (!NAMES_ENDPOINT.has(finding.kind)) return { endpoint: null, target: null };
  const members = NAMES_TARGET.has(finding.kind) ? 'its endpoint and target' : 'its endpoint';
  throw new KilldeerError('registry.refused', `the event behind the finding is no longer in the log: name ${members}`);
}

interface Saying {
  readonly finding: Finding;
  readonly body: VerdictBody;
  readonly id: string;
  readonly timeMs: number;
  readonly actor: string;
}

function recordOf({ finding, body, id, timeMs, actor }: Saying, scope: VerdictScope, names: Named): VerdictRecord {
  const top = finding.attribution[0];
  if (top === undefined || !Number.isFinite(top.observed)) {
    throw new KilldeerError('registry.refused', 'the finding has no measurement that a verdict could go by');
  }
  return {
    type: 'verdict',
    timeMs,
    id,
    tenant: finding.tenant,
    scope,
    verdict: body.verdict,
    kind: finding.kind,
    detector: top.detector,
    feature: top.feature,
    ...names,
    session: finding.session,
    direction: 'up',
    level: top.observed,
    sinceMs: Date.parse(finding.time),
    untilMs: timeMs + (body.for_ms ?? FORTNIGHT_MS),
    actor,
    comment: body.comment ?? null,
    finding: finding.id,
  };
}

/** A role has agents that a token bound to some of them may know nothing of. */
function isVisible(bindings: Bindings, { tenant, scope }: VerdictRecord): boolean {
  if ('agent' in scope) return covers(bindings, tenant, scope.agent);
  return bindings.agents === null && (bindings.tenants === null || bindings.tenants.includes(tenant));
}

function verdictView(verdict: VerdictRecord): FindingVerdictAnswer {
  const { scope } = verdict;
  return {
    id: verdict.id,
    time_ms: verdict.timeMs,
    tenant: verdict.tenant,
    agent: 'agent' in scope ? scope.agent : null,
    role: 'role' in scope ? scope.role : null,
    verdict: verdict.verdict,
    kind: verdict.kind,
    detector: verdict.detector,
    feature: verdict.feature,
    endpoint: verdict.endpoint,
    target: verdict.target,
    session: verdict.session,
    level: verdict.level,
    until_ms: verdict.untilMs,
    actor: verdict.actor,
    comment: verdict.comment,
    finding: verdict.finding,
  };
}
