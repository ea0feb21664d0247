/** Reports on the registry, and access reviews: made and signed here, filled in by people, applied here. */
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { brokenSeal } from '../custody/seal.js';
import { KilldeerError } from '../errors.js';
import type { RegistryEntry } from '../registry/registry.js';
import { REPORT_DAYS, type ReportFacts, reportOf } from '../registry/report.js';
import { identityOf } from './access.js';
import { NO_ACCESS, reviewRow, sealedText, signedText } from './access-review.js';
import { type AgentsFilter, isWanted } from './agents-filter.js';
import type { KnownUse } from './audit-contract.js';
import {
  type AppliedAnswer,
  appliedAnswer,
  applyQuery,
  auditKeyAnswer,
  type FilledReview,
  type ReviewedAgent,
  reportAnswer,
  reportPath,
  reportQuery,
  reviewAnswer,
  reviewBody,
  reviewedAgent,
  reviewQuery,
} from './audit-schema.js';
import { covers } from './binding.js';
import { ADMINS, type Bindings, type Identity, READERS, type RegistryPort, type ServerParts } from './contract.js';
import { recordDeed } from './operations-guard.js';
import { changesOf, momentOf, objectionTo } from './registration.js';
import type { RegisterWish } from './registration-schema.js';
import { type Api, authorityOf } from './route.js';
import { emptyQuery } from './schema.js';
import { STEP, withBreaths } from './steps.js';

const DAY_MS = 86_400_000;
const AGENTS_MAX = 10_000;
const REVIEW_BYTES_MAX = 64 * 1024 * 1024;
const TOLD_MAX = 5;

export function registerAudit(app: Api, parts: ServerParts): void {
  registerReports(app, parts);
  registerReview(app, parts);
  registerApply(app, parts);
  app.route({
    method: 'GET',
    url: '/v1/registry/key',
    config: {
      access: READERS,
      operation: 'getAuditKey',
      summary: 'The public key that checks access reviews, as a JWK',
    },
    schema: { querystring: emptyQuery, response: { 200: auditKeyAnswer } },
    handler: async () => ({ ...(await parts.audit.key()).jwk }) as never,
  });
}

function registerReports(app: Api, { registry, audit, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/registry/reports/:name',
    config: {
      access: READERS,
      operation: 'getReport',
      summary: 'What has to be looked after: unregistered, ownerless, credentials, idle, scopes, reviews',
    },
    schema: { params: reportPath, querystring: reportQuery, response: { 200: reportAnswer } },
    handler: async (request) => {
      const { name } = request.params;
      const { days = REPORT_DAYS[name], limit, ...filter } = request.query;
      const nowMs = clock();
      const known = name === 'idle' || name === 'scopes' ? await audit.usage(nowMs - days * DAY_MS) : null;
      const facts: ReportFacts = {
        entries: visible(registry, identityOf(request).bindings, filter),
        hasLeft: (person) => registry.leavers().has(person),
        ...{ nowMs, days, usageOf: known?.usageOf ?? null },
      };
      const rows = reportOf(name, facts);
      return {
        ...{ name, time: new Date(nowMs).toISOString(), days, total: rows.length, note: known?.note ?? null },
        basis: facts.usageOf === null ? ('registry' as const) : ('history' as const),
        rows: rows.slice(0, limit).map(({ entry, reason, sinceMs, fewer }) => ({
          ...{ tenant: entry.tenant, agent: entry.agent, owner: entry.owner, role: entry.role, reason },
          since: momentOf(sinceMs),
          fewer: fewer === null ? null : (structuredClone(fewer) as Record<string, string[]>),
        })),
      };
    },
  });
}

function visible(registry: RegistryPort, bindings: Bindings, filter: AgentsFilter): RegistryEntry[] {
  return [...registry.entries()].filter(
    (entry) => isWanted(entry, filter) && covers(bindings, entry.tenant, entry.agent),
  );
}

function registerReview(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/registry/review',
    config: {
      access: ADMINS,
      operation: 'makeReview',
      summary: 'A signed document of agents and what they may, with a column for decisions',
    },
    schema: { querystring: reviewQuery, response: { 200: reviewAnswer } },
    handler: async (request, reply) => {
      const { days, ...filter } = request.query;
      const identity = identityOf(request);
      const entries = visible(parts.registry, identity.bindings, filter);
      if (entries.length > AGENTS_MAX) {
        const reason = `${entries.length} agents, at most ${AGENTS_MAX} stand in one review: narrow it by tenant, owner or role`;
        throw new KilldeerError('api.too-large', reason);
      }
      const document = await reviewOf(parts, identity, entries, { days, filter });
      const text = await withBreaths(sealedText(document, await parts.audit.key()));
      return reply.type('application/json; charset=utf-8').send(text as unknown as Record<string, unknown>);
    },
  });
}

async function reviewOf(
  { registry, audit, clock }: ServerParts,
  { actor, bindings }: Identity,
  entries: readonly RegistryEntry[],
  { days, filter }: { readonly days: number; readonly filter: AgentsFilter },
) {
  const nowMs = clock();
  const known = await audit.usage(nowMs - days * DAY_MS);
  const agents = await withBreaths(rowsOf(registry, entries, known, nowMs));
  // Whoever checks it must see whether somebody was left out.
  const limits = { tenants: bindings.tenants, agents: bindings.agents };
  const made = { id: randomUUID(), made: new Date(nowMs).toISOString(), made_by: actor };
  return { format: 1, ...made, days, history: known.note, of: { ...filter }, bound_to: limits, agents };
}

function* rowsOf(
  registry: RegistryPort,
  entries: readonly RegistryEntry[],
  { usageOf, findingsOf }: KnownUse,
  nowMs: number,
): Generator<void, object[]> {
  const agents: object[] = [];
  for (const [place, entry] of entries.entries()) {
    if (place % STEP === 0) yield;
    const { tenant, agent, owner } = entry;
    const hasOwner = owner !== null && !registry.leavers().has(owner);
    const usage =
      usageOf === null || findingsOf === null
        ? null
        : { of: usageOf(tenant, agent), findings: findingsOf(tenant, agent) };
    agents.push(reviewRow({ entry, hasOwner, usage }, nowMs));
  }
  return agents;
}

function registerApply(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/registry/review',
    bodyLimit: REVIEW_BYTES_MAX,
    config: {
      access: ADMINS,
      operation: 'applyReview',
      summary: 'Carry out the decisions of a review that was filled in',
    },
    schema: { querystring: applyQuery, body: reviewBody, response: { 200: appliedAnswer } },
    handler: async (request) => {
      const { body, query } = request;
      const text = await withBreaths(signedText(body));
      const broken = brokenSeal(body.signature, text, await parts.audit.key());
      if (broken !== null) throw new KilldeerError('custody.seal', `the review does not hold: ${broken}`);
      const agents = await withBreaths(decisionsOf(body));
      requireCurrent(parts.registry, identityOf(request), agents);
      const applied = await apply(parts, request, { id: body.id, agents }, query.next_days);
      await recordDeed(parts, request, 'review-apply', JSON.stringify({ ...applied, refused: applied.refused.length }));
      return applied;
    },
  });
}

/** What people filled in, in steps. Throws 'api.invalid', which names the agent and the member. */
function* decisionsOf({ agents }: FilledReview): Generator<void, ReviewedAgent[]> {
  const decided: ReviewedAgent[] = [];
  for (const [place, agent] of agents.entries()) {
    if (place % STEP === 0) yield;
    const parsed = reviewedAgent.safeParse(agent);
    if (parsed.success) decided.push(parsed.data);
    else {
      const [issue] = parsed.error.issues;
      const member = ['agents', place, ...(issue?.path ?? [])].join('.');
      throw new KilldeerError('api.invalid', `${member}: ${issue?.message ?? 'invalid'}`.slice(0, 500));
    }
  }
  return decided;
}

/** All of it is refused where any agent that was decided on has changed since, or is not the caller's. */
function requireCurrent(registry: RegistryPort, { bindings }: Identity, agents: readonly ReviewedAgent[]): void {
  const stale: string[] = [];
  for (const { tenant, agent, version, decision, change } of agents) {
    if (decision === null) continue;
    if (!covers(bindings, tenant, agent))
      throw new KilldeerError('api.forbidden', `the token is not bound to ${agent}`);
    const entry = registry.entry(tenant, agent);
    if (entry?.version !== version) stale.push(`${agent} (${version}, now ${entry?.version ?? 0})`);
    const objection = change === null ? null : objectionTo(change, entry);
    if (objection !== null)
      throw new KilldeerError('api.invalid', `${agent}: ${objection.member} ${objection.message}`);
  }
  if (stale.length === 0) return;
  const told = stale.slice(0, TOLD_MAX).join(', ');
  throw new KilldeerError('registry.conflict', `${stale.length} agents were changed since the review: ${told}`);
}

async function apply(
  { registry, clock }: ServerParts,
  request: FastifyRequest,
  { id, agents }: { readonly id: string; readonly agents: readonly ReviewedAgent[] },
  nextDays: number,
): Promise<AppliedAnswer> {
  const by = { ...authorityOf(identityOf(request), request.id), parent: `review:${id}` };
  const nowMs = clock();
  const counts = { keep: 0, remove: 0, change: 0 };
  const refused: AppliedAnswer['refused'] = [];
  const put = async ({ tenant, agent, version, decision, change }: ReviewedAgent): Promise<void> => {
    if (decision === null) return;
    const wish = { review_on: momentOf(nowMs + nextDays * DAY_MS), ...wishOf(decision, change) };
    const changes = changesOf(wish, registry.entry(tenant, agent));
    const record = { type: 'register', ...by, timeMs: nowMs, tenant, agent, ifVersion: version } as const;
    const { effect, reason } = await registry.write({ ...record, ...changes });
    if (effect === 'refused') refused.push({ tenant, agent, reason: reason ?? 'it was refused' });
    else counts[decision] += 1;
  };
  for (let at = 0; at < agents.length; at += STEP) await Promise.all(agents.slice(at, at + STEP).map(put));
  const undecided = agents.filter(({ decision }) => decision === null).length;
  return { review: id, kept: counts.keep, removed: counts.remove, changed: counts.change, undecided, refused };
}

function wishOf(decision: 'keep' | 'remove' | 'change', change: RegisterWish | null): RegisterWish {
  return decision === 'remove' ? NO_ACCESS : (change ?? {});
}
