/** The agents: list, read, register. */
import { KilldeerError } from '../errors.js';
import type { RegistryEntry } from '../registry/registry.js';
import { askedAgent, identityOf } from './access.js';
import { type AgentsFilter, isWanted } from './agents-filter.js';
import { covers } from './binding.js';
import { ADMINS, type Bindings, READERS, type RegistryPort, type ServerParts } from './contract.js';
import { changesOf, objectionTo } from './registration.js';
import { type Api, authorityOf } from './route.js';
import {
  agentAnswer,
  agentPath,
  agentsAnswer,
  agentsQuery,
  registerBody,
  tenantQuery,
  verdictAnswer,
} from './schema.js';
import { agentView, verdictAnswerOf } from './view.js';

export function registerAgents(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/agents',
    config: {
      access: READERS,
      operation: 'listAgents',
      summary: 'List agents in the order of first sight',
    },
    schema: { querystring: agentsQuery, response: { 200: agentsAnswer } },
    handler: async (request) => {
      const { limit, cursor = 0, ...filter } = request.query;
      return page(registry, identityOf(request).bindings, filter, limit, cursor);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/agents/:agent',
    config: { access: READERS, operation: 'getAgent', summary: 'Read one agent' },
    schema: { params: agentPath, querystring: tenantQuery, response: { 200: agentAnswer } },
    handler: async (request) => {
      const { tenant, agent } = askedAgent(request);
      return agentView(requireEntry(registry, tenant, agent));
    },
  });

  app.route({
    method: 'PUT',
    url: '/v1/agents/:agent',
    config: {
      access: ADMINS,
      operation: 'registerAgent',
      summary: 'Register an agent, or change what is registered',
    },
    schema: { params: agentPath, querystring: tenantQuery, body: registerBody, response: { 200: verdictAnswer } },
    handler: async (request) => {
      const { identity, tenant, agent } = askedAgent(request);
      const { if_version: ifVersion = null, ...wish } = request.body;
      const entry = registry.entry(tenant, agent);
      const objection = objectionTo(wish, entry);
      if (objection !== null) throw new KilldeerError('api.invalid', `${objection.member} ${objection.message}`);
      const verdict = await registry.write({
        type: 'register',
        ...authorityOf(identity, request.id),
        timeMs: clock(),
        ...{ tenant, agent, ifVersion },
        ...changesOf(wish, entry),
      });
      return verdictAnswerOf(verdict, null);
    },
  });
}

/** The entry of an agent, or 'registry.unknown-agent'. */
export function requireEntry(registry: RegistryPort, tenant: string, agent: string): RegistryEntry {
  const entry = registry.entry(tenant, agent);
  if (entry === null) throw new KilldeerError('registry.unknown-agent', `agent ${agent} was never seen or registered`);
  return entry;
}

/**
 * The cursor counts entries gone by. Agents are never taken out of the registry, so a place can only move back: an
 * agent may be listed twice where others appear between two pages, and is never left out.
 */
function page(registry: RegistryPort, bindings: Bindings, filter: AgentsFilter, limit: number, cursor: number) {
  const agents: ReturnType<typeof agentView>[] = [];
  let place = 0;
  for (const entry of registry.entries()) {
    if (place++ < cursor || !isWanted(entry, filter) || !covers(bindings, entry.tenant, entry.agent)) continue;
    if (agents.length === limit) return { agents, cursor: place - 1 };
    agents.push(agentView(entry));
  }
  return { agents, cursor: null };
}
