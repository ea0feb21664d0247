/**
 * How agents come into the registry: by what traffic shows of them, and by what people say. Neither stops nor releases
 * anybody.
 */
import { isPerson } from './actor.js';
import type { FoldState } from './fold-state.js';
import { closesCircle, createHeld, type Held } from './inventory.js';
import { conflict, type Judgement, refuse } from './judgement.js';
import type { RegistryRecord } from './registry.js';
import { goneOwner } from './sponsor.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Versions of an agent's own code kept, newest. */
const AGENT_VERSIONS_MAX = 16;

/** An agent that traffic showed; its parent counts at the first sight only. */
export function judgeSeen(state: FoldState, record: Of<'seen'>): Judgement {
  const { inventory, clockMs, agentsMax } = state;
  const { tenant, agent, agentVersion } = record;
  const known = inventory.get(tenant, agent);
  if (known === undefined && inventory.size >= agentsMax) {
    return refuse('registry.refused', `inventory is full: ${agentsMax} agents`, undefined);
  }
  const held = known ?? admit(state, tenant, agent, record.parentAgent ?? null);
  const { agentVersions } = held.entry;
  const isNew = agentVersion !== null && !agentVersions.includes(agentVersion);
  if (isNew) {
    const kept = [...agentVersions, agentVersion].slice(-AGENT_VERSIONS_MAX);
    held.entry = { ...held.entry, agentVersions: kept, lastChangeMs: clockMs };
  }
  return { effect: known === undefined || isNew ? 'applied' : 'none', reason: null, code: null, entry: held.entry };
}

/** An agent that is not known yet comes into the inventory. */
export function admit({ inventory, clockMs }: FoldState, tenant: string, agent: string, parent: string | null): Held {
  const sound = parent !== null && !closesCircle(inventory.of(tenant), agent, parent);
  const held = createHeld(tenant, agent, sound ? parent : null, clockMs);
  inventory.put(held);
  return held;
}

/** What a person says of an agent; what is left out stays as it is. */
export function judgeRegister(state: FoldState, record: Of<'register'>): Judgement {
  const { inventory, clockMs } = state;
  const { tenant, agent, ifVersion, parentAgent } = record;
  if (!isPerson(record.actor) && record.actor !== 'system')
    return refuse('registry.refused', 'only a person registers', undefined);
  const known = inventory.get(tenant, agent);
  if (ifVersion !== null && ifVersion !== (known?.entry.version ?? 0)) return conflict(known, ifVersion);
  if (typeof parentAgent === 'string' && closesCircle(inventory.of(tenant), agent, parentAgent)) {
    return refuse('registry.refused', `${parentAgent} works under ${agent} itself`, known);
  }
  const gone = goneOwner(state, record.owner, known);
  if (gone !== null) return gone;
  const held = known ?? admit(state, tenant, agent, null);
  const { entry } = held;
  held.entry = {
    ...entry,
    registered: true,
    parent: parentAgent === undefined ? entry.parent : parentAgent,
    version: known === undefined ? entry.version : entry.version + 1,
    owner: record.owner === undefined ? entry.owner : record.owner,
    role: record.role === undefined ? entry.role : record.role,
    labels: record.labels ?? entry.labels,
    scopes: record.scopes ?? entry.scopes,
    budgets: record.budgets ?? entry.budgets,
    protected: record.protected ?? entry.protected,
    registration: { ...entry.registration, ...record.registration },
    lastChangeMs: clockMs,
  };
  if (parentAgent !== undefined) inventory.moves += 1;
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}
