/** The suppressions of one partition that stand or are to come, in the order of their records. Bounded. */
import { rememberDone } from './done-ids.js';
import type { SuppressionRecord } from './record.js';

/** More are passed over. The registry refuses before this one has to. */
export const SUPPRESSIONS_MAX = 512;

/** Plain JSON. */
export interface SuppressionsJson {
  readonly standing: readonly SuppressionRecord[];
  readonly done: readonly string[];
}

/** Suppressions of one partition. */
export class SuppressionBook {
  private standing: SuppressionRecord[] = [];
  private readonly done = new Set<string>();

  get size(): number {
    return this.standing.length;
  }

  /** In the order of their records. */
  get all(): readonly SuppressionRecord[] {
    return this.standing;
  }

  /** One that was taken in before, or was taken back before it came, does nothing. */
  add(record: SuppressionRecord): void {
    if (this.standing.length >= SUPPRESSIONS_MAX || this.done.has(record.id)) return;
    if (this.standing.some(({ id }) => id === record.id)) return;
    this.standing.push(record);
  }

  /** Drops one for good: told again, or only now, it does nothing. */
  drop(dropped: string): void {
    this.standing = this.standing.filter(({ id }) => id !== dropped);
    rememberDone(this.done, dropped);
  }

  /** Drops what is over by `timeMs`. */
  expire(timeMs: number): void {
    if (this.standing.some(({ untilMs }) => untilMs <= timeMs)) {
      this.standing = this.standing.filter(({ untilMs }) => untilMs > timeMs);
    }
  }

  snapshot(): SuppressionsJson {
    return { standing: [...this.standing], done: [...this.done] };
  }

  restore({ standing, done }: SuppressionsJson): void {
    this.standing = [...standing];
    for (const id of done) this.done.add(id);
  }
}
