/**
 * What a sender may speak about, and whether its word may stop an agent: pure checks of the bindings of a token or of
 * a source. Whoever can only send telemetry must not be able to stop an agent.
 */
import { rootOf } from '../agent/lineage.js';

/** What a sender may speak about; null: no limit of this kind. */
export interface Bindings {
  /** Exact tenant names; '' is the nameless tenant. */
  readonly tenants: readonly string[] | null;
  /** Agent names, or prefixes ending in '*'; a name covers its sub-agents NAME/... */
  readonly agents: readonly string[] | null;
}

/** True where the sender is tied to anything at all. */
export function isBound(bindings: Bindings): boolean {
  return bindings.tenants !== null || bindings.agents !== null;
}

/** True where the bindings allow to speak about this agent; always true for a sender without bindings. */
export function covers(bindings: Bindings, tenant: string, agent: string): boolean {
  if (bindings.tenants !== null && !bindings.tenants.includes(tenant)) return false;
  return bindings.agents === null || bindings.agents.some((pattern) => coversName(pattern, agent));
}

/**
 * True where an event of this agent may count as evidence for a stop: the sender has bindings, and they cover the root
 * too. A stop falls on the root, so a sender bound to one sub-agent must not be able to bring down the whole tree.
 */
export function vouches(bindings: Bindings, tenant: string, agent: string, parent: string | null): boolean {
  return isBound(bindings) && covers(bindings, tenant, agent) && covers(bindings, tenant, rootOf(agent, parent));
}

function coversName(pattern: string, agent: string): boolean {
  if (pattern.endsWith('*')) return agent.startsWith(pattern.slice(0, -1));
  if (!agent.startsWith(pattern)) return false;
  return agent.length === pattern.length || agent.charCodeAt(pattern.length) === 0x2f;
}
