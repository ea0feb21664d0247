/**
 * What gateways with a copy of their own are told: every change of the registry that matters to them, in order, and the
 * newest of them again for whoever was away. Made of the registry's records as they are folded, so that each process
 * tells the same; memory is bounded by the number of changes kept.
 *
 * A position is the offset to go on from: that of the next record. May not decide, nor filter by token (route-stream.ts).
 */
import type { Mode } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { RegistryEntry, RegistryRecord, Verdict } from '../registry/registry.js';
import type { CopyAgent, CopyHalt, CopyPolicy } from './stream-schema.js';

/** A record of the registry with what the fold made of it. */
export interface FeedChange {
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

/** One thing to tell. */
export type FeedEvent =
  /** Under a restriction, under none any more, or with other limits: the agent as it is now. */
  | { readonly type: 'restriction' | 'release' | 'limits'; readonly agent: CopyAgent }
  | { readonly type: 'halt'; readonly halt: CopyHalt }
  | { readonly type: 'policy'; readonly policy: CopyPolicy };

/** What follows from one record, which is told whole or not at all. */
export interface FeedStep {
  /** Position behind it. */
  readonly next: number;
  readonly events: readonly FeedEvent[];
}

/** Records that change nothing of what an agent may do now. */
const SILENT: readonly RegistryRecord['type'][] = [
  ...(['time', 'attempt', 'denied', 'owner', 'verdict', 'verdict-undo', 'effect', 'told', 'drill'] as const),
  ...(['approval-request', 'approval-use', 'triage', 'suppress', 'suppress-undo'] as const),
  ...(['settings', 'model-choice', 'deed'] as const),
];
/** Members of a policy that say nothing of what single calls may do. */
const OF_FINDINGS: readonly string[] = [
  ...['name', 'mode', 'brakes', 'rules', 'protectedAgents', 'unregistered', 'ladder', 'twoPeople', 'restricted'],
];

export class RegistryFeed {
  private readonly steps: FeedStep[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly restricted = new Set<string>();
  private readonly halted = new Map<string | null, CopyHalt>();
  private current: CopyPolicy | null = null;
  /** Everything from here on is in `steps`. */
  private floor = 0;
  /** The mode in force; a policy may stand on a step below its own. */
  private modeOf: (() => Mode) | null = null;
  private next = 0;

  constructor(private readonly stepsMax = 10_000) {}

  /** Takes every record in order, from the first one on. */
  take({ offset, record, verdict }: FeedChange): void {
    if (this.next === 0) this.floor = offset;
    this.next = offset + 1;
    const events = [...verdict.expired, ...(verdict.changed ?? [])].map((entry) => this.agentEvent(entry));
    const own = this.eventOf(record, verdict);
    if (own !== null) events.push(own);
    const mode = this.modeOf?.();
    if (this.current !== null && mode !== undefined && mode !== this.current.mode) {
      events.push(this.setPolicy({ ...this.current, mode }));
    }
    if (events.length === 0) return;
    this.steps.push({ next: this.next, events });
    // Twice as many for a while: taking one out at a time would move all the others.
    if (this.steps.length >= 2 * this.stepsMax) {
      this.floor = this.steps[this.stepsMax - 1].next;
      this.steps.splice(0, this.stepsMax);
    }
    for (const listener of this.listeners) listener();
  }

  /** From here on the mode that is told is this one. */
  watch(modeOf: () => Mode): void {
    this.modeOf = modeOf;
    if (this.current !== null) this.current = { ...this.current, mode: modeOf() };
  }

  /** Position of whoever has been told everything. */
  position(): number {
    return this.next;
  }

  policy(): CopyPolicy | null {
    return this.current;
  }

  /** In force, that of everybody first. */
  halts(): CopyHalt[] {
    return [...this.halted.values()].sort((a, b) => ((a.tenant ?? '') < (b.tenant ?? '') ? -1 : 1));
  }

  /** Up to `max` steps behind the position, with the position that they lead to; null: it is too old, or not of this log. */
  since(position: number, max: number): { readonly steps: readonly FeedStep[]; readonly next: number } | null {
    if (position < this.floor || position > this.next) return null;
    const from = firstBehind(this.steps, position);
    const steps = this.steps.slice(from, from + max);
    const last = steps.at(-1);
    return { steps, next: from + max < this.steps.length && last !== undefined ? last.next : this.next };
  }

  /** Calls after each step until the function returned is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private eventOf(record: RegistryRecord, { effect, entry }: Verdict): FeedEvent | null {
    if (effect !== 'applied' || SILENT.includes(record.type)) return null;
    switch (record.type) {
      case 'policy':
        return this.setPolicy(policyView(record.policy));
      case 'ladder':
        return this.current?.name === record.policy ? this.setPolicy({ ...this.current, mode: record.to }) : null;
      case 'halt':
        return this.setHalt({ tenant: record.tenant, share: 0, reason: record.reason });
      case 'recover':
        return this.setHalt({ tenant: record.tenant, share: record.share, reason: record.reason });
      default:
        return entry !== null && isTold(entry, this.restricted) ? this.agentEvent(entry) : null;
    }
  }

  private setPolicy(policy: CopyPolicy): FeedEvent {
    this.current = policy;
    return { type: 'policy', policy };
  }

  private setHalt(halt: CopyHalt): FeedEvent {
    if (halt.share >= 1) this.halted.delete(halt.tenant);
    else this.halted.set(halt.tenant, halt);
    return { type: 'halt', halt };
  }

  private agentEvent(entry: RegistryEntry): FeedEvent {
    const agent = copyView(entry);
    const key = keyOf(entry);
    if (entry.status !== 'active') {
      this.restricted.add(key);
      return { type: 'restriction', agent };
    }
    return { type: this.restricted.delete(key) ? 'release' : 'limits', agent };
  }
}

/** Whether a copy has to know of it: nothing is to be said of an agent that nothing was said of. */
export function isTold(entry: RegistryEntry, restricted?: ReadonlySet<string>): boolean {
  if (entry.registered || entry.status !== 'active' || entry.parent !== null) return true;
  return restricted?.has(keyOf(entry)) === true;
}

/** An agent in the words of the wire. */
export function copyView(entry: RegistryEntry): CopyAgent {
  const { registration, budgets } = entry;
  const { operations, endpoints, targets, dataClasses, trust, delegation } = registration;
  const limits = [operations, endpoints, targets, dataClasses, trust, delegation, budgets.sessionUsd, budgets.dayUsd];
  return {
    tenant: entry.tenant,
    agent: entry.agent,
    version: entry.version,
    registered: entry.registered,
    protected: entry.protected,
    parent: entry.parent,
    status: entry.status,
    until_ms: entry.untilMs,
    calls_per_minute: entry.callsPerMinute,
    reason: entry.reason,
    limited: limits.some((limit) => limit !== null),
  };
}

function policyView(policy: Policy): CopyPolicy {
  const { name, mode, unregistered = 'allow' } = policy;
  const limited = Object.entries(policy).some(([member, value]) => !OF_FINDINGS.includes(member) && !isEmpty(value));
  return { name, mode, unregistered, limited };
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function keyOf({ tenant, agent }: RegistryEntry): string {
  return `${tenant}\u0000${agent}`;
}

/** Index of the first step behind a position. */
function firstBehind(steps: readonly FeedStep[], position: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps[middle].next <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
