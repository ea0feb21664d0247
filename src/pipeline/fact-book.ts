/**
 * What the registry's changes mean for the engines: of an agent its role, labels, trust, environment and budgets, and
 * the stop in force; what people said of findings; and what people must be told of at once. Follows from the records
 * alone. The budgets are the lower of an agent's own and of every permission of the policy that is about it, so a policy
 * with budgets speaks of many agents at once.
 */
import { isDeepStrictEqual } from 'node:util';
import { budgetsOf, type Permission } from '../decide/intent.js';
import type {
  AgentRecord,
  ConfigRecord,
  ModelRecord,
  ResponderRecord,
  StopFact,
  SuppressionRecord,
  SuppressionUndoRecord,
  VerdictRecord,
  VerdictUndoRecord,
} from '../engine/record.js';
import type { Settings } from '../engine/settings.js';
import type { RegistryEntry } from '../registry/registry.js';
import { overlaid } from './choices.js';
import type { LiveChange } from './live-parts.js';
import { breakerRecord, haltRecord } from './responder-words.js';

interface Facts extends Pick<AgentRecord, 'role' | 'labels' | 'budgets' | 'trust' | 'environment'> {
  readonly protected: boolean;
  readonly stopped: StopFact | null;
}

/** What the engines are told. */
export type ToldRecord = AgentRecord | SaidRecord | ResponderRecord | ConfigRecord | ModelRecord;
/** What people said of findings, or in advance of them, and took back. */
type SaidRecord = VerdictRecord | VerdictUndoRecord | SuppressionRecord | SuppressionUndoRecord;

const NONE: Facts = {
  ...{ role: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } },
  ...{ protected: false, stopped: null },
};
const SAID: ReadonlySet<LiveChange['record']['type']> = new Set([
  ...(['verdict', 'verdict-undo', 'suppress', 'suppress-undo'] as const),
]);
/** A process that was away for longer has other ways to learn that a breaker was open. */
const PAGES_KEPT_MS = 86_400_000;

interface Noted {
  /** null: of a verdict, or of a page. */
  readonly facts: Facts | null;
  /** Of the change, in the registry's log. */
  readonly offset: number;
  readonly record: ToldRecord;
}

export class FactBook {
  private readonly noted = new Map<string, Noted>();
  /** Every agent that the registry has, as it last was. */
  private readonly entries = new Map<string, RegistryEntry>();
  /** Those of the policy that set budgets. */
  private permissions: readonly Permission[] = [];
  /** Every change before it was noted. */
  next = 0;

  /**
   * @param watchesStops whether the engines are told of stops, and so look for traffic after one
   * @param configured the settings of the configuration, for those that people change; null: nobody is told of them
   */
  constructor(
    private readonly watchesStops = true,
    private readonly configured: (() => Settings) | null = null,
  ) {}

  /** To be told every change, from the first one of the log; the control records that follow from it. */
  note(change: LiveChange): readonly ToldRecord[] {
    const { offset, record, verdict } = change;
    this.next = offset + 1;
    const follows: ToldRecord[] = [];
    if (verdict.entry !== null) this.entries.set(entryKey(verdict.entry), verdict.entry);
    for (const entry of [...verdict.expired, ...(verdict.changed ?? [])]) {
      this.entries.set(entryKey(entry), entry);
      this.noteAgent(change, entry, follows);
    }
    if (verdict.opened !== undefined)
      follows.push(this.keep(offset, breakerRecord(verdict.opened, record.timeMs, offset)));
    if (verdict.effect !== 'applied') return follows;
    if (SAID.has(record.type)) this.noteSaid(change, follows);
    else if (record.type === 'policy') this.notePolicy(change, record.policy.permissions ?? [], follows);
    else if (record.type === 'halt') follows.push(this.keep(offset, haltRecord(record)));
    else if (record.type === 'settings' || record.type === 'model-choice') this.noteChoice(change, follows);
    else if (verdict.entry !== null) this.noteAgent(change, verdict.entry, follows);
    return follows;
  }

  /** The last word about every agent of whom something changed at or after `told`, and every verdict since, in order. */
  since(told: number): ToldRecord[] {
    const due = [...this.noted.values()].filter(({ offset }) => offset >= told);
    return due.sort((a, b) => a.offset - b.offset).map(({ record }) => record);
  }

  private notePolicy(change: LiveChange, permissions: readonly Permission[], follows: ToldRecord[]): void {
    const before = this.permissions;
    this.permissions = permissions.filter(({ budgets }) => budgets.sessionUsd !== null || budgets.dayUsd !== null);
    if (before.length === 0 && this.permissions.length === 0) return;
    for (const entry of this.entries.values()) this.noteAgent(change, entry, follows);
  }

  private noteAgent({ offset, record }: LiveChange, entry: RegistryEntry, follows: ToldRecord[]): void {
    const { tenant, agent, role, labels } = entry;
    const { trust, environment } = entry.registration;
    const said = {
      ...{ role, labels, budgets: budgetsOf(this.permissions, entry) },
      ...(trust === null ? {} : { trust }),
      ...(environment === null ? {} : { environment }),
    };
    const key = entryKey(entry);
    const before = this.noted.get(key)?.facts ?? NONE;
    const stopped = this.watchesStops ? stopOf(entry, record, before.stopped) : null;
    // Traffic and engines change nothing of what people said: only a stop that begins or ends with it counts.
    const facts: Facts = { ...said, protected: entry.protected, stopped };
    if (isDeepStrictEqual(before, facts)) return;
    const told: AgentRecord = {
      ...{ type: 'agent', timeMs: record.timeMs, tenant, agent, ...said },
      ...(stopped === null ? {} : { stopped }),
      ...(entry.protected ? { protected: true } : {}),
    };
    this.noted.set(key, { facts, offset, record: told });
    follows.push(told);
  }

  private noteSaid({ offset, record }: LiveChange, follows: ToldRecord[]): void {
    const { timeMs } = record;
    this.forgetOver(timeMs);
    if (record.type === 'verdict') follows.push(this.keep(offset, { ...record.verdict, timeMs }));
    if (record.type === 'suppress') follows.push(this.keep(offset, { ...record.suppression, timeMs }));
    if (record.type !== 'verdict-undo' && record.type !== 'suppress-undo') return;
    const { type, id, actor } = record;
    follows.push(this.keep(offset, { type, timeMs, id, actor }));
  }

  private noteChoice({ offset, record }: LiveChange, follows: ToldRecord[]): void {
    const { timeMs } = record;
    if (record.type === 'settings' && this.configured !== null) {
      const settings = overlaid(this.configured(), record.settings);
      follows.push(this.keep(offset, { type: 'config', timeMs, settings }));
    }
    if (record.type !== 'model-choice' || record.version === null) return;
    follows.push(this.keep(offset, { type: 'model', timeMs, version: record.version }));
  }

  private keep(offset: number, record: Exclude<ToldRecord, AgentRecord>): ToldRecord {
    if (record.type === 'responder') this.forgetOver(record.timeMs);
    this.noted.set(keyOf(record), { facts: null, offset, record });
    return record;
  }

  /** A verdict or suppression that has run out, what took it back, and a page of long ago need not be told any more. */
  private forgetOver(nowMs: number): void {
    for (const [key, { record }] of this.noted) {
      if (record.type === 'responder' && nowMs - record.timeMs > PAGES_KEPT_MS) this.noted.delete(key);
      if ((record.type !== 'verdict' && record.type !== 'suppress') || record.untilMs > nowMs) continue;
      this.noted.delete(key);
      this.noted.delete(keyOf({ type: `${record.type}-undo`, id: record.id }));
    }
  }
}

/** The stop in force. One that a proposal only prolongs is the same stop, to a later end; a person's is always another. */
function stopOf(entry: RegistryEntry, record: LiveChange['record'], before: StopFact | null): StopFact | null {
  const { status, version, untilMs } = entry;
  if (status !== 'suspended' && status !== 'revoked') return null;
  const action = status === 'suspended' ? 'suspend' : 'revoke';
  if (before?.action === action && record.type !== 'stop') return { ...before, untilMs };
  // What follows from somebody's leaving spares protected sub-agents, as a rule's stop does.
  const automatic = record.type === 'proposal' || record.type === 'sponsor';
  return { sinceMs: record.timeMs, untilMs, action, version, automatic };
}

function entryKey({ tenant, agent }: Pick<RegistryEntry, 'tenant' | 'agent'>): string {
  return `${tenant}\u0000${agent}`;
}

/** By what one word takes the place of an earlier one. */
export function keyOf(record: ToldRecord | Pick<VerdictUndoRecord | SuppressionUndoRecord, 'type' | 'id'>): string {
  if (record.type === 'agent') return entryKey(record);
  if (record.type === 'config' || record.type === 'model') return `${record.type}\u0000\u0000`;
  if (record.type === 'responder') return `${record.type}\u0000${record.what}\u0000${record.key}\u0000`;
  return `${record.type}\u0000${record.id}\u0000`;
}
