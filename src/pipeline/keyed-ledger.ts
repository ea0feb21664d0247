/**
 * A partition's ledger on a log with transactions (Kafka): findings, dead letters, samples and how far they go are
 * committed together, and now and then the engine's snapshot with them. Whoever owns the partition next executes from
 * the last snapshot, muted up to what was committed.
 *
 * Opening it is the fence: `transactions` must have been opened before, so that a former owner commits nothing more,
 * and what is read then is the last word. A commit is under way while the next batch is executed; one at a time.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine/contract.js';
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import { type Failpoint, failpoint } from './failpoint.js';
import { KeyedState, type Restored, type StateRecord } from './keyed-state.js';
import type { CommitFacts, Ledger, LedgerHost, Lines, Position } from './ledger.js';
import { EMPTY_SHELF, NumberedShelf } from './numbered-shelf.js';
import type { LogPlace } from './output.js';
import { DEAD_LETTER_TOPIC, FINDINGS_TOPIC, SAMPLES_TOPIC, SIGNALS_TOPIC, STATE_TOPIC } from './topics.js';

/** Transactions cost the brokers several requests each: lines wait this long for company, ms. */
const COMMIT_EVERY_MS = 150;
/** Records executed, and characters of lines, that make a commit due at once. */
const COMMIT_RECORDS = 20_000;
const COMMIT_UNITS = 2 * 1024 * 1024;
const BATCH = 2_000;
/** Between two tries of a commit that left nothing behind, ms. */
const RETRY_MS = 500;

export interface TransactionRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | Uint8Array | null;
}

/** One owner's transactions: each whole or not at all. */
export interface Transactions {
  /** Why it will never commit again; null: a commit that was rejected left nothing behind, and may be made again. */
  readonly failure: unknown;
  /** Rejects with 'kafka.fenced', with 'kafka.commit-unknown', or with what made it abort. */
  commit(records: readonly TransactionRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface KeyedLedgerParts {
  readonly partition: number;
  readonly events: LogPlace;
  readonly transactions: Transactions;
  /** Hands over every committed record of this partition's state, oldest first. */
  readonly readState: (take: (key: string, value: Uint8Array | null) => void) => Promise<void>;
  readonly genesis: { readonly settings: Settings; readonly model: string };
  /** For the shelf alone; emptied, since what is on it comes from the state. */
  readonly directory: string;
  /** A smaller shelf is not worth rewriting, bytes. Default 16 MiB. */
  readonly rewriteFromBytes?: number;
  /** Wall clock, ms: for pacing and for the epoch. */
  readonly now: () => number;
  /** A snapshot that this version cannot read: execution begins where the log begins, muted. */
  readonly onUnreadable?: (error: unknown) => void;
  readonly onCommit?: (commit: CommitFacts) => void;
  /** Between two tries of a commit that left nothing behind. Default 500. */
  readonly retryMs?: number;
  readonly pass?: Failpoint;
}

/** As the log has it under the key 'position'. */
interface Owned {
  /** Outputs of records before it are committed. */
  readonly offset: number;
  readonly epoch: number;
  readonly told: number;
}

export interface KeyedLedger extends Ledger {
  /** Larger than that of every earlier owner. */
  readonly epoch: number;
  /** Changes of the registry's log before it were told to the engine. */
  readonly told: number;
  /** They are now told up to here: kept with the next commit. */
  setTold(told: number): void;
  /** Bytes of state that were read. */
  readonly restoredBytes: number;
}

/** Reads what the owner before remembered, and declares a new epoch. */
export async function openKeyedLedger(parts: KeyedLedgerParts): Promise<KeyedLedger> {
  const read = new Map<string, Uint8Array>();
  let bytes = 0;
  await parts.readState((key, value) => {
    if (value === null) read.delete(key);
    else read.set(key, value);
    bytes += value?.length ?? 0;
  });
  const { rewriteFromBytes } = parts;
  const place = {
    directory: emptied(parts.directory),
    ...(rewriteFromBytes === undefined ? {} : { rewriteFromBytes }),
  };
  const shelf = new NumberedShelf(place, EMPTY_SHELF);
  try {
    const state = new KeyedState(shelf);
    const owned = ownedOf(read);
    await requireReached(parts.events, owned.offset);
    const restored = restore(state, read, parts);
    const start = restored ?? (await beginning(parts));
    // What was told before stands in records that are gone.
    const told = restored === null && start.position.offset > 0 ? 0 : owned.told;
    // Seconds, so that it grows even where the state was lost.
    const epoch = Math.max(owned.epoch + 1, Math.floor(parts.now() / 1_000));
    const ledger = new TransactionLedger(parts, state, shelf, start, { ...owned, told, epoch }, bytes);
    await ledger.declare();
    return ledger;
  } catch (error) {
    shelf.close();
    throw error;
  }
}

/** A folder of its own in it: an owner before may still be at work here, and must not write into the same files. */
function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return mkdtempSync(join(directory, 'owner-'));
}

function ownedOf(read: ReadonlyMap<string, Uint8Array>): Owned {
  const bytes = read.get('position');
  if (bytes === undefined) return { offset: 0, epoch: 0, told: 0 };
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Owned;
}

/** A log that ends before what was executed is another one: what comes next would be taken for what was. */
async function requireReached({ log, topic, partition }: LogPlace, offset: number): Promise<void> {
  const end = await log.end(topic, partition);
  if (end >= offset) return;
  const name = `${topic}/${partition}`;
  throw new KilldeerError('checkpoint.mismatch', `the state knows ${offset} records of ${name}, which has ${end}`);
}

type Start = Ledger['start'];

function restore(state: KeyedState, read: ReadonlyMap<string, Uint8Array>, parts: KeyedLedgerParts): Restored | null {
  try {
    return state.restore(read);
  } catch (error) {
    parts.onUnreadable?.(error);
    return null;
  }
}

/** Before the first record that is left. What an owner before committed stays muted. */
async function beginning({ events, genesis }: KeyedLedgerParts): Promise<Start> {
  const offset = await events.log.begin(events.topic, events.partition);
  return { position: { offset, nowMs: 0, deadLettered: 0, ...genesis }, engine: undefined };
}

class TransactionLedger implements KeyedLedger {
  readonly batchMax = BATCH;
  readonly ends = { findings: 0, samples: 0, signals: 0 };
  readonly committed: number;
  private readonly pass: Failpoint;
  private waiting: TransactionRecord[] = [];
  private units = 0;
  private position: Position;
  private committedOffset: number;
  private dueAtMs = Number.POSITIVE_INFINITY;
  /** The commit under way; it never rejects, its fault is told to the next call. */
  private committing: Promise<void> | null = null;
  private fault: unknown = null;
  private staged: readonly StateRecord[] | null = null;
  private staging: Promise<void> | null = null;
  private snapshotOffset: number;
  private toldNow: number;

  constructor(
    private readonly parts: KeyedLedgerParts,
    private readonly state: KeyedState,
    readonly shelf: NumberedShelf,
    public start: Start,
    private readonly owned: Owned,
    readonly restoredBytes: number,
  ) {
    this.pass = parts.pass ?? failpoint;
    this.committed = owned.offset;
    this.committedOffset = owned.offset;
    this.position = start.position;
    this.snapshotOffset = start.engine === undefined ? -1 : start.position.offset;
    this.toldNow = owned.told;
  }

  get epoch(): number {
    return this.owned.epoch;
  }

  get told(): number {
    return this.toldNow;
  }

  setTold(told: number): void {
    this.toldNow = told;
  }

  /** The new epoch is on the log before anything is done under it. */
  async declare(): Promise<void> {
    await this.parts.transactions.commit([this.positionRecord(this.owned.offset)]);
  }

  async write(lines: Lines, position: Position, host: LedgerHost): Promise<void> {
    this.throwFault();
    this.add(FINDINGS_TOPIC, lines.findings);
    this.add(DEAD_LETTER_TOPIC, lines.deadLetter);
    this.add(SAMPLES_TOPIC, lines.samples);
    this.add(SIGNALS_TOPIC, lines.signals);
    this.position = position;
    this.dueAtMs = Math.min(this.dueAtMs, this.parts.now() + COMMIT_EVERY_MS);
    const isFull = position.offset - this.committedOffset >= COMMIT_RECORDS || this.units >= COMMIT_UNITS;
    if (isFull) await this.begin(host);
  }

  async turn(host: LedgerHost): Promise<number> {
    this.throwFault();
    // An engine has been made of it; it is as large as the engine.
    this.start = { position: this.start.position, engine: undefined };
    const inMs = this.dueInMs();
    if (inMs > 0) return inMs;
    // The one before is still under way: it is asked again soon, and meanwhile batches are executed.
    if (this.committing !== null) return 10;
    await this.begin(host);
    return COMMIT_EVERY_MS;
  }

  async checkpoint(position: Position, engine: Engine, host: LedgerHost): Promise<number | null> {
    this.throwFault();
    if (position.offset === this.snapshotOffset || position.offset < this.committed) return null;
    if (this.staging !== null || this.staged !== null) {
      if (!host.isStopping) return null;
      await this.settle(host);
      if (position.offset === this.snapshotOffset) return position.offset;
    }
    this.state.rewriteShelf(engine, this.pass);
    this.snapshotOffset = position.offset;
    this.position = position;
    this.staging = this.state.changes(position, engine).then(
      (records) => {
        this.staged = records;
        this.staging = null;
        this.dueAtMs = Math.min(this.dueAtMs, this.parts.now());
      },
      (error) => {
        this.fault ??= error;
        this.staging = null;
      },
    );
    return position.offset;
  }

  async settle(host: LedgerHost): Promise<void> {
    await this.staging;
    this.throwFault();
    if (this.waiting.length > 0 || this.staged !== null || this.position.offset > this.committedOffset) {
      await this.begin(host);
    }
    await this.committing;
    this.throwFault();
  }

  async close(): Promise<void> {
    await this.committing;
    this.shelf.close();
    await this.parts.transactions.close();
  }

  /** Starts the next commit as soon as the one before has ended. */
  private async begin(host: LedgerHost): Promise<void> {
    await this.committing;
    this.throwFault();
    const { position, staged } = this;
    const records = this.waiting;
    const executed = Math.max(0, position.offset - this.committedOffset);
    this.waiting = [];
    this.units = 0;
    this.staged = null;
    this.dueAtMs = Number.POSITIVE_INFINITY;
    const snapshotBytes = this.addState(records, staged);
    // What is muted again was further on than this.
    const offset = Math.max(position.offset, this.committed);
    records.push(this.positionRecord(offset));
    this.committedOffset = offset;
    this.committing = this.commit(records, host, { ms: 0, records: executed, snapshotBytes }).finally(() => {
      this.committing = null;
    });
  }

  private async commit(records: readonly TransactionRecord[], host: LedgerHost, facts: CommitFacts): Promise<void> {
    try {
      await host.acknowledged();
      const startedMs = this.parts.now();
      this.pass('findings-write');
      await this.commitPatiently(records, host);
      this.pass('findings-written');
      this.parts.onCommit?.({ ...facts, ms: this.parts.now() - startedMs });
    } catch (error) {
      this.fault ??= error;
    }
  }

  /** Brokers out of reach are waited for: the engine is as good as it was, and what comes meanwhile waits behind this. */
  private async commitPatiently(records: readonly TransactionRecord[], host: LedgerHost): Promise<void> {
    const { transactions } = this.parts;
    for (;;) {
      try {
        return await transactions.commit(records);
      } catch (error) {
        const passes = error instanceof KilldeerError && error.retry && transactions.failure === null;
        if (!passes || host.isStopping) throw error;
        await sleep(this.parts.retryMs ?? RETRY_MS);
      }
    }
  }

  private add(topic: string, lines: readonly string[]): void {
    const { partition } = this.parts;
    for (const value of lines) {
      this.waiting.push({ topic, partition, key: null, value });
      this.units += value.length;
    }
  }

  /** Bytes of the snapshot that were added. */
  private addState(records: TransactionRecord[], staged: readonly StateRecord[] | null): number {
    const { partition } = this.parts;
    let bytes = 0;
    for (const { key, value } of staged ?? []) {
      records.push({ topic: STATE_TOPIC, partition, key, value });
      bytes += value?.length ?? 0;
    }
    return bytes;
  }

  private positionRecord(offset: number): TransactionRecord {
    const owned: Owned = { offset, epoch: this.owned.epoch, told: this.toldNow };
    return { topic: STATE_TOPIC, partition: this.parts.partition, key: 'position', value: JSON.stringify(owned) };
  }

  /** Never later than it was meant to be, also where the clock was set back. */
  private dueInMs(): number {
    const inMs = this.dueAtMs - this.parts.now();
    if (inMs <= COMMIT_EVERY_MS || this.dueAtMs === Number.POSITIVE_INFINITY) return inMs;
    this.dueAtMs = this.parts.now() + COMMIT_EVERY_MS;
    return COMMIT_EVERY_MS;
  }

  private throwFault(): void {
    if (this.fault !== null) throw this.fault;
  }
}
