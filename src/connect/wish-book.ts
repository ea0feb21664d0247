/**
 * What the registry wants of each agent, from its records alone and in their order: two processes that followed the
 * same log hold the same wishes with the same keys. A restriction of an agent becomes a wish for each known agent below
 * it too, and so does its end.
 */
import type { Action } from '../decide/finding.js';
import { isListed } from '../decide/pattern.js';
import type { AgentStatus, RegistryEntry, RegistryRecord, Verdict } from '../registry/registry.js';
import type { Wish } from './contract.js';
import { Lines } from './lines.js';

/** A record of the registry with what its fold made of it. */
export interface Change {
  /** In the registry's log. */
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

/** What the entry's restriction follows from. */
interface Cause {
  readonly version: number;
  readonly timeMs: number;
  readonly by: Wish['by'];
  readonly action: Action | 'release';
  /** Of an engine: it does not reach protected agents below. */
  readonly automatic: boolean;
}

interface Node {
  readonly entry: RegistryEntry;
  readonly cause: Cause;
}

const RANKS: Readonly<Record<AgentStatus, number>> = {
  active: 0,
  throttled: 1,
  restricted: 2,
  suspended: 3,
  revoked: 4,
};

const ACTIONS: Readonly<Record<AgentStatus, Action | 'release'>> = {
  active: 'release',
  throttled: 'throttle',
  restricted: 'restrict',
  suspended: 'suspend',
  revoked: 'revoke',
};

export class WishBook {
  private readonly tenants = new Map<string, Lines<Node>>();
  /** By agent; of those alone that were ever restricted. */
  private readonly wishes = new Map<string, Wish>();
  private protectedAgents: readonly string[] = [];

  /** Takes a change in, from the first of the log on. Returns the wishes that are new with it. */
  note({ record, verdict }: Change): readonly Wish[] {
    if (record.type === 'policy') this.protectedAgents = record.policy.protectedAgents;
    const made: Wish[] = [];
    // What a record's time ends is over before the record itself is judged.
    for (const entry of verdict.expired) this.changed(entry, null, made, record.timeMs);
    if (verdict.entry !== null) this.changed(verdict.entry, record, made);
    for (const entry of verdict.changed ?? []) this.changed(entry, record, made);
    return made;
  }

  /** Every wish that may still have to be carried out, in the order in which they were made. */
  all(): Iterable<Wish> {
    return this.wishes.values();
  }

  of(tenant: string, agent: string): Wish | null {
    return this.wishes.get(keyOf(tenant, agent)) ?? null;
  }

  entry(tenant: string, agent: string): RegistryEntry | null {
    return this.tenants.get(tenant)?.get(agent)?.entry ?? null;
  }

  *entries(): IterableIterator<RegistryEntry> {
    for (const lines of this.tenants.values()) for (const { entry } of lines.all()) yield entry;
  }

  /** It is done everywhere, and takes nothing from the agent: nothing is lost by forgetting it. */
  forget(wish: Wish): void {
    const key = keyOf(wish.tenant, wish.agent);
    if (this.wishes.get(key) === wish && wish.status === 'active') this.wishes.delete(key);
  }

  private changed(entry: RegistryEntry, record: RegistryRecord | null, made: Wish[], timeMs?: number): void {
    const lines = this.linesOf(entry.tenant);
    const before = lines.get(entry.agent);
    if (before?.entry === entry) return;
    const isMoved = before === undefined || before.entry.parent !== entry.parent;
    const isRestricted = !isSame(before?.entry, entry);
    const cause =
      isRestricted || before === undefined ? causeOf(entry, record, timeMs, before?.cause.automatic) : before.cause;
    const node = { entry, cause };
    lines.put(node);
    if (!isMoved && !isRestricted) return;
    for (const one of lines.below(entry.agent)) this.wish(lines, one, node, made);
  }

  private wish(lines: Lines<Node>, { entry }: Node, trigger: Node, made: Wish[]): void {
    const key = keyOf(entry.tenant, entry.agent);
    const before = this.wishes.get(key);
    const wish = this.wishOf(lines, entry, trigger);
    if (before === undefined ? wish.status === 'active' : isSameWish(before, wish)) return;
    // Set anew, so that the order of the map is that of the wishes.
    this.wishes.delete(key);
    this.wishes.set(key, wish);
    made.push(wish);
  }

  private wishOf(lines: Lines<Node>, entry: RegistryEntry, trigger: Node): Wish {
    let worst: Node | null = null;
    for (const node of lines.above(entry.agent)) {
      if (node.cause.automatic && node.entry.agent !== entry.agent && this.isProtected(entry)) continue;
      if (RANKS[node.entry.status] > (worst === null ? 0 : RANKS[worst.entry.status])) worst = node;
    }
    const { entry: from, cause } = worst ?? trigger;
    const isFree = worst === null;
    return {
      tenant: entry.tenant,
      agent: entry.agent,
      version: isFree ? from.version : cause.version,
      root: from.agent === entry.agent ? null : from.agent,
      status: isFree ? 'active' : from.status,
      action: isFree ? 'release' : cause.action,
      reason: isFree ? 'no restriction is in force any more' : (from.reason ?? ''),
      untilMs: isFree ? null : from.untilMs,
      callsPerMinute: isFree ? null : from.callsPerMinute,
      owner: entry.owner ?? from.owner,
      parent: entry.parent,
      timeMs: cause.timeMs,
      by: cause.by,
    };
  }

  private isProtected(entry: RegistryEntry): boolean {
    return entry.protected || isListed(this.protectedAgents, entry.agent);
  }

  private linesOf(tenant: string): Lines<Node> {
    let lines = this.tenants.get(tenant);
    if (lines === undefined) {
      lines = new Lines();
      this.tenants.set(tenant, lines);
    }
    return lines;
  }
}

function causeOf(
  entry: RegistryEntry,
  record: RegistryRecord | null,
  timeMs: number | undefined,
  wasAutomatic = false,
): Cause {
  const { version, status } = entry;
  const isProposal = record?.type === 'proposal';
  // A person said who left; that the agents are stopped is the policy's.
  const isByPolicy = isProposal || record?.type === 'sponsor';
  const isPerson = !isByPolicy && record?.actor.startsWith('person:') === true;
  const given = record?.type === 'stop' ? record.action : isProposal ? record.proposal.action : null;
  // What remains when a stronger one ends is whatever it was before.
  const automatic = isByPolicy || (record === null && wasAutomatic);
  return {
    version,
    timeMs: record?.timeMs ?? timeMs ?? entry.lastChangeMs,
    by: isPerson ? 'person' : isByPolicy ? 'policy' : 'system',
    // The entry tells the status alone, and two actions share one.
    action: given === 'lower-trust' && status === 'restricted' ? given : ACTIONS[status],
    automatic,
  };
}

function isSame(before: RegistryEntry | undefined, entry: RegistryEntry): boolean {
  if (before === undefined) return entry.status === 'active';
  return (
    before.status === entry.status &&
    before.untilMs === entry.untilMs &&
    before.callsPerMinute === entry.callsPerMinute &&
    before.reason === entry.reason
  );
}

function isSameWish(a: Wish, b: Wish): boolean {
  if (a.status === 'active' && b.status === 'active') return true;
  return a.status === b.status && a.version === b.version && a.root === b.root;
}

function keyOf(tenant: string, agent: string): string {
  return JSON.stringify([tenant, agent]);
}
