/**
 * What people said of agents, on its way from the registry to the engines: role, labels and budgets of an agent, and
 * verdicts on findings, become control records in their partitions, at least once, whatever dies in between.
 */
import { FactBook, keyOf, type ToldRecord } from './fact-book.js';
import type { LiveChange } from './live-parts.js';

export class AgentRelay {
  private readonly due = new Map<string, ToldRecord>();
  private isStarted = false;
  private sending: Promise<void> | null = null;

  /**
   * @param told changes before this offset of the registry's log were sent in an earlier life
   * @param send resolves once the records are durable in their partitions
   * @param save resolves once `told` is remembered
   * @param onFault sending failed; it is tried again with the next change, and in the next life
   * @param facts what of the changes the engines are told
   */
  constructor(
    private readonly told: number,
    private readonly send: (records: readonly ToldRecord[]) => Promise<void>,
    private readonly save: (told: number) => Promise<void>,
    private readonly onFault: (error: unknown) => void,
    private readonly facts = new FactBook(),
  ) {}

  /** To be told every change, from the first one of the log. */
  note(change: LiveChange): void {
    const records = this.facts.note(change);
    if (records.length === 0 || change.offset < this.told) return;
    for (const record of records) this.due.set(keyOf(record), record);
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
      const upTo = this.facts.next;
      this.due.clear();
      try {
        await this.send(records);
      } catch (error) {
        for (const record of records) {
          if (!this.due.has(keyOf(record))) this.due.set(keyOf(record), record);
        }
        throw error;
      }
      await this.save(upTo);
    }
  }
}
