/** What a person does to an agent: stop, release, reset. */
import type { FastifyRequest } from 'fastify';
import type { DatedProfile } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import { askedAgent } from './access.js';
import { ADMINS, type DatedPort, RESPONDERS, type ServerParts } from './contract.js';
import { recordDeed } from './operations-guard.js';
import { type Api, authorityOf } from './route.js';
import { requireEntry } from './route-agents.js';
import { agentPath, releaseBody, resetAnswer, resetQuery, stopBody, tenantQuery, verdictAnswer } from './schema.js';
import { verdictAnswerOf } from './view.js';

export function registerStops(app: Api, parts: ServerParts): void {
  registerStop(app, parts);
  registerRelease(app, parts);
  registerReset(app, parts);
}

function registerStop(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/agents/:agent/stop',
    config: { access: RESPONDERS, operation: 'stopAgent', summary: 'Stop or throttle an agent' },
    schema: { params: agentPath, querystring: tenantQuery, body: stopBody, response: { 200: verdictAnswer } },
    handler: async (request) => {
      const { identity, tenant, agent } = askedAgent(request);
      const { action, reason, for_ms: forMs = null, calls_per_minute: callsPerMinute = null, unseen } = request.body;
      // A misspelt name that answers 'applied' would leave the agent that was meant at large.
      if (unseen !== true) requireEntry(registry, tenant, agent);
      const key = keyOf(request, request.body.key);
      const verdict = await registry.write({
        type: 'stop',
        ...authorityOf(identity, request.id),
        timeMs: clock(),
        key: recordKey(['stop', identity.id, tenant, agent, action, key]),
        tenant,
        agent,
        action,
        reason,
        forMs,
        callsPerMinute,
      });
      return verdictAnswerOf(verdict, key);
    },
  });
}

function registerRelease(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/agents/:agent/release',
    config: { access: RESPONDERS, operation: 'releaseAgent', summary: 'Lift what holds an agent' },
    schema: { params: agentPath, querystring: tenantQuery, body: releaseBody, response: { 200: verdictAnswer } },
    handler: async (request) => {
      const { identity, tenant, agent } = askedAgent(request);
      const key = keyOf(request, request.body.key);
      const verdict = await registry.write({
        type: 'release',
        ...authorityOf(identity, request.id),
        timeMs: clock(),
        key: recordKey(['release', identity.id, tenant, agent, key]),
        tenant,
        agent,
        reason: request.body.reason,
        role: identity.roles.includes('admin') ? 'admin' : 'responder',
        ifVersion: request.body.if_version ?? null,
        ...(request.body.mistake === true ? { mistake: true } : {}),
      });
      return verdictAnswerOf(verdict, key);
    },
  });
}

function registerReset(app: Api, parts: ServerParts): void {
  const { registry, control, clock, dated } = parts;
  app.route({
    method: 'POST',
    url: '/v1/agents/:agent/reset',
    config: {
      access: ADMINS,
      operation: 'resetAgent',
      summary: 'Forget what is normal for an agent and learn anew, or know again what it was at some time',
    },
    schema: { params: agentPath, querystring: resetQuery, response: { 200: resetAnswer } },
    handler: async (request) => {
      const { identity, tenant, agent } = askedAgent(request);
      requireEntry(registry, tenant, agent);
      const reset = { type: 'reset', timeMs: clock(), tenant, agent, actor: identity.actor } as const;
      const { as_of: asOf } = request.query;
      await recordDeed(parts, request, 'reset', JSON.stringify([tenant, agent, asOf ?? null]));
      if (asOf === undefined) await control.write(reset);
      else await control.write({ ...reset, dated: await profileAt(dated, tenant, agent, asOf) });
      return { reset: true as const };
    },
  });
}

/** A day without a time means its end. */
async function profileAt(dated: DatedPort | null, tenant: string, agent: string, asOf: string): Promise<DatedProfile> {
  if (dated === null) {
    const reason =
      'a server whose log is on Kafka keeps no dated snapshots: take the verdicts back, or reset without a date';
    throw new KilldeerError('registry.refused', reason);
  }
  const atMs = Date.parse(asOf.includes('T') ? asOf : `${asOf}T23:59:59.999Z`);
  const profile = await dated.profile(tenant, agent, atMs);
  if (profile !== null) return profile;
  throw new KilldeerError(
    'api.not-found',
    `no dated snapshot of ${asOf} or before knows ${agent}: reset without a date`,
  );
}

/** The caller's key: of the body, of the header, or the request's own id, which makes every call a new one. */
export function keyOf(request: FastifyRequest, bodyKey: string | undefined): string {
  const header = request.headers['idempotency-key'];
  if (header !== undefined && (typeof header !== 'string' || header.length < 1 || header.length > 200)) {
    throw new KilldeerError('api.invalid', 'the header Idempotency-Key must have 1 to 200 characters');
  }
  return bodyKey ?? header ?? request.id;
}

/**
 * The key in the registry says what was asked, of whom and by which token: the same key for another agent or another
 * action is another wish, never a duplicate, and no caller can take the key of somebody else's.
 */
function recordKey(wish: readonly string[]): string {
  return JSON.stringify(wish);
}
