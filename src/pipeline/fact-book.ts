/**
 * What people said of agents, as the engines must know it: role, labels, trust, environment and budgets, and where that
 * last changed; and what they said of findings. The budgets are the lower of an agent's own and of every permission of
 * the policy that is about it, so a policy with budgets speaks of many agents at once.
 */
import { isDeepStrictEqual } from 'node:util';
import { budgetsOf, type Permission } from '../decide/intent.js';
import type { AgentRecord, VerdictRecord, VerdictUndoRecord } from '../engine/record.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { LiveChange } from './live-parts.js';

type Facts = Pick<AgentRecord, 'role' | 'labels' | 'budgets' | 'trust' | 'environment'>;

/** What the engines are told. */
export type ToldRecord = AgentRecord | VerdictRecord | VerdictUndoRecord;

const NONE: Facts = { role: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };

const NOTHING: readonly ToldRecord[] = Object.freeze([]);

interface Noted {
  /** null: of a verdict. */
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

  /** To be told every change, from the first one of the log; the control records that follow from it. */
  note(change: LiveChange): readonly ToldRecord[] {
    const { offset, record, verdict } = change;
    this.next = offset + 1;
    const { entry } = verdict;
    if (entry !== null) this.entries.set(entryKey(entry), entry);
    if (verdict.effect !== 'applied') return NOTHING;
    if (record.type === 'verdict' || record.type === 'verdict-undo') {
      const told = this.noteVerdict(change);
      return told === null ? NOTHING : [told];
    }
    if (record.type === 'policy') return this.notePolicy(change, record.policy.permissions ?? []);
    // A permission can be about an agent that nobody registered, by its name alone.
    if (entry === null || (record.type !== 'register' && this.permissions.length === 0)) return NOTHING;
    const told = this.noteEntry(change, entry);
    return told === null ? NOTHING : [told];
  }

  private notePolicy(change: LiveChange, permissions: readonly Permission[]): readonly ToldRecord[] {
    const before = this.permissions;
    this.permissions = permissions.filter(({ budgets }) => budgets.sessionUsd !== null || budgets.dayUsd !== null);
    if (before.length === 0 && this.permissions.length === 0) return NOTHING;
    return [...this.entries.values()].flatMap((entry) => this.noteEntry(change, entry) ?? []);
  }

  private noteEntry({ offset, record }: LiveChange, entry: RegistryEntry): ToldRecord | null {
    const { tenant, agent, role, labels, registration } = entry;
    const { trust, environment } = registration;
    const facts: Facts = {
      ...{ role, labels, budgets: budgetsOf(this.permissions, entry) },
      ...(trust === null ? {} : { trust }),
      ...(environment === null ? {} : { environment }),
    };
    const key = entryKey(entry);
    if (isDeepStrictEqual(this.noted.get(key)?.facts ?? NONE, facts)) return null;
    const follows: AgentRecord = { type: 'agent', timeMs: record.timeMs, tenant, agent, ...facts };
    this.noted.set(key, { facts, offset, record: follows });
    return follows;
  }

  /** The last word about every agent of whom something changed at or after `told`, and every verdict since, in order. */
  since(told: number): ToldRecord[] {
    const due = [...this.noted.values()].filter(({ offset }) => offset >= told);
    return due.sort((a, b) => a.offset - b.offset).map(({ record }) => record);
  }

  private noteVerdict({ offset, record }: LiveChange): ToldRecord | null {
    const { timeMs } = record;
    this.forgetOver(timeMs);
    if (record.type === 'verdict') return this.keep(offset, { ...record.verdict, timeMs });
    if (record.type !== 'verdict-undo') return null;
    return this.keep(offset, { type: 'verdict-undo', timeMs, id: record.id, actor: record.actor });
  }

  private keep(offset: number, record: VerdictRecord | VerdictUndoRecord): ToldRecord {
    this.noted.set(keyOf(record), { facts: null, offset, record });
    return record;
  }

  /** A verdict that has run out, and what took it back, need not be told any more. */
  private forgetOver(nowMs: number): void {
    for (const [key, { record }] of this.noted) {
      if (record.type !== 'verdict' || record.untilMs > nowMs) continue;
      this.noted.delete(key);
      this.noted.delete(keyOf({ type: 'verdict-undo', id: record.id }));
    }
  }
}

function entryKey({ tenant, agent }: Pick<RegistryEntry, 'tenant' | 'agent'>): string {
  return `${tenant}\u0000${agent}`;
}

/** By what one word takes the place of an earlier one. */
export function keyOf(record: ToldRecord | Pick<VerdictUndoRecord, 'type' | 'id'>): string {
  return record.type === 'agent' ? entryKey(record) : `${record.type}\u0000${record.id}\u0000`;
}
