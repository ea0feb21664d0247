/**
 * One output of a partition: lines that follow from its records and from nothing else. After a crash the partition
 * executes records again whose lines are in the log already; they are the same lines in the same order, so the first
 * so many are counted and not written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import { isDiskFull } from '../log/files.js';
import type { Log } from '../log/log.js';

/** One partition of one topic. */
export interface LogPlace {
  readonly log: Pick<Log, 'append' | 'read' | 'begin' | 'end' | 'wait'>;
  readonly topic: string;
  readonly partition: number;
}

/** Between two tries while the disk is full. */
const FULL_PAUSE_MS = 500;

export class Output {
  /** Offset after the last line that follows from the records executed so far. */
  at: number;
  /** End of the log: lines below it are durable. */
  private end: number;

  private constructor(
    private readonly place: LogPlace,
    at: number,
    end: number,
  ) {
    this.at = at;
    this.end = end;
  }

  /** `at`: where the output stood at the checkpoint. Rejects with 'checkpoint.mismatch' where the log ends before it. */
  static async open(place: LogPlace, at: number): Promise<Output> {
    const end = await place.log.end(place.topic, place.partition);
    if (end >= at) return new Output(place, at, end);
    const name = `${place.topic}/${place.partition}`;
    throw new KilldeerError('checkpoint.mismatch', `the checkpoint knows ${at} lines of ${name}, which has ${end}`);
  }

  /** Lines still to be met again. */
  get muted(): number {
    return this.end - this.at;
  }

  /** Durable once resolved. Waits while the disk is full: the partition falls behind, and nothing is lost. */
  async write(lines: readonly string[], isStopping: () => boolean): Promise<void> {
    const known = Math.min(this.muted, lines.length);
    const fresh = known === 0 ? lines : lines.slice(known);
    if (fresh.length > 0) await this.append(fresh, isStopping);
    this.at += lines.length;
  }

  private async append(lines: readonly string[], isStopping: () => boolean): Promise<void> {
    const { log, topic, partition } = this.place;
    for (;;) {
      try {
        const first = await log.append(topic, partition, lines);
        if (first !== this.end) {
          throw new KilldeerError('partition.fault', `${topic}/${partition} has another writer at offset ${this.end}`);
        }
        this.end = first + lines.length;
        return;
      } catch (error) {
        if (!isDiskFull(error) || isStopping()) throw error;
        await sleep(FULL_PAUSE_MS);
      }
    }
  }
}
