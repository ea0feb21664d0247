/**
 * The registry at work: the fold of `log:registry` kept up to date, and the one way to write to it. A record is
 * durable before it is folded, and folded before its verdict is told; a stop is therefore in force for every later
 * `decide` of this process once `write` resolves, and survives a crash at any moment.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../decide/policy.js';
import { KilldeerError } from '../errors.js';
import type { Log, LogBatch } from '../log/log.js';
import { createFold } from './fold.js';
import type { FoldOptions } from './fold-state.js';
import type { RegistryFold, RegistryRecord, Verdict } from './registry.js';

export const REGISTRY_TOPIC = 'registry';

/** A record before the journal gives it its time; a time that the writer put in is overwritten. */
export type RegistryDraft = RegistryRecord extends infer R ? (R extends unknown ? Omit<R, 'timeMs'> : never) : never;

export interface RegistryChange {
  /** Of the record in the log. */
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

export interface RegistryOptions {
  readonly log: Log;
  /** Wall clock, ms; the recording's in a replay. */
  readonly clock: () => number;
  /** The policy file in force; written as a record where the log's last one differs. null: the log's own stays. */
  readonly policy: Policy | null;
  /** Called for every record in order, once durable and folded; those read while opening included. Must not throw. */
  readonly onChange?: (change: RegistryChange) => void;
  /** Told once when following the log failed for good; the fold then stays as it is and `write` rejects. */
  readonly onFault?: (error: unknown) => void;
  readonly fold?: FoldOptions;
  /** Between two looks at what ends, ms; 0: none, the caller calls `tick`. Default 1000. */
  readonly tickEveryMs?: number;
}

/** What readers may use: everything of the fold but feeding it. */
export type RegistryView = Omit<RegistryFold, 'apply' | 'drainAttempts' | 'drainNotes'>;

export interface Registry {
  readonly view: RegistryView;
  /**
   * Appends, folds, and answers what the fold made of it. Rejects where the record did not become durable: then
   * nothing was announced, and the same key may be written again.
   */
  write(draft: RegistryDraft): Promise<Verdict>;
  /** Writes a policy record where it differs from the one in force; null: it does not. */
  adopt(policy: Policy): Promise<Verdict | null>;
  /** Writes a time record if something is due to end, and attempt records; called every second by itself. */
  tick(): Promise<void>;
  /** Next record to be folded. */
  offset(): number;
  /** Records as they stand in the log, from `offset` on. */
  records(offset: number, max: number): Promise<LogBatch>;
  /** Stops following; the log stays open, it belongs to the caller. */
  close(): Promise<void>;
}

const READ_MAX = 1_000;
const FOLLOW_WAIT_MS = 1_000;
const TICK_EVERY_MS = 1_000;
const SYSTEM = { actor: 'system', authority: 'system', parent: null } as const;

/** Opens the registry: folds the log from its begin to its end, then follows it. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const journal = new Journal(options);
  await journal.open();
  return journal;
}

class Journal implements Registry {
  private readonly log: Log;
  private readonly clock: () => number;
  private readonly fold: RegistryFold;
  private readonly options: RegistryOptions;
  private next = 0;
  /** One reading at a time: records are folded in the order of the log, whoever asks. */
  private reading: Promise<void> = Promise.resolve();
  /** Verdicts by offset, ascending, kept only while a writer may still ask for them. */
  private readonly verdicts = new Map<number, Verdict>();
  /** For each writer at work the first offset that its record can have. */
  private readonly floors = new Set<{ readonly offset: number }>();
  private closed = false;
  private fault: unknown = null;
  private timer: NodeJS.Timeout | null = null;
  private ticking = false;

  constructor(options: RegistryOptions) {
    this.options = options;
    this.log = options.log;
    this.clock = options.clock;
    // Nobody waits for a tick to be asked; where there are no ticks of its own, the caller's bring it.
    const onAsked = () => void (this.timer === null ? null : this.tick().catch(() => undefined));
    this.fold = createFold({ ...options.fold, onAsked });
  }

  get view(): RegistryView {
    return this.fold;
  }

  async open(): Promise<void> {
    this.next = await this.log.begin(REGISTRY_TOPIC, 0);
    await this.catchUp();
    if (this.options.policy !== null) await this.adopt(this.options.policy);
    void this.follow();
    const everyMs = this.options.tickEveryMs ?? TICK_EVERY_MS;
    if (everyMs > 0) {
      // A failed tick loses nothing: what was due stays due, and a log that is gone tells its writers.
      this.timer = setInterval(() => this.tick().catch(() => undefined), everyMs);
      this.timer.unref();
    }
  }

  async write(draft: RegistryDraft): Promise<Verdict> {
    if (this.closed) throw new KilldeerError('log.closed', 'the registry is closed');
    if (this.fault !== null) throw this.fault;
    // The registry's clock, never the sender's; it does not go back where the machine's does.
    const record = { ...draft, timeMs: Math.max(this.clock(), this.fold.clockMs()) } as RegistryRecord;
    const floor = { offset: this.next };
    this.floors.add(floor);
    try {
      const offset = await this.log.append(REGISTRY_TOPIC, 0, [JSON.stringify(record)]);
      if (!this.verdicts.has(offset)) await this.catchUp();
      const verdict = this.verdicts.get(offset);
      if (verdict === undefined)
        throw new KilldeerError('log.corrupt', `registry record ${offset} cannot be read back`);
      return verdict;
    } finally {
      this.floors.delete(floor);
      this.forget();
    }
  }

  async adopt(policy: Policy): Promise<Verdict | null> {
    const plain = JSON.parse(JSON.stringify(policy)) as Policy;
    if (isDeepStrictEqual(plain, this.fold.policy())) return null;
    return this.write({ type: 'policy', policy: plain, ...SYSTEM, authority: policy.name });
  }

  async tick(): Promise<void> {
    if (this.ticking || this.closed || this.fault !== null) return;
    this.ticking = true;
    try {
      const nowMs = this.clock();
      const next = this.fold.nextExpiryMs();
      if (next !== null && nowMs >= next) await this.write({ type: 'time', ...SYSTEM });
      for (const attempts of this.fold.drainAttempts(nowMs))
        await this.write({ type: 'attempt', ...SYSTEM, ...attempts });
      // Together, in their order: they share the log's next commit.
      await Promise.all(this.fold.drainNotes(nowMs).map((note) => this.write({ ...SYSTEM, ...note })));
    } finally {
      this.ticking = false;
    }
  }

  offset(): number {
    return this.next;
  }

  records(offset: number, max: number): Promise<LogBatch> {
    return this.log.read(REGISTRY_TOPIC, 0, offset, max);
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.reading;
  }

  private catchUp(): Promise<void> {
    const reading = this.reading.then(() => this.readToEnd());
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async readToEnd(): Promise<void> {
    for (;;) {
      const batch = await this.log.read(REGISTRY_TOPIC, 0, this.next, READ_MAX);
      if (batch.records.length === 0) return;
      for (const { offset, value } of batch.records) {
        const record = decodeRecord(offset, value);
        const verdict = this.fold.apply(record);
        this.next = offset + 1;
        if (this.floors.size > 0) this.verdicts.set(offset, verdict);
        this.options.onChange?.({ offset, record, verdict });
      }
    }
  }

  /** Drops the verdicts that no writer can ask for. */
  private forget(): void {
    let least = Number.POSITIVE_INFINITY;
    for (const { offset } of this.floors) least = Math.min(least, offset);
    for (const offset of this.verdicts.keys()) {
      if (offset >= least) return;
      this.verdicts.delete(offset);
    }
  }

  /** Folds what others append, until closed. */
  private async follow(): Promise<void> {
    while (!this.closed) {
      try {
        await this.log.wait(REGISTRY_TOPIC, 0, this.next, FOLLOW_WAIT_MS);
        // Read even after a wait in vain: a log that was closed says so only to a reader.
        if (!this.closed) await this.catchUp();
      } catch (error) {
        if (this.closed) return;
        this.fault = error;
        this.options.onFault?.(error);
        return;
      }
    }
  }
}

/** A line that is no record stops the reader: passing over it could be passing over a stop. */
function decodeRecord(offset: number, value: string): RegistryRecord {
  let record: unknown;
  try {
    record = JSON.parse(value);
  } catch (error) {
    throw new KilldeerError('log.corrupt', `registry record ${offset} is not JSON`, error);
  }
  const given = record as { type?: unknown; timeMs?: unknown } | null;
  if (typeof given?.type !== 'string' || !Number.isFinite(given.timeMs)) {
    throw new KilldeerError('log.corrupt', `registry record ${offset} has no type or time`);
  }
  return record as RegistryRecord;
}
