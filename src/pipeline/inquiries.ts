/**
 * Questions to a partition's thread that it has not answered yet. A thread that dies or hangs answers none: whoever
 * asked is told so after a while, and may ask again. Nothing durable hangs on a question.
 */
import type { Inspection } from '../engine/contract.js';
import { KilldeerError } from '../errors.js';
import { errorOf, type FromPartition, type ToPartition } from './protocol.js';

/** Longest that a thread may take, ms: it answers between two batches. */
const PATIENCE_MS = 10_000;
/** Questions that wait at once; more are refused. */
const WAITING_MAX = 1_000;

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly take: (inspection: Inspection | null) => void;
  readonly fail: (error: KilldeerError) => void;
}

export class Inquiries {
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor(private readonly patienceMs = PATIENCE_MS) {}

  /** null: the partition never met the agent. Rejects with 'partition.away', or what went wrong there. */
  ask(post: (message: ToPartition) => void, tenant: string, agent: string): Promise<Inspection | null> {
    if (this.waiting.size >= WAITING_MAX) return Promise.reject(away('too many questions wait for it'));
    const id = this.next++;
    return new Promise((take, fail) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        fail(away(`it did not answer within ${this.patienceMs / 1_000} s`));
      }, this.patienceMs);
      timer.unref();
      this.waiting.set(id, { timer, take, fail });
      post({ type: 'inspect', id, tenant, agent });
    });
  }

  answered({ id, inspection, fault }: Extract<FromPartition, { type: 'inspected' }>): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    if (fault === null) waiting.take(inspection);
    else waiting.fail(errorOf(fault));
  }
}

/** The partition cannot be asked now. */
export function away(reason: string): KilldeerError {
  return new KilldeerError('partition.away', `the agent's partition cannot be asked: ${reason}`);
}
