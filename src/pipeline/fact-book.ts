/** What people said of agents, as the engines must know it: role, labels and budgets, and where that last changed. */
import { isDeepStrictEqual } from 'node:util';
import type { AgentRecord } from '../engine/record.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { LiveChange } from './live-parts.js';

type Facts = Pick<RegistryEntry, 'role' | 'labels' | 'budgets'>;

const NONE: Facts = { role: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };

interface Noted {
  readonly facts: Facts;
  /** Of the change, in the registry's log. */
  readonly offset: number;
  readonly record: AgentRecord;
}

export class FactBook {
  private readonly noted = new Map<string, Noted>();
  /** Every change before it was noted. */
  next = 0;

  /** To be told every change, from the first one of the log; the control record that follows from it, or null. */
  note({ offset, record, verdict }: LiveChange): AgentRecord | null {
    this.next = offset + 1;
    if (record.type !== 'register' || verdict.effect !== 'applied' || verdict.entry === null) return null;
    const { tenant, agent, role, labels, budgets } = verdict.entry;
    const key = `${tenant}\u0000${agent}`;
    const facts: Facts = { role, labels, budgets };
    if (isDeepStrictEqual(this.noted.get(key)?.facts ?? NONE, facts)) return null;
    const follows: AgentRecord = { type: 'agent', timeMs: record.timeMs, tenant, agent, role, labels, budgets };
    this.noted.set(key, { facts, offset, record: follows });
    return follows;
  }

  /** The last word about every agent of whom something changed at or after `told`. */
  since(told: number): AgentRecord[] {
    return [...this.noted.values()].filter(({ offset }) => offset >= told).map(({ record }) => record);
  }
}
