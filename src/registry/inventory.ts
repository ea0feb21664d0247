/**
 * Every agent the registry knows, by tenant and name, with what is in force. Also who stands above whom: 'a/b' works
 * under 'a', and an agent first seen as somebody's sub-agent works under that one.
 */
import { isListed } from '../decide/pattern.js';
import type { Policy } from '../decide/policy.js';
import { NO_REGISTRATION, type RegistryEntry } from './registry.js';
import { type Restriction, strongest } from './restriction.js';
import type { Bucket } from './throttle.js';

/** What is held of one agent beside its entry. */
export interface Held {
  /** Replaced with every change, never altered: whoever was handed one keeps what it was. */
  entry: RegistryEntry;
  /** Weakest first. */
  restrictions: readonly Restriction[];
  /** Registry clock when the last restriction ended, the start of the cooldown; null: never. */
  endedMs: number | null;
  /** Version of the entry when what is in force began; one that is prolonged is still the same. null: nothing is. */
  restrictedVersion: number | null;
  /** What the last automatic restriction was judged by; null: there was none, or it is not known. */
  measured: Measured | null;
  /** Outside the fold, on the caller's clock: the throttle, calls refused and not yet recorded, the last recording. */
  bucket: Bucket | null;
  refused: number;
  drainedMs: number | null;
}

/** A measurement that a finding led with. */
export interface Measured {
  readonly feature: string;
  readonly observed: number;
}

/** Steps of delegation that are followed upwards. */
const HOPS_MAX = 32;
/** No restrictions. */
export const NONE: readonly Restriction[] = Object.freeze([]);

/** Agents by tenant and name. */
export class Inventory {
  private readonly tenants = new Map<string, Map<string, Held>>();
  /** Agents with any restriction. */
  readonly restricted = new Set<Held>();
  /** Grows whenever an agent is put under another one: who counts the sub-agents of one looks again. */
  moves = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  of(tenant: string): ReadonlyMap<string, Held> | undefined {
    return this.tenants.get(tenant);
  }

  get(tenant: string, agent: string): Held | undefined {
    return this.tenants.get(tenant)?.get(agent);
  }

  put(held: Held): void {
    const { tenant, agent } = held.entry;
    let agents = this.tenants.get(tenant);
    if (agents === undefined) {
      agents = new Map();
      this.tenants.set(tenant, agents);
    }
    agents.set(agent, held);
    this.count += 1;
    if (held.restrictions.length > 0) this.restricted.add(held);
  }

  *all(): IterableIterator<Held> {
    for (const agents of this.tenants.values()) yield* agents.values();
  }

  /**
   * Puts restrictions in force and rewrites the entry to match; the caller has decided that they may be.
   * `isSame`: what is in force only lasts longer.
   */
  restrict(held: Held, restrictions: readonly Restriction[], nowMs: number, isSame = false): void {
    const now = strongest(restrictions);
    if (!isSame) held.restrictedVersion = now === undefined ? null : held.entry.version + 1;
    held.restrictions = restrictions;
    if (now === undefined) this.restricted.delete(held);
    else this.restricted.add(held);
    // A throttle that goes on keeps its count, or a change beside it would let a minute's calls pass at once.
    if (!restrictions.some((one) => one.action === 'throttle')) held.bucket = null;
    held.entry = {
      ...held.entry,
      version: held.entry.version + 1,
      status: now?.status ?? 'active',
      untilMs: now?.untilMs ?? null,
      callsPerMinute: now?.callsPerMinute ?? null,
      reason: now?.reason ?? null,
      attempts: now === undefined ? 0 : held.entry.attempts,
      lastChangeMs: nowMs,
    };
  }
}

/** An agent first heard of. */
export function createHeld(tenant: string, agent: string, parent: string | null, nowMs: number): Held {
  const entry: RegistryEntry = {
    tenant,
    agent,
    registered: false,
    parent,
    version: 1,
    owner: null,
    role: null,
    labels: [],
    scopes: [],
    budgets: { sessionUsd: null, dayUsd: null },
    protected: false,
    registration: NO_REGISTRATION,
    agentVersions: [],
    status: 'active',
    untilMs: null,
    callsPerMinute: null,
    reason: null,
    attempts: 0,
    firstSeenMs: nowMs,
    lastChangeMs: nowMs,
  };
  const nothing = { restrictedVersion: null, measured: null };
  return { entry, restrictions: NONE, endedMs: null, ...nothing, bucket: null, refused: 0, drainedMs: null };
}

/**
 * The agent and everybody above it, known or not, nearest first: by name ('a/b' under 'a') and by parent. All ways up are
 * followed, since a sub-agent with a parent of its own still stands under the name that it carries.
 */
export function namesUp(agents: ReadonlyMap<string, Held> | undefined, agent: string): string[] {
  const names: string[] = [];
  const ways = [agent];
  for (let i = 0; i < ways.length && i < HOPS_MAX; i++) {
    for (let end = ways[i].length; end > 0; end = ways[i].lastIndexOf('/', end - 1)) {
      const name = ways[i].slice(0, end);
      if (names.includes(name)) continue;
      names.push(name);
      const parent = agents?.get(name)?.entry.parent ?? null;
      if (parent !== null && !ways.includes(parent)) ways.push(parent);
    }
  }
  return names;
}

/** The agent, where it is known, and everybody known above it, nearest first. */
export function lineOf(agents: ReadonlyMap<string, Held>, agent: string): Held[] {
  return namesUp(agents, agent).flatMap((name) => agents.get(name) ?? []);
}

/** Whether naming `parent` would make the agent stand above itself. */
export function closesCircle(agents: ReadonlyMap<string, Held> | undefined, agent: string, parent: string): boolean {
  if (agent === parent || parent.startsWith(`${agent}/`)) return true;
  return agents !== undefined && lineOf(agents, parent).some((held) => held.entry.agent === agent);
}

/** Whether no engine may stop it: registered so, or named by the policy. */
export function isProtected(policy: Policy | null, agent: string, entry: RegistryEntry | undefined): boolean {
  if (entry?.protected === true) return true;
  return isListed(policy?.protectedAgents ?? [], agent);
}
