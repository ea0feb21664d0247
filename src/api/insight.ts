/** What routes about the past and the inside of agents share: whom they are about, and what stands in for what is not there. */
import { rootOf } from '../agent/lineage.js';
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import { askedAgent, identityOf } from './access.js';
import { covers } from './binding.js';
import type { Identity, RegistryPort, ServerParts } from './contract.js';
import type { HistoryPort, InsightPort, Whom } from './insight-contract.js';
import { requireEntry } from './route-agents.js';

const NO_HISTORY = (): Promise<never> => Promise.reject(new KilldeerError('api.no-history', 'no history is kept here'));
const HISTORY: HistoryPort = { events: NO_HISTORY, activity: NO_HISTORY, names: NO_HISTORY, decisions: NO_HISTORY };

/** Of a process that has none of it. */
const NOTHING: InsightPort = {
  history: HISTORY,
  inspect: {
    inspect: () => Promise.reject(new KilldeerError('partition.elsewhere', 'another process scores this agent')),
    bands: () => [],
  },
  explain: { explain: async () => ({ state: 'stored', why: 'this process cannot execute the log again' }) },
};

export function insightOf({ insight }: Pick<ServerParts, 'insight'>): InsightPort {
  return insight ?? NOTHING;
}

interface AgentRequest {
  readonly identity: Identity | null;
  readonly params: { readonly agent: string };
  readonly query: { readonly tenant: string };
}

/** The agent asked about, which the registry knows, and the root of its tree. Throws as askedAgent and requireEntry do. */
export function askedWhom(registry: RegistryPort, request: AgentRequest): Whom {
  const { tenant, agent } = askedAgent(request);
  const { parent } = requireEntry(registry, tenant, agent);
  return { tenant, agent, root: rootOf(agent, parent) };
}

/** Throws 'api.not-found' where it is not there, or not the caller's: an id tells nothing about other tenants. */
export function askedFinding(
  { triage }: Pick<ServerParts, 'triage'>,
  request: { readonly identity: Identity | null; readonly params: { readonly id: string } },
): Finding {
  const { bindings } = identityOf(request);
  const finding = triage.get(request.params.id)?.finding ?? null;
  if (finding !== null && covers(bindings, finding.tenant, finding.agent)) return finding;
  throw new KilldeerError('api.not-found', `no recent finding has the id ${request.params.id}`);
}
