/** The agents: list, read, register. */
import { KilldeerError } from '../errors.js';
import type { RegistryEntry } from '../registry/registry.js';
import { askedAgent, identityOf } from './access.js';
import { orderedPage } from './agent-order.js';
import { type AgentsFilter, isWanted } from './agents-filter.js';
import { covers } from './binding.js';
import { ADMINS, type Bindings, READERS, type RegistryPort, type ServerParts } from './contract.js';
import { OpenFindings } from './open-findings.js';
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

export function registerAgents(app: Api, parts: ServerParts): void {
  const { registry, clock } = parts;
  const open = new OpenFindings(parts.triage);
  app.route({
    method: 'GET',
    url: '/v1/agents',
    config: {
      access: READERS,
      operation: 'listAgents',
      summary: 'List agents in the order of first sight, by name or by risk',
    },
    schema: { querystring: agentsQuery, response: { 200: agentsAnswer } },
    handler: async (request) => {
      const { limit, cursor = null, sort, ...filter } = request.query;
      const { bindings } = identityOf(request);
      const nowMs = clock();
      const { entries, cursor: next } =
        sort === 'seen'
          ? page(registry, bindings, filter, limit, placeIn(cursor))
          : orderedPage(
              [...wantedEntries(registry, bindings, filter)],
              sort,
              (entry, atMs) => open.riskOf(entry, atMs),
              ...([limit, cursor, nowMs] as const),
            );
      const agents = entries.map((entry) => {
        const { risk, open: openFindings } = open.of(entry, nowMs);
        return { ...agentView(entry), risk, open_findings: openFindings };
      });
      return { agents, cursor: next };
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
  const entries: RegistryEntry[] = [];
  let place = 0;
  for (const entry of registry.entries()) {
    if (place++ < cursor || !isWanted(entry, filter) || !covers(bindings, entry.tenant, entry.agent)) continue;
    if (entries.length === limit) return { entries, cursor: String(place - 1) };
    entries.push(entry);
  }
  return { entries, cursor: null };
}

function placeIn(cursor: string | null): number {
  const place = Number(cursor ?? 0);
  if (Number.isSafeInteger(place) && place >= 0) return place;
  throw new KilldeerError('api.invalid', 'cursor: is none of a list in the order of first sight');
}

function* wantedEntries(registry: RegistryPort, bindings: Bindings, filter: AgentsFilter): Generator<RegistryEntry> {
  for (const entry of registry.entries()) {
    if (isWanted(entry, filter) && covers(bindings, entry.tenant, entry.agent)) yield entry;
  }
}
