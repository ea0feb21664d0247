/**
 * Follows `log:events` for the ledger of what was spent: each event that its sender vouches for, and that costs
 * something or names a reservation, is handed on once, in the order of its partition. What was spent is therefore what
 * the log says, in every process that decides, a read behind it.
 *
 * A checkpoint holds the ledger with the positions that it belongs to, so that a restart goes on exactly; without one
 * it begins a day back. May not write to the log, nor judge.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import { type Files, nodeFiles } from '../log/files.js';
import type { Log } from '../log/log.js';
import { EVENTS_TOPIC } from './layout.js';
import type { LiveReport } from './live-parts.js';
import { decodeRecord } from './record-line.js';

const FORMAT = 1;
const BATCH = 512;
const WAIT_MS = 1_000;
const DAY_MS = 86_400_000;
const CHECKPOINT_EVERY_MS = 30_000;
const RETRY_MS = 1_000;
/** Rows written, or lines taken, before others get their turn. */
const SLICE = 2_000;
/** Records looked at to find one with a time. */
const PROBE = 16;

/** Whom it feeds. */
export interface SpendTaker {
  take(event: AgentEvent): void;
  /** Stands in the id of every event that settles a reservation. */
  readonly marker: string;
  rows(): Iterable<readonly unknown[]>;
  restore(row: readonly unknown[]): void;
}

export interface SpendFollowerOptions {
  readonly log: Pick<Log, 'partitions' | 'read' | 'begin' | 'end' | 'wait'>;
  readonly prices: PriceTable;
  readonly taker: SpendTaker;
  /** Wall clock, ms: a day before it is where it begins without a checkpoint. */
  readonly clock: () => number;
  /** Of the checkpoint. */
  readonly path: string;
  readonly files?: Files;
  readonly checkpointEveryMs?: number;
  /** Between two tries of a log that fails, ms. Default 1000. */
  readonly retryMs?: number;
  readonly report: (report: LiveReport) => void;
}

export class SpendFollower {
  private readonly positions: number[] = [];
  private readonly ends: number[] = [];
  private isStopping = false;
  private isBroken = false;
  /** Partitions that could not be read when last tried. */
  private readonly failing = new Set<number>();
  private readonly ending = new AbortController();
  /** What was there at the start was taken. */
  private hasBegun = false;
  private timer: NodeJS.Timeout | null = null;
  /** Nothing is handed on while a checkpoint is being made of what was. */
  private writing: Promise<void> | null = null;
  private readonly files: Files;

  constructor(private readonly options: SpendFollowerOptions) {
    this.files = options.files ?? nodeFiles;
  }

  /** Whether it counts no more, for good or until the log can be read again. */
  get hasBroken(): boolean {
    return this.isBroken || this.failing.size > 0;
  }

  /** Finds its place, takes what is there, then follows. Rejects as the log does. */
  async start(): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      if (this.isStopping) return;
      this.isBroken = true;
      throw error;
    }
  }

  private async begin(): Promise<void> {
    const { log, checkpointEveryMs = CHECKPOINT_EVERY_MS } = this.options;
    const partitions = Array.from({ length: log.partitions(EVENTS_TOPIC) }, (_, partition) => partition);
    const saved = await this.restored(partitions.length);
    for (const partition of partitions) {
      const begin = await log.begin(EVENTS_TOPIC, partition);
      this.ends[partition] = await log.end(EVENTS_TOPIC, partition);
      this.positions[partition] = Math.max(begin, saved?.[partition] ?? (await this.dayBack(partition, begin)));
    }
    for (const partition of partitions) {
      while (this.positions[partition] < this.ends[partition] && !this.isStopping) await this.readOn(partition);
    }
    if (this.isStopping) return;
    this.hasBegun = true;
    for (const partition of partitions) void this.follow(partition);
    this.timer = setInterval(() => void this.checkpoint(), checkpointEveryMs);
    this.timer.unref();
  }

  /** Records that are durable, as last looked at, and not handed on. */
  behind(): number {
    return this.ends.reduce((sum, end, i) => sum + Math.max(0, end - this.positions[i]), 0);
  }

  /** Takes nothing more, and writes a last checkpoint. Closing the log ends what still waits for it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.ending.abort();
    if (this.timer !== null) clearInterval(this.timer);
    await this.writing;
    if (this.hasBegun) await this.checkpoint();
  }

  /** Writes what the ledger holds and where it stands. A failure is told, and the last one stays. */
  checkpoint(): Promise<void> {
    this.writing ??= this.write()
      .catch((error: unknown) => {
        this.options.report({ level: 'warn', message: 'the checkpoint of what was spent was not written', error });
      })
      .finally(() => {
        this.writing = null;
      });
    return this.writing;
  }

  private async write(): Promise<void> {
    const lines = [JSON.stringify({ format: FORMAT, positions: [...this.positions] })];
    for (const row of this.options.taker.rows()) {
      lines.push(JSON.stringify(row));
      if (lines.length % SLICE === 0) await nextTurn();
    }
    await writeAtomic(this.files, this.options.path, Buffer.from(`${lines.join('\n')}\n`));
  }

  /** The positions of the checkpoint, once its rows were taken back; null: there is none that fits. */
  private async restored(partitions: number): Promise<readonly number[] | null> {
    const { path, taker, report } = this.options;
    const bytes = await readWhole(this.files, path);
    if (bytes === null) return null;
    try {
      const [head, ...rows] = Buffer.from(bytes).toString('utf8').trimEnd().split('\n');
      const { format, positions } = JSON.parse(head) as { format: unknown; positions: number[] };
      if (format !== FORMAT || positions.length !== partitions) throw new KilldeerError('checkpoint.mismatch', path);
      const parsed = rows.map((row) => JSON.parse(row) as unknown[]);
      for (const row of parsed) taker.restore(row);
      return positions;
    } catch (error) {
      report({ level: 'warn', message: `${path} cannot be used: what was spent is read from the log again`, error });
      return null;
    }
  }

  private async follow(partition: number): Promise<void> {
    const { log } = this.options;
    while (!this.isStopping) {
      try {
        const hasMore = await log.wait(EVENTS_TOPIC, partition, this.positions[partition], WAIT_MS);
        if (this.isStopping) return;
        if (hasMore) {
          this.ends[partition] = await log.end(EVENTS_TOPIC, partition);
          await this.readOn(partition);
        }
        this.failing.delete(partition);
      } catch (error) {
        if (this.isStopping) return;
        if (!isPassing(error)) {
          this.isBroken = true;
          this.options.report({ level: 'error', message: 'what is spent is followed no more', error });
          return;
        }
        if (!this.failing.has(partition)) {
          const message = `what is spent in partition ${partition} cannot be read, it is tried again`;
          this.options.report({ level: 'warn', message, error });
        }
        this.failing.add(partition);
        await sleep(this.options.retryMs ?? RETRY_MS, undefined, { signal: this.ending.signal }).catch(() => undefined);
      }
    }
  }

  private async readOn(partition: number): Promise<void> {
    const { log, prices, taker } = this.options;
    const { records, next } = await log.read(EVENTS_TOPIC, partition, this.positions[partition], BATCH);
    while (this.writing !== null) await this.writing;
    if (this.isStopping) return;
    // In one turn with its position: a checkpoint holds both or neither.
    for (const { offset, value } of records) {
      if (!matters(value, taker.marker)) continue;
      const record = decodeRecord(value, offset, prices);
      // Whoever can only send telemetry must not be able to use up an agent's budget.
      if ('type' in record && record.type === 'event' && record.bound) taker.take(record.event);
    }
    this.positions[partition] = next;
    await nextTurn();
  }

  /** The first record of the last day, as far as records are in the order of their times. */
  private async dayBack(partition: number, begin: number): Promise<number> {
    const fromMs = this.options.clock() - DAY_MS;
    let low = begin;
    let high = this.ends[partition];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((await this.timeAt(partition, middle)) < fromMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Time of the first record with one at or behind the offset, ms; now, where none of a few has one. */
  private async timeAt(partition: number, offset: number): Promise<number> {
    const { log, prices, clock } = this.options;
    const { records } = await log.read(EVENTS_TOPIC, partition, offset, PROBE);
    for (const { offset: at, value } of records) {
      const record = decodeRecord(value, at, prices);
      if (!('type' in record)) continue;
      if (record.type === 'event') return record.event.timeMs;
      if ('timeMs' in record) return record.timeMs;
    }
    return clock();
  }
}

/** Whether waiting can help. What is gone, or closed, stays so: going on behind it would count too little. */
function isPassing(error: unknown): boolean {
  return error instanceof KilldeerError && error.retry;
}

/**
 * Whether the line can cost something or settle something: most lines are calls of tools, which cost nothing, and are
 * not worth decoding. Names that are written with escapes are looked at all the same.
 */
function matters(line: string, marker: string): boolean {
  return line.includes('cost_usd"') || line.includes('_tokens"') || line.includes(marker) || line.includes('\\u');
}
