/**
 * What people said of agents, on its way from the registry to the engines: role, labels and budgets of an agent become
 * a control record in its partition whenever they change, at least once, whatever dies in between.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AgentRecord } from '../engine/record.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { LiveChange } from './live-parts.js';

type Facts = Pick<RegistryEntry, 'role' | 'labels' | 'budgets'>;

const NONE: Facts = { role: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };

export class AgentRelay {
  private readonly facts = new Map<string, Facts>();
  private readonly due = new Map<string, AgentRecord>();
  /** Every change before it was noted. */
  private next = 0;
  private isStarted = false;
  private sending: Promise<void> | null = null;

  /**
   * @param told changes before this offset of the registry's log were sent in an earlier life
   * @param send resolves once the records are durable in their partitions
   * @param save resolves once `told` is remembered
   * @param onFault sending failed; it is tried again with the next change, and in the next life
   */
  constructor(
    private readonly told: number,
    private readonly send: (records: readonly AgentRecord[]) => Promise<void>,
    private readonly save: (told: number) => Promise<void>,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** To be told every change, from the first one of the log. */
  note({ offset, record, verdict }: LiveChange): void {
    this.next = offset + 1;
    if (record.type !== 'register' || verdict.effect !== 'applied' || verdict.entry === null) return;
    const { tenant, agent, role, labels, budgets } = verdict.entry;
    const key = `${tenant}\u0000${agent}`;
    const facts: Facts = { role, labels, budgets };
    if (isDeepStrictEqual(this.facts.get(key) ?? NONE, facts)) return;
    this.facts.set(key, facts);
    if (offset < this.told) return;
    this.due.set(key, { type: 'agent', timeMs: record.timeMs, tenant, agent, role, labels, budgets });
    if (this.isStarted) this.run();
  }

  /** Sends what is due, and from now on whatever becomes due. */
  start(): void {
    this.isStarted = true;
    this.run();
  }

  /** Resolves once nothing is on its way. */
  async settled(): Promise<void> {
    while (this.sending !== null) await this.sending;
  }

  private run(): void {
    this.sending ??= this.sendAll()
      .catch(this.onFault)
      .finally(() => {
        this.sending = null;
      });
  }

  private async sendAll(): Promise<void> {
    while (this.due.size > 0) {
      const records = [...this.due.values()];
      const upTo = this.next;
      this.due.clear();
      try {
        await this.send(records);
      } catch (error) {
        for (const record of records) {
          const key = `${record.tenant}\u0000${record.agent}`;
          if (!this.due.has(key)) this.due.set(key, record);
        }
        throw error;
      }
      await this.save(upTo);
    }
  }
}
