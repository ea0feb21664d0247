/**
 * Carries one place of the log into its tables. It holds one batch at a time: where the store is away or slow it waits
 * with that one and falls behind in the log, whose records stay. What the log no longer has is a row in `gaps`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import { type Batch, type BatchLimits, gather, type ProjectedPlace, type Skipped } from './batch.js';
import type { Chain } from './chain.js';
import type { Item, Read } from './item.js';
import type { Notes } from './notes.js';

export interface FollowerParts {
  readonly place: ProjectedPlace;
  /** Made anew each time the place is read from its position: a fold must see every record once. */
  readonly reader: () => Read<object>;
  /** Whether the reader must see the log's first record, however far the tables are. */
  readonly fromBegin: boolean;
  /** One for each table that the place feeds. */
  readonly chains: (onRefused: (item: Item, error: unknown) => Promise<void>) => readonly Chain[];
  readonly notes: Notes;
  readonly limits: BatchLimits;
  readonly clock: () => number;
  readonly report: (report: { level: 'info' | 'warn' | 'error'; message: string; error?: unknown }) => void;
  readonly onFailure: (table: string) => void;
}

export interface PlaceStats {
  readonly topic: string;
  readonly partition: number;
  /** Next record to be read into a batch; null: the store has not been asked yet. */
  readonly next: number | null;
  /** Records held in memory, at most one batch. */
  readonly held: number;
  /** How long ago everything that the log then had was in the tables, ms. */
  readonly delayMs: number;
  /** Records that gave no row although they should have. */
  readonly skipped: number;
  /** Records that the log no longer had. */
  readonly missing: number;
  /** Failed attempts since the last one that went well. */
  readonly failures: number;
}

const PAUSE_MS = 250;
const PAUSE_MAX_MS = 10_000;
const WAIT_MS = 1_000;
/** Between two notes of a place that moves without giving rows. */
const NOTE_EVERY_MS = 600_000;

export class PlaceFollower {
  private readonly chains: readonly Chain[];
  private read: Read<object>;
  private next: number | null = null;
  private batch: Batch | null = null;
  /** A moment, and where the log ended then: once all below is stored, the store is as of that moment. */
  private mark: { readonly atMs: number; readonly end: number } | null = null;
  private failures = 0;
  private skipped = 0;
  private missing = 0;
  private currentMs: number;
  private noteAtMs: number;
  private readonly stopping = new AbortController();

  constructor(private readonly parts: FollowerParts) {
    this.chains = parts.chains((item, error) => this.refused(item, error));
    this.read = parts.reader();
    this.currentMs = parts.clock();
    this.noteAtMs = this.currentMs + NOTE_EVERY_MS;
  }

  get stats(): PlaceStats {
    const { as } = this.parts.place;
    return {
      topic: as.topic,
      partition: as.partition,
      next: this.next,
      held: this.batch?.records ?? 0,
      delayMs: Math.max(0, this.parts.clock() - this.currentMs),
      skipped: this.skipped,
      missing: this.missing,
      failures: this.failures,
    };
  }

  get tables(): readonly string[] {
    return this.chains.map(({ table }) => table);
  }

  /** Resolves once it was stopped; rejects only with 'store.schema'. */
  async run(): Promise<void> {
    while (!this.isStopping) {
      try {
        await this.turn();
        if (this.failures > 0) this.report('info', 'goes on');
        this.failures = 0;
      } catch (error) {
        if (error instanceof KilldeerError && error.code === 'store.schema') throw error;
        await this.failed(error);
      }
    }
    // What is not noted is read again at the next start.
    if (this.failures === 0) await this.note().catch(() => undefined);
  }

  stop(): void {
    this.stopping.abort();
  }

  private get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async turn(): Promise<void> {
    const { log, topic, partition } = this.parts.place;
    this.next ??= await this.open();
    this.mark ??= { atMs: this.parts.clock(), end: await log.end(topic, partition) };
    this.batch ??= await this.gather(this.next);
    if (this.batch !== null) {
      await this.store(this.batch);
      this.next = this.batch.next;
    }
    const { atMs, end } = this.mark;
    if (this.next >= end) {
      this.currentMs = atMs;
      this.mark = null;
    }
    const isIdle = this.batch === null;
    this.batch = null;
    if (this.parts.clock() >= this.noteAtMs) await this.note();
    if (isIdle) await this.wait(this.next, WAIT_MS);
  }

  private gather(offset: number): Promise<Batch | null> {
    const { place, limits, clock } = this.parts;
    const isStopping = () => this.isStopping;
    const wait = (from: number, timeoutMs: number) => this.wait(from, timeoutMs);
    return gather({ place, read: this.read, limits, clock, isStopping, wait }, offset);
  }

  /** Rows last: what is told of a record twice is told once in the end, and a row only moves the position. */
  private async store({ items, skipped }: Batch): Promise<void> {
    await this.parts.notes.gaps(this.parts.place.as, 'malformed', skipped);
    for (const chain of this.chains) await chain.write(items);
    for (const { records } of skipped) this.skipped += records;
    if (skipped.length > 0) this.report('warn', `skipped malformed records, the first: ${skipped[0].reason}`);
  }

  /** Where to read on: behind what every table has. */
  private async open(): Promise<number> {
    const { place, notes, fromBegin, reader } = this.parts;
    const { log, topic, partition } = place;
    this.read = reader();
    const held: number[] = [];
    for (const chain of this.chains) held.push(await notes.next(chain.table, place.as, await chain.open()));
    const next = Math.min(...held);
    const begin = await log.begin(topic, partition);
    const end = await log.end(topic, partition);
    if (next > end) {
      const words = `the store has ${place.as.topic}/${place.as.partition} up to ${next}, the log ends at ${end}`;
      throw new KilldeerError('log.offset-out-of-range', `${words}: they do not belong together`);
    }
    if (next < begin) {
      await this.lost({ first: next, next: begin, records: begin - next, reason: LOST });
      for (const chain of this.chains) await notes.note(chain.table, place.as, chain.held, begin);
    }
    return fromBegin ? begin : Math.max(next, begin);
  }

  private async lost(gap: Skipped): Promise<void> {
    await this.parts.notes.gaps(this.parts.place.as, 'missing', [gap]);
    this.missing += gap.records;
    this.report(
      'error',
      `the log no longer has the records from ${gap.first} to ${gap.next - 1}: they are not in the store`,
    );
  }

  private async refused({ offset }: Item, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    const gap = { first: offset, next: offset + 1, records: 1, reason: reason.slice(0, 300) };
    await this.parts.notes.gaps(this.parts.place.as, 'refused', [gap]);
    this.skipped += 1;
    this.report('error', `the store refuses the record at ${offset}`, error);
  }

  /** Notes a position that no row shows. */
  private async note(): Promise<void> {
    if (this.next === null) return;
    this.noteAtMs = this.parts.clock() + NOTE_EVERY_MS;
    for (const chain of this.chains)
      await this.parts.notes.note(chain.table, this.parts.place.as, chain.held, this.next);
  }

  private async failed(error: unknown): Promise<void> {
    for (const chain of this.chains) {
      chain.forget();
      this.parts.onFailure(chain.table);
    }
    // The log or the table is not what it was: where to read on must be asked anew.
    if (error instanceof KilldeerError && error.code === 'log.offset-out-of-range') {
      this.next = null;
      this.batch = null;
      this.mark = null;
    }
    this.failures += 1;
    if (this.failures === 1 && !this.isStopping) this.report('warn', 'waits', error);
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(this.failures - 1, 10));
    await sleep(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async wait(offset: number, timeoutMs: number): Promise<boolean> {
    const { log, topic, partition } = this.parts.place;
    if (this.isStopping) return false;
    const { promise, release } = aborted(this.stopping.signal);
    try {
      return await Promise.race([log.wait(topic, partition, offset, timeoutMs), promise]);
    } finally {
      release();
    }
  }

  private report(level: 'info' | 'warn' | 'error', what: string, error?: unknown): void {
    const { topic, partition } = this.parts.place.as;
    const message = `history of ${topic}/${partition} ${what}`;
    this.parts.report(error === undefined ? { level, message } : { level, message, error });
  }
}

const LOST = 'removed from the log before they were stored';

/** Resolves false when the signal is given; `release` takes the listener off again. */
function aborted(signal: AbortSignal): { promise: Promise<false>; release: () => void } {
  let release = (): void => undefined;
  const promise = new Promise<false>((resolve) => {
    const done = () => resolve(false);
    signal.addEventListener('abort', done, { once: true });
    release = () => signal.removeEventListener('abort', done);
  });
  return { promise, release };
}
