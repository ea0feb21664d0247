/**
 * Where an agent stands, kept between two questions about it: who is above it, what it is held to, and who works for it.
 * It is made anew when somebody in its line is described anew, when an agent comes in between, or when the policy
 * changes; until then deciding reads it and allocates nothing. No part of the fold: it follows from the fold's state.
 */
import type { Policy } from '../decide/policy.js';
import type { FoldState } from './fold-state.js';
import { type Held, type Inventory, lineOf, namesUp } from './inventory.js';
import type { Delegates, Limit } from './limit.js';
import { type CompiledPermission, compilePermissions, limitsOf, type Member, restrictedLimits } from './permission.js';
import { NO_REGISTRATION, type RegistryEntry, type TrailStep } from './registry.js';

/** Agents whose standing is kept; beyond it all are made anew, each when it is asked about. */
const KEPT_MAX = 20_000;
/** An agent that nobody registered counts as somebody's sub-agent this long: nothing tells the registry of its end. */
const COUNTS_MS = 86_400_000;
const TRAIL_MAX = 16;

type Agents = ReadonlyMap<string, Held>;

/** One agent's standing. */
export class Standing implements Delegates {
  readonly agent: string;
  /** Known agents: itself, and everybody above it. */
  readonly line: readonly Held[];
  /** By its own name or that of an agent that it works under. A parent that telemetry named vouches for nobody. */
  readonly isRegistered: boolean;
  /** Agents that the inventory had when this was last found to be right. */
  size: number;
  private readonly entries: readonly RegistryEntry[];
  /** All of its tenant. */
  readonly agents: Agents | undefined;
  private readonly parent: string | null;
  private readonly inventory: Inventory;
  private readonly permissions: readonly CompiledPermission[];
  private readonly policy: Policy | null;
  private usual: readonly Limit[] | null = null;
  private lowered: readonly Limit[] | null = null;
  private restricted: readonly Limit[] | null = null;
  private children: readonly Held[] = [];
  private childrenAsOf = '';

  constructor(
    { inventory, policy }: FoldState,
    tenant: string,
    agent: string,
    parent: string | null,
    permissions: readonly CompiledPermission[],
  ) {
    const agents = inventory.of(tenant);
    this.agent = agent;
    this.parent = parent;
    this.inventory = inventory;
    this.line = upwards(agents, agent, parent).flatMap((name) => agents?.get(name) ?? []);
    this.entries = this.line.map(({ entry }) => entry);
    this.agents = agents;
    this.size = agents?.size ?? 0;
    this.policy = policy;
    this.permissions = permissions;
    this.isRegistered = agents?.get(agent)?.entry.registered === true || voucherOf(agents, agent) !== null;
  }

  /** Made when it is needed: most of what is asked about is held to nothing. */
  private members(): Member[] {
    const { agents } = this;
    return upwards(agents, this.agent, this.parent).map((name) => ({
      agent: name,
      entry: agents?.get(name)?.entry ?? null,
      vouched: voucherOf(agents, name),
    }));
  }

  /** Whether nobody in the line was described anew since. */
  isCurrent(): boolean {
    for (let i = 0; i < this.line.length; i++) {
      if (!isSame(this.line[i].entry, this.entries[i])) return false;
    }
    return true;
  }

  /** What it is held to, in the order of judging; `isLowered`: while something lowers its trust. */
  limits(isLowered: boolean): readonly Limit[] {
    if (isLowered) this.lowered ??= limitsOf(this.members(), this.permissions, true);
    else this.usual ??= limitsOf(this.members(), this.permissions, false);
    return (isLowered ? this.lowered : this.usual) ?? [];
  }

  /** What it may still do under `restrict`. */
  limitsRestricted(): readonly Limit[] {
    this.restricted ??= restrictedLimits(this.members(), this.policy);
    return this.restricted;
  }

  countBeside(child: string | null, nowMs: number): number {
    let count = 0;
    for (const { entry } of this.subAgents()) {
      if (entry.agent === child) return 0;
      if (entry.status === 'revoked' || entry.status === 'suspended') continue;
      if (entry.registered || nowMs - entry.firstSeenMs < COUNTS_MS) count += 1;
    }
    return count;
  }

  private subAgents(): readonly Held[] {
    const asOf = `${this.inventory.size} ${this.inventory.moves}`;
    if (this.childrenAsOf !== asOf) this.children = childrenOf(this.agents, this.agent);
    this.childrenAsOf = asOf;
    return this.children;
  }

  /** The acting agent first, those above it, then others that work for the same and are held to something. */
  trail(): TrailStep[] {
    const known = this.members().filter(({ entry }, index) => index === 0 || entry !== null);
    const steps = known.map(({ agent, entry }) => stepOf(agent, entry));
    const above = known[1]?.agent;
    const names = new Set(known.map(({ agent }) => agent));
    for (const { entry } of above === undefined ? [] : childrenOf(this.agents, above)) {
      const { operations, endpoints, targets } = entry.registration;
      const isHeld = operations !== null || endpoints !== null || targets !== null;
      if (isHeld && !names.has(entry.agent)) steps.push(stepOf(entry.agent, entry, above));
    }
    return steps.slice(0, TRAIL_MAX);
  }
}

function stepOf(agent: string, entry: RegistryEntry | null, above: string | null = null): TrailStep {
  const { operations, endpoints, targets, trust } = entry?.registration ?? NO_REGISTRATION;
  return { agent, parent: entry?.parent ?? above ?? nameAbove(agent), operations, endpoints, targets, trust };
}

function nameAbove(agent: string): string | null {
  const slash = agent.lastIndexOf('/');
  return slash > 0 ? agent.slice(0, slash) : null;
}

/** Direct sub-agents: by parent, or by the name beneath. */
function childrenOf(agents: Agents | undefined, of: string): Held[] {
  const children: Held[] = [];
  for (const held of agents?.values() ?? []) {
    const { agent, parent } = held.entry;
    const isBeneath = agent.startsWith(`${of}/`) && agent.indexOf('/', of.length + 1) < 0;
    if (parent === of || (parent === null && isBeneath)) children.push(held);
  }
  return children;
}

/** Everybody above the agent, and above whom the caller names. */
function upwards(agents: Agents | undefined, agent: string, parent: string | null): string[] {
  const names = namesUp(agents, agent);
  return parent === null ? names : [...new Set([...names, ...namesUp(agents, parent)])];
}

function voucherOf(agents: Agents | undefined, agent: string): RegistryEntry | null {
  for (let end = agent.lastIndexOf('/'); end > 0; end = agent.lastIndexOf('/', end - 1)) {
    const entry = agents?.get(agent.slice(0, end))?.entry;
    if (entry?.registered === true) return entry;
  }
  return null;
}

/** Whether two states of one entry say the same of what it is held to. */
function isSame(a: RegistryEntry, b: RegistryEntry): boolean {
  if (a === b) return true;
  return (
    a.registration === b.registration &&
    a.registered === b.registered &&
    a.role === b.role &&
    a.labels === b.labels &&
    a.parent === b.parent
  );
}

/** The standings of all agents that are asked about. */
export class Standings {
  private readonly state: FoldState;
  private readonly kept = new Map<string, Map<string, Standing>>();
  private count = 0;
  private policy: Policy | null = null;
  private permissions: readonly CompiledPermission[] = [];

  constructor(state: FoldState) {
    this.state = state;
  }

  /** `parent`: whom it works for, as the caller says; it only ever adds to what the agent is held to. */
  of(tenant: string, agent: string, parent: string | null): Standing {
    if (this.state.policy !== this.policy) this.forget();
    const agents = this.state.inventory.of(tenant);
    const known = this.kept.get(tenant)?.get(agent);
    const standing = known !== undefined && this.isRight(known, agents) ? known : this.make(tenant, agent);
    if (parent === null || parent === agent || standing.line.some(({ entry }) => entry.agent === parent)) {
      return standing;
    }
    return new Standing(this.state, tenant, agent, parent, this.permissions);
  }

  private isRight(known: Standing, agents: Agents | undefined): boolean {
    if (known.agents !== agents || !known.isCurrent()) return false;
    const size = agents?.size ?? 0;
    if (known.size === size) return true;
    // Somebody came in: perhaps between the agent and its root.
    const line = agents === undefined ? [] : lineOf(agents, known.agent);
    if (line.length !== known.line.length || line.some((held, i) => held !== known.line[i])) return false;
    known.size = size;
    return true;
  }

  private make(tenant: string, agent: string): Standing {
    if (this.count >= KEPT_MAX) this.forget();
    const standing = new Standing(this.state, tenant, agent, null, this.permissions);
    let ofTenant = this.kept.get(tenant);
    if (ofTenant === undefined) {
      ofTenant = new Map();
      this.kept.set(tenant, ofTenant);
    }
    if (!ofTenant.has(agent)) this.count += 1;
    ofTenant.set(agent, standing);
    return standing;
  }

  private forget(): void {
    this.kept.clear();
    this.count = 0;
    this.policy = this.state.policy;
    this.permissions = compilePermissions(this.policy);
  }
}
