/** What a token may speak about: pure checks of its bindings. */
import { rootOf } from '../agent/lineage.js';
import type { Bindings } from './contract.js';

/** True where the token is tied to anything at all. */
export function isBound(bindings: Bindings): boolean {
  return bindings.tenants !== null || bindings.agents !== null;
}

/** True where the bindings allow to speak about this agent; always true for a token without bindings. */
export function covers(bindings: Bindings, tenant: string, agent: string): boolean {
  if (bindings.tenants !== null && !bindings.tenants.includes(tenant)) return false;
  return bindings.agents === null || bindings.agents.some((pattern) => coversName(pattern, agent));
}

/**
 * True where an event of this agent may count as evidence for a stop: the token has bindings, and they cover the root
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
