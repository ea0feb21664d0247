/** How people work on findings: who has them, how far they are, what is said; one at a time, or many as one record. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { TriageChange, TriageStatus } from '../registry/registry.js';
import { identityOf } from './access.js';
import { ANALYSTS, type Identity, type ServerParts } from './contract.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery, idPath } from './schema.js';
import { personOf, requireCase, requireFinding, visibleTo } from './triage-asker.js';
import {
  assignBody,
  CHANGED_MAX,
  type ChangedAnswer,
  changedAnswer,
  commentBody,
  statusBody,
  type TriageBody,
  triageAnswer,
  triageBody,
} from './triage-schema.js';
import { stateView } from './triage-view.js';
import { verdictAnswerOf } from './view.js';

/** Ids that an answer names of those that it could not find. */
const NAMED_MAX = 10;

export function registerTriage(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/findings/:id/assign',
    config: { access: ANALYSTS, operation: 'assignFinding', summary: 'Give a finding to a person, or to nobody' },
    schema: { params: idPath, querystring: emptyQuery, body: assignBody, response: { 200: changedAnswer } },
    handler: async (request) => {
      const { to, key } = request.body;
      return await changeOne(parts, request, request.params.id, key, [{ what: 'assign', to: nameOf(request, to) }]);
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/findings/:id/status',
    config: {
      access: ANALYSTS,
      operation: 'setFindingStatus',
      summary: 'Take a finding up, close it, or open it again',
    },
    schema: { params: idPath, querystring: emptyQuery, body: statusBody, response: { 200: changedAnswer } },
    handler: async (request) => {
      const { status, resolution = null, comment, key } = request.body;
      const said: TriageChange[] = comment === undefined ? [] : [{ what: 'comment', text: comment }];
      return await changeOne(parts, request, request.params.id, key, [...said, { what: 'status', status, resolution }]);
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/findings/:id/comment',
    config: { access: ANALYSTS, operation: 'commentFinding', summary: 'Say something about a finding' },
    schema: { params: idPath, querystring: emptyQuery, body: commentBody, response: { 200: changedAnswer } },
    handler: async (request) => {
      const { text, key } = request.body;
      return await changeOne(parts, request, request.params.id, key, [{ what: 'comment', text }]);
    },
  });

  registerBulk(app, parts);
}

function registerBulk(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/triage',
    config: {
      access: ANALYSTS,
      operation: 'changeFindings',
      summary: 'One change of many findings, or of all findings of a case',
    },
    schema: { querystring: emptyQuery, body: triageBody, response: { 200: triageAnswer } },
    handler: async (request) => {
      const { body } = request;
      const key = keyOf(request, body.key);
      const findings = namedBy(parts, identityOf(request), body);
      const change = changeOf(request, body.change);
      const effect = await write(parts, request, { findings, of: body.case ?? null, change, key });
      return { effect, key, findings: [...findings] };
    },
  });
}

/** Throws 'api.not-found' with the first that are not there or not theirs, and 'api.too-large'. */
function namedBy({ triage }: ServerParts, identity: Identity, body: TriageBody): readonly string[] {
  if (body.case !== undefined) {
    const { findings } = requireCase(triage, identity, body.case);
    if (findings.length <= CHANGED_MAX) return findings;
    const reason = `${findings.length} findings belong to ${body.case}, one change is about ${CHANGED_MAX} at most: name them in parts`;
    throw new KilldeerError('api.too-large', reason);
  }
  const named = [...new Set(body.findings)];
  const isVisible = visibleTo(identity.bindings);
  const missing = named.filter((id) => {
    const state = triage.get(id);
    return state === null || !isVisible(state.finding);
  });
  if (missing.length === 0) return named;
  const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : '';
  throw new KilldeerError('api.not-found', `no finding has the id ${missing.slice(0, NAMED_MAX).join(', ')}${more}`);
}

function changeOf(request: FastifyRequest, change: TriageBody['change']): TriageChange {
  if (change.what === 'assign') return { what: 'assign', to: nameOf(request, change.to) };
  if (change.what === 'comment') return change;
  const status: TriageStatus = change.status;
  return { what: 'status', status, resolution: change.resolution ?? null };
}

function nameOf(request: FastifyRequest, to: string | null): string | null {
  return to === null ? null : personOf(identityOf(request), to);
}

async function changeOne(
  parts: ServerParts,
  request: FastifyRequest,
  id: string,
  bodyKey: string | undefined,
  changes: readonly TriageChange[],
): Promise<ChangedAnswer> {
  const identity = identityOf(request);
  requireFinding(parts.triage, identity, id);
  const key = keyOf(request, bodyKey);
  let effect: ChangedAnswer['effect'] = 'duplicate';
  // In this order a call that broke off and comes again goes on where it ended.
  for (const change of changes) effect = await write(parts, request, { findings: [id], of: null, change, key });
  return { effect, key, finding: stateView(requireFinding(parts.triage, identity, id)) };
}

interface Wish {
  readonly findings: readonly string[];
  /** The case that they were named by; a finding that came to it since makes the same wish no other. */
  readonly of: string | null;
  readonly change: TriageChange;
  readonly key: string;
}

async function write(
  { registry, clock }: ServerParts,
  request: FastifyRequest,
  { findings, of, change, key }: Wish,
): Promise<ChangedAnswer['effect']> {
  const identity = identityOf(request);
  const wish = JSON.stringify([identity.id, key, of ?? findings, change]);
  const verdict = await registry.write({
    type: 'triage',
    ...authorityOf(identity, request.id),
    timeMs: clock(),
    key: `t-${createHash('sha256').update(wish).digest('hex').slice(0, 32)}`,
    findings,
    change,
  });
  return verdictAnswerOf(verdict, key).effect === 'duplicate' ? 'duplicate' : 'applied';
}
