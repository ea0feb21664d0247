/** The halt of everybody or of a tenant, its recovery, the brakes, and what became of an agent's restriction. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { Verdict } from '../registry/registry.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import { ADMINS, type Identity, READERS, RESPONDERS, type ServerParts } from './contract.js';
import { brakesAnswer, type HaltAnswer, haltAnswer, haltBody, recoverBody } from './responder-schema.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery } from './schema.js';
import { brakesView, haltView } from './view.js';

export function registerResponder(app: Api, parts: ServerParts): void {
  const { registry } = parts;
  registerHalt(app, parts);
  registerRecover(app, parts);
  app.route({
    method: 'GET',
    url: '/v1/brakes',
    config: {
      access: READERS,
      operation: 'getBrakes',
      summary:
        'Read how many automatic stops are left, which were skipped, which wait for a person, and what is halted',
    },
    schema: { querystring: emptyQuery, response: { 200: brakesAnswer } },
    handler: async (request) => {
      const { bindings } = identityOf(request);
      return brakesView(registry, (tenant, agent) => covers(bindings, tenant, agent));
    },
  });
}

function registerHalt(app: Api, parts: ServerParts): void {
  const { registry, clock } = parts;
  app.route({
    method: 'POST',
    url: '/v1/halt',
    config: {
      access: RESPONDERS,
      operation: 'halt',
      summary: 'Refuse every call of everybody, or of one tenant; the protected are no exception',
    },
    schema: { querystring: emptyQuery, body: haltBody, response: { 200: haltAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { tenant = null, reason, key } = request.body;
      requireAll(identity, tenant);
      const by = authorityOf(identity, request.id);
      const own = ownKey(request, identity, ['halt', tenant], key);
      return answerOf(parts, await registry.write({ type: 'halt', ...by, timeMs: clock(), key: own, tenant, reason }));
    },
  });
}

function registerRecover(app: Api, parts: ServerParts): void {
  const { registry, clock } = parts;
  app.route({
    method: 'POST',
    url: '/v1/halt/recover',
    config: {
      access: ADMINS,
      operation: 'recover',
      summary: 'Lift a halt for a share of the agents, or for all; whole trees are let go together',
    },
    schema: { querystring: emptyQuery, body: recoverBody, response: { 200: haltAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { tenant = null, share, reason, key } = request.body;
      requireAll(identity, tenant);
      const by = { ...authorityOf(identity, request.id), timeMs: clock() };
      const own = ownKey(request, identity, ['recover', tenant, share], key);
      return answerOf(parts, await registry.write({ type: 'recover', ...by, key: own, tenant, share, reason }));
    },
  });
}

/** A halt is about all agents: a token that is bound to some of them may not make one, nor lift it. */
function requireAll({ bindings }: Identity, tenant: string | null): void {
  const isAllowed =
    bindings.agents === null && (bindings.tenants === null || (tenant !== null && bindings.tenants.includes(tenant)));
  if (isAllowed) return;
  const whom = tenant === null ? 'everybody' : 'all agents of this tenant';
  throw new KilldeerError('api.forbidden', `the token is not bound to ${whom}`);
}

/** Says what was asked and by which token, so that nobody can take the key of somebody else's. */
function ownKey(
  request: FastifyRequest,
  { id }: Identity,
  wish: readonly (string | number | null)[],
  key: string | undefined,
): string {
  return JSON.stringify([...wish, id, keyOf(request, key)]);
}

function answerOf({ registry }: ServerParts, { effect, reason, code }: Verdict): HaltAnswer {
  if (effect === 'refused') throw new KilldeerError(code ?? 'registry.refused', reason ?? 'the registry refused it');
  const told = effect === 'applied' || effect === 'duplicate' ? effect : 'none';
  return { effect: told, reason, halts: registry.halts().map(haltView) };
}
