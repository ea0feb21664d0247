/**
 * What people said of agents, as the engines must know it: role, labels and budgets, and where that last changed; and
 * what they said of findings.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AgentRecord, VerdictRecord, VerdictUndoRecord } from '../engine/record.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { LiveChange } from './live-parts.js';

type Facts = Pick<RegistryEntry, 'role' | 'labels' | 'budgets'>;

/** What the engines are told. */
export type ToldRecord = AgentRecord | VerdictRecord | VerdictUndoRecord;

const NONE: Facts = { role: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };

interface Noted {
  /** null: of a verdict. */
  readonly facts: Facts | null;
  /** Of the change, in the registry's log. */
  readonly offset: number;
  readonly record: ToldRecord;
}

export class FactBook {
  private readonly noted = new Map<string, Noted>();
  /** Every change before it was noted. */
  next = 0;

  /** To be told every change, from the first one of the log; the control record that follows from it, or null. */
  note(change: LiveChange): ToldRecord | null {
    const { offset, record, verdict } = change;
    this.next = offset + 1;
    if (verdict.effect !== 'applied') return null;
    if (record.type === 'verdict' || record.type === 'verdict-undo') return this.noteVerdict(change);
    if (record.type !== 'register' || verdict.entry === null) return null;
    const { tenant, agent, role, labels, budgets } = verdict.entry;
    const key = `${tenant}\u0000${agent}`;
    const facts: Facts = { role, labels, budgets };
    if (isDeepStrictEqual(this.noted.get(key)?.facts ?? NONE, facts)) return null;
    const follows: AgentRecord = { type: 'agent', timeMs: record.timeMs, tenant, agent, role, labels, budgets };
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

/** By what one word takes the place of an earlier one. */
export function keyOf(record: ToldRecord | Pick<VerdictUndoRecord, 'type' | 'id'>): string {
  return record.type === 'agent' ? `${record.tenant}\u0000${record.agent}` : `${record.type}\u0000${record.id}\u0000`;
}
