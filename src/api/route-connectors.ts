/** How the connectors are, and how far what was decided about an agent came. */
import type { ConnectorsStatus } from '../connect/status.js';
import { KilldeerError } from '../errors.js';
import { askedAgent, identityOf } from './access.js';
import { isBound } from './binding.js';
import { type ConnectorsAnswer, connectorsAnswer, effectsAnswer } from './connector-schema.js';
import { READERS, type ServerParts } from './contract.js';
import type { Api } from './route.js';
import { agentPath, emptyQuery, tenantQuery } from './schema.js';

const NONE: ConnectorsStatus = { active: false, places: [], addressees: [] };

export function registerConnectors(app: Api, { registry, connectors }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/connectors',
    config: {
      access: READERS,
      operation: 'listConnectors',
      summary: 'Read how the places are that carry stops out',
    },
    schema: { querystring: emptyQuery, response: { 200: connectorsAnswer } },
    // What went wrong last may name an agent of anybody's.
    handler: async (request) => {
      const mayRead = !isBound(identityOf(request).bindings);
      return connectorsView(connectors?.status() ?? NONE, mayRead);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/effects',
    config: {
      access: READERS,
      operation: 'listEffects',
      summary: 'Read how far what was decided about an agent came, by place',
    },
    schema: { params: agentPath, querystring: tenantQuery, response: { 200: effectsAnswer } },
    handler: async (request) => {
      const { tenant, agent } = askedAgent(request);
      if (registry.entry(tenant, agent) === null) {
        throw new KilldeerError('registry.unknown-agent', `${agent} is not known`);
      }
      const effects = registry.effects(tenant, agent).map(({ place, state, version, root, reason, timeMs }) => ({
        ...{ place, state, version, reason },
        cascade_of: root,
        time_ms: timeMs,
      }));
      const carriers = connectors?.carriers(tenant, agent) ?? [];
      const places = carriers.map(({ name, verifyWithinMs }) => ({ name, verify_within_ms: verifyWithinMs }));
      return { effects, places };
    },
  });
}

function connectorsView({ active, places, addressees }: ConnectorsStatus, mayRead: boolean): ConnectorsAnswer {
  const trouble = (words: string | null, ms: number | null) => ({
    last_error: mayRead ? words : null,
    last_error_ms: ms,
  });
  return {
    active,
    places: places.map(({ counts, lastError, lastErrorMs, ...rest }) => ({
      ...{ name: rest.name, kind: rest.kind, breaker: rest.breaker, backlog: rest.backlog },
      ...{ ...trouble(lastError, lastErrorMs), watched: rest.watched, unverified: rest.unverified },
      effects: { ...counts },
    })),
    addressees: addressees.map(({ lastError, lastErrorMs, ...rest }) => ({
      ...{ name: rest.name, kind: rest.kind, breaker: rest.breaker, backlog: rest.backlog },
      ...{ ...trouble(lastError, lastErrorMs), sent: rest.sent, dead: rest.dead },
    })),
  };
}
