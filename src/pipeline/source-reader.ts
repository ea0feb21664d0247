/**
 * Reads one partition of a source: every item of every record becomes an event in the log, a dead letter with a reason,
 * or is passed over, and only then is the position committed. So nothing is lost and what is read again after a crash
 * is dropped by its id. A record that cannot be read never stops it; a log that is away makes it wait.
 *
 * Memory: what one read brings (`READ_BYTES`, or one record where that is longer) and `FLUSH_UNITS` of lines made of it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import type { SourceEvent } from '../event/source-item.js';
import type { Log } from '../log/log.js';
import type { Intake } from './intake.js';
import type { Patience } from './patience.js';
import { type Refusal, RejectionMeter } from './rejection-meter.js';
import type { FeedRecord, SourceFeed } from './source-feed.js';
import type { SourceGate } from './source-gate.js';
import { boundBy, type ItemTaker, RecordLetters, type SourceRules, takeItems } from './source-items.js';
import { REJECTED_TOPIC } from './topics.js';

/** Bytes of one read. */
const READ_BYTES = 1024 * 1024;
/** Lines are written when they have grown to this many characters. */
const FLUSH_UNITS = 2 * 1024 * 1024;
/** Longest wait for records: also how long a stop may take. */
const WAIT_MS = 500;
/** A position is committed at most so often. */
const COMMIT_EVERY_MS = 1_000;
/** Items decoded before others get their turn: about 2 ms of work. */
const TURN_ITEMS = 512;
/** Records that a trial looks at, the newest, and how many bytes of them. */
const PROBE_RECORDS = 100;
const PROBE_BYTES = 256 * 1024;
/** Between two looks for something to look at. */
const LOOK_EVERY_MS = 1_000;
/** The line, not the log, is at fault. */
const POISON: readonly string[] = ['log.bad-record', 'log.too-long'];

/** Running totals of one source, for telemetry. */
export interface SourceCounts {
  records: number;
  bytes: number;
  /** Items that were written to the log. */
  events: number;
  duplicates: number;
  /** Items that are no step of an agent. */
  skipped: number;
  /** Items by code; each stands in `log:rejected`. */
  readonly rejected: Record<string, number>;
  /** Records that the topic had forgotten before they were read. */
  lost: number;
}

export interface ReaderParts {
  readonly source: string;
  readonly partition: number;
  readonly feed: SourceFeed;
  readonly rules: SourceRules;
  readonly gate: SourceGate;
  readonly counts: SourceCounts;
  readonly intake: Pick<Intake, 'accept'>;
  readonly log: Pick<Log, 'append'>;
  readonly clock: () => number;
  readonly patience: Patience;
  readonly report: (message: string, error?: unknown) => void;
  /** Makes what the gate has to say durable. */
  readonly announce: () => Promise<void>;
}

/** An event that waits to be written, and where it came from. */
interface Waiting extends SourceEvent {
  readonly offset: number;
}

export class SourceReader {
  /** Next to be read; everything before it is durable or refused with a letter. */
  at = 0;
  /** Of the topic's partition, as of the last look. */
  end = 0;
  private committed = 0;
  private committedMs = Number.NEGATIVE_INFINITY;
  private readonly name: string;
  private items: Waiting[] = [];
  private letters: string[] = [];
  private units = 0;
  private openings: number;
  /** What stood before it when the source was opened again is taken without being held against it. */
  private graceEnd = 0;
  private round = 0;
  /** Records from here on no trial has looked at. */
  private freshFrom = 0;

  constructor(private readonly parts: ReaderParts) {
    this.name = `source ${parts.source}, partition ${parts.partition}`;
    this.openings = parts.gate.openings;
  }

  /** Until stopped. Rejects where a retry cannot help; the position stays at what is durable. */
  async run(): Promise<void> {
    const { patience, gate, feed, partition, clock } = this.parts;
    gate.join(partition);
    try {
      this.at = await this.keepTrying('its position', () => feed.position());
      this.committed = this.at;
      while (!patience.signal.aborted) {
        await this.parts.announce();
        const phase = gate.phaseAt(clock());
        if (phase === 'open') await this.turn();
        else await this.rest(phase);
        await this.commit(phase !== 'open');
      }
      await this.commit(true);
    } catch (error) {
      // What was under way is read again: it was not committed.
      if (!patience.signal.aborted) throw error;
    } finally {
      gate.leave(partition);
    }
  }

  private keepTrying<T>(what: string, call: () => Promise<T>): Promise<T> {
    return this.parts.patience.keepTrying(`${this.name}: ${what}`, call);
  }

  /** One read, and everything that follows from it. */
  private async turn(): Promise<void> {
    const { gate, feed, clock } = this.parts;
    const limits = { maxBytes: READ_BYTES, waitMs: WAIT_MS };
    const batch = await this.keepTrying('reading', () => this.inRange(() => feed.read(this.at, limits)));
    if (batch === null) return;
    this.end = batch.end;
    if (gate.openings !== this.openings) {
      this.openings = gate.openings;
      this.graceEnd = batch.end;
    }
    for (const record of batch.records) {
      await this.take(record);
      if (record.offset >= this.graceEnd) gate.judge(clock());
      // The rest stays in the topic, unread.
      if (gate.isRefused) return this.flush(record.offset + 1);
    }
    await this.flush(batch.next);
  }

  private async take(record: FeedRecord): Promise<void> {
    const { source, partition, counts, rules, gate, clock } = this.parts;
    const nowMs = clock();
    const letters = new RecordLetters(source, partition, record);
    const isHeld = record.offset >= this.graceEnd;
    const taker: ItemTaker = {
      event: (item) => {
        if (isHeld) gate.note(nowMs, null);
        const { line, event, position } = item;
        this.items.push({ line, event, position, offset: record.offset });
        this.units += line.length;
      },
      rejected: (refusal, item, line) => {
        if (isHeld) gate.note(nowMs, refusal);
        this.count(refusal.code);
        letters.add(refusal, item, line);
      },
      skipped: () => {
        counts.skipped += 1;
      },
    };
    let taken = 0;
    for (const _ of takeItems(rules, record, nowMs, taker)) {
      taken += 1;
      if (taken % TURN_ITEMS === 0) await nextTurn();
      if (this.units >= FLUSH_UNITS) await this.write();
    }
    letters.end();
    for (const line of letters.lines) {
      this.letters.push(line);
      this.units += line.length;
    }
    counts.records += 1;
    counts.bytes += record.value?.byteLength ?? 0;
    if (this.units >= FLUSH_UNITS) await this.flush(record.offset + 1);
  }

  /** Everything before `next` becomes durable. */
  private async flush(next: number): Promise<void> {
    await this.write();
    this.at = next;
  }

  private async write(): Promise<void> {
    const { items } = this;
    this.items = [];
    this.units = 0;
    if (items.length > 0) await this.append(items);
    const { letters } = this;
    this.letters = [];
    if (letters.length > 0) {
      await this.keepTrying('writing dead letters', () => this.parts.log.append(REJECTED_TOPIC, 0, letters));
    }
  }

  /** Where one line is at fault it is found by halves and rejected; repeating the others is safe. */
  private async append(items: readonly Waiting[]): Promise<void> {
    const { intake, counts, rules } = this.parts;
    const sender = { bound: (event: AgentEvent) => boundBy(rules, event) };
    try {
      const answer = await this.keepTrying('writing events', () => intake.accept(items, sender));
      counts.events += answer.written;
      counts.duplicates += answer.duplicates;
    } catch (error) {
      if (!(error instanceof KilldeerError) || !POISON.includes(error.code)) throw error;
      if (items.length === 1) return this.bury(items[0], error);
      const half = items.length >>> 1;
      await this.append(items.slice(0, half));
      await this.append(items.slice(half));
    }
  }

  private bury({ line, position, offset }: Waiting, { code, message }: KilldeerError): void {
    const { source, partition } = this.parts;
    const letters = new RecordLetters(source, partition, { offset, value: null, headers: {} });
    letters.add({ code, reason: message.slice(0, 300) }, position, line);
    this.letters.push(...letters.lines);
    this.count(code);
  }

  private count(code: string): void {
    const { rejected } = this.parts.counts;
    rejected[code] = (rejected[code] ?? 0) + 1;
  }

  private async rest(phase: 'resting' | 'probing'): Promise<void> {
    const { gate, patience, clock } = this.parts;
    if (phase === 'probing') await this.look();
    if (gate.isRefused) await patience.pause(Math.min(LOOK_EVERY_MS, gate.restLeftMs(clock()) || LOOK_EVERY_MS));
  }

  /** The newest of what came in since the last trial; nothing of it is taken. */
  private async look(): Promise<void> {
    const { gate, feed, partition, clock, rules } = this.parts;
    if (gate.round !== this.round) {
      this.round = gate.round;
      this.freshFrom = this.end;
    }
    const { begin, end } = await this.keepTrying('looking for new records', () => feed.range());
    this.end = end;
    const meter = new RejectionMeter(1, 1);
    const nowMs = clock();
    const note = (refusal: Refusal | null): void => meter.note(nowMs, refusal);
    const taker: ItemTaker = { event: () => note(null), rejected: (refusal) => note(refusal), skipped: () => {} };
    let from = Math.max(begin, this.freshFrom, end - PROBE_RECORDS);
    for (let bytes = 0; from < end && bytes < PROBE_BYTES; ) {
      const limits = { maxBytes: PROBE_BYTES, waitMs: 0 };
      const batch = await this.keepTrying('looking at new records', () => this.inRange(() => feed.read(from, limits)));
      if (batch === null || batch.next <= from) break;
      for (const record of batch.records) {
        for (const _ of takeItems(rules, record, nowMs, taker));
        bytes += record.value?.byteLength ?? 0;
      }
      from = batch.next;
    }
    gate.sample(partition, clock(), meter.tally);
  }

  /**
   * null where the topic no longer reaches back to the position, or was made anew: goes on with the first record that
   * is there, for nothing may be lost that need not be.
   */
  private async inRange<T>(read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof KilldeerError) || error.code !== 'log.offset-out-of-range') throw error;
      const { begin } = await this.parts.feed.range();
      const lost = Math.max(0, begin - this.at);
      this.parts.counts.lost += lost;
      this.parts.report(`${this.name}: ${lost} records went before they were read; goes on at ${begin}`, error);
      this.at = begin;
      return null;
    }
  }

  /** A commit that fails is repeated with the next one: until then more would be read again, and dropped by its ids. */
  private async commit(isDue: boolean): Promise<void> {
    const { feed, clock, report } = this.parts;
    const nowMs = clock();
    if (this.at === this.committed || (!isDue && nowMs - this.committedMs < COMMIT_EVERY_MS)) return;
    this.committedMs = nowMs;
    const { at } = this;
    try {
      await feed.commit(at);
      this.committed = at;
    } catch (error) {
      report(`${this.name}: position ${at} could not be committed`, error);
    }
  }
}
