/**
 * Halts in force, and the refusal that follows from one. Who is let go of a halt that is being lifted is told by a
 * hash of the tenant and of the root of the agent's tree: a tree goes together, and whoever was let go stays so as the
 * share grows.
 */
import { hash32 } from '../math/hash.js';
import type { Inventory } from './inventory.js';
import type { Decision, Halt } from './registry.js';

/** Steps of delegation that are followed upwards. */
const HOPS_MAX = 32;
const SEED = 0x68616c74;
const TWO_32 = 4_294_967_296;

/** A halt with its standing answer, so that deciding allocates nothing. */
export interface HaltInForce extends Halt {
  readonly decision: Decision;
}

/** By tenant; null: everybody. */
export type Halts = Map<string | null, HaltInForce>;

/** The refusal of an agent that is halted; null: it is not. `parent`: on whose behalf one that is not known acts. */
export function haltedCall(
  { halts, inventory }: { readonly halts: Halts; readonly inventory: Inventory },
  tenant: string,
  agent: string,
  parent: string | null,
): Decision | null {
  if (halts.size === 0) return null;
  return (
    refusal(halts.get(null), inventory, tenant, agent, parent) ??
    refusal(halts.get(tenant), inventory, tenant, agent, parent)
  );
}

/** What is halted, everybody first, then tenants by name. */
export function haltsInForce(halts: Halts): readonly Halt[] {
  return [...halts.values()]
    .map(({ tenant, sinceMs, share, reason, actor }) => ({ tenant, sinceMs, share, reason, actor }))
    .sort((a, b) => (a.tenant === null || (b.tenant !== null && a.tenant < b.tenant) ? -1 : 1));
}

/** The halts of a snapshot. */
export function readHalts(saved: readonly Halt[]): Halts {
  return new Map(saved.map((halt) => [halt.tenant, haltInForce(halt)]));
}

/** A halt with its answer. */
export function haltInForce({ tenant, sinceMs, share, reason, actor }: Halt): HaltInForce {
  const letGo = share === 0 ? '' : `, ${percent(share)} are let go`;
  const decision: Decision = Object.freeze({
    allow: false,
    status: 'suspended',
    reason: `${whoIs(tenant)} halted by ${actor}${letGo}: ${reason}`,
    retryAfterMs: null,
    denial: 'halted',
  });
  return { tenant, sinceMs, share, reason, actor, decision };
}

function refusal(
  halt: HaltInForce | undefined,
  inventory: Inventory,
  tenant: string,
  agent: string,
  parent: string | null,
): Decision | null {
  if (halt === undefined) return null;
  if (halt.share === 0) return halt.decision;
  const root = rootIn(inventory, tenant, inventory.get(tenant, agent) === undefined ? (parent ?? agent) : agent);
  return hash32(root, hash32(tenant, SEED)) / TWO_32 < halt.share ? null : halt.decision;
}

/** Who stands at the top of the agent's tree, by names and by the parents that the registry knows. */
function rootIn(inventory: Inventory, tenant: string, agent: string): string {
  const agents = inventory.of(tenant);
  let top = firstSegment(agent);
  let at: string | null = agent;
  for (let hops = 0; at !== null && hops < HOPS_MAX; hops++) {
    top = firstSegment(at);
    at = parentIn(agents, at);
  }
  return top;
}

/** The parent of the nearest of those that a name says the agent works under, itself first. */
function parentIn(agents: ReturnType<Inventory['of']>, name: string): string | null {
  for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
    const parent = agents?.get(name.slice(0, end))?.entry.parent ?? null;
    if (parent !== null) return parent;
  }
  return null;
}

function firstSegment(name: string): string {
  const slash = name.indexOf('/');
  return slash < 0 ? name : name.slice(0, slash);
}

/** Whom a halt is about, with the verb. */
export function whoIs(tenant: string | null): string {
  return tenant === null ? 'everybody is' : `tenant ${tenant === '' ? '(none)' : tenant} is`;
}

/** A share as people write it. */
export function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}
