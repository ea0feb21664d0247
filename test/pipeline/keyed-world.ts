/**
 * A partition on a log with transactions, in this process and in memory: what survives an owner when it dies, brokers
 * that fence, fail and forget as real ones do, and traffic that uses all of it.
 */
import { join } from 'node:path';
import { parseConfig, settingsOf } from '../../src/config.js';
import type { Proposal } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { Sighting } from '../../src/engine/outcome.js';
import { KilldeerError } from '../../src/errors.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createRandom, type Random } from '../../src/math/random.js';
import {
  type KeyedLedger,
  type KeyedLedgerParts,
  openKeyedLedger,
  type TransactionRecord,
  type Transactions,
} from '../../src/pipeline/keyed-ledger.js';
import { createPartition } from '../../src/pipeline/partition.js';
import type { Partition, PartitionParts, Progress } from '../../src/pipeline/partition-parts.js';
import { encodeRecord } from '../../src/pipeline/record-line.js';
import { DEAD_LETTER_TOPIC, FINDINGS_TOPIC, SAMPLES_TOPIC, STATE_TOPIC } from '../../src/pipeline/topics.js';
import { freshDirectory, HOUR_MS, PRICES, policyOf, recordsOf, simulatedLines } from './live-world.js';

/** A table of two for five agents: the shelf is always at work. */
export const NARROW = narrow(0.5);
const OTHER = 'other';
const NEUTRAL = neutralModel();
const STRICTER: CohortModel = {
  ...NEUTRAL,
  version: OTHER,
  days: NEUTRAL.days.map((law) => ({ ...law, mean: law.mean * 1.05 })),
};

function narrow(notices: number) {
  const detection = { pages_per_agent_day: 0.3, notices_per_agent_day: notices, agents_max: 2 };
  return settingsOf(parseConfig({ detection }, 'test'), policyOf('observe'));
}

export function models(version: string): CohortModel {
  return version === OTHER ? STRICTER : NEUTRAL;
}

/** Traffic of more agents than the table holds, with junk, duplicates, a reset, new settings and models among it. */
export function variedRecords(agents: number, days: number): string[] {
  const plain = recordsOf(simulatedLines(agents, days));
  const events = plain.filter((record) => record.startsWith('{"type":"event"'));
  const agent = (JSON.parse(events[0]) as { event: { agent: string } }).event.agent;
  const reset = encodeRecord({ type: 'reset', timeMs: 0, tenant: '', agent, actor: 'person:ada' });
  const controls = new Map([
    [0.2, encodeRecord({ type: 'model', timeMs: 0, version: OTHER })],
    [0.4, encodeRecord({ type: 'config', timeMs: 0, settings: narrow(0.4) })],
    [0.5, reset],
    [0.7, encodeRecord({ type: 'model', timeMs: 0, version: 'neutral' })],
  ]);
  const at = new Map(Array.from(controls, ([share, line]) => [Math.floor(share * plain.length), line] as const));
  return plain.flatMap((record, i) => {
    const control = at.get(i);
    if (control !== undefined) return [control, record];
    if (i % 700 === 5) return ['no json', record];
    return i % 500 === 7 ? [record, record] : [record];
  });
}

/**
 * What becomes of one transaction: `lost` and `unknown` tell the same error, of one that is visible and one that is not;
 * after `away` the same one may be tried again, after `refused` only by another owner.
 */
export type Fate = 'done' | 'away' | 'refused' | 'lost' | 'unknown';

interface Kept {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What the registry was told and has not acknowledged. */
interface Told {
  readonly offset: number;
}

/** The brokers: one owner at a time, committed records for ever. */
export class Brokers {
  readonly findings: string[] = [];
  readonly deadLetter: string[] = [];
  readonly samples: string[] = [];
  readonly state: Kept[] = [];
  /** Records of each transaction that is visible, by transaction. */
  readonly commits: (readonly TransactionRecord[])[] = [];
  /** Decides about the next one. */
  fate: () => Fate = () => 'done';
  /** Resolves when a transaction may end: hangs where a test wants it to. */
  gate: () => Promise<void> = async () => undefined;
  onVisible: (records: readonly TransactionRecord[]) => void = () => undefined;
  private owner = 0;

  /** Fences whoever was there before. */
  open(): Transactions {
    this.owner += 1;
    const own = this.owner;
    let isClosed = false;
    let failure: unknown = null;
    const fail = (error: KilldeerError): never => {
      failure = error;
      throw error;
    };
    return {
      get failure() {
        return failure;
      },
      commit: async (records) => {
        await this.gate();
        if (isClosed) throw new KilldeerError('log.closed', 'the writer is closed');
        if (own !== this.owner) fail(new KilldeerError('kafka.fenced', `owner ${own} is fenced by ${this.owner}`));
        const fate = this.fate();
        if (fate === 'away') throw new KilldeerError('kafka.unreachable', 'no broker answered');
        if (fate === 'refused') fail(new KilldeerError('kafka.unreachable', 'no broker answered'));
        if (fate !== 'lost') this.show(records);
        if (fate !== 'done') fail(new KilldeerError('kafka.commit-unknown', 'the answer was lost'));
      },
      close: async () => {
        isClosed = true;
      },
    };
  }

  /** Every record, or the last of each key as a compacted topic has them. */
  read(isCompacted: boolean, take: (key: string, value: Uint8Array | null) => void): void {
    const last = new Map(this.state.map(({ key }, at) => [key, at]));
    for (const [at, { key, value }] of this.state.entries()) {
      if (!isCompacted || last.get(key) === at) take(key, value);
    }
  }

  /** What a reader of the state holds now. */
  get remembered(): Map<string, Uint8Array> {
    const held = new Map<string, Uint8Array>();
    this.read(false, (key, value) => (value === null ? held.delete(key) : held.set(key, value)));
    return held;
  }

  /** As the log says it. */
  get position(): { offset: number; epoch: number; told: number } {
    return JSON.parse(Buffer.from(this.remembered.get('position') ?? []).toString());
  }

  private show(records: readonly TransactionRecord[]): void {
    this.onVisible(records);
    this.commits.push(records);
    const outputs = new Map([
      [FINDINGS_TOPIC, this.findings],
      [DEAD_LETTER_TOPIC, this.deadLetter],
      [SAMPLES_TOPIC, this.samples],
    ]);
    for (const { topic, key, value } of records) {
      if (topic === STATE_TOPIC) this.state.push({ key: key ?? '', value: value === null ? null : bytesOf(value) });
      else outputs.get(topic)?.push(String(value));
    }
  }
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value.slice();
}

export type KeyedOptions = Partial<KeyedLedgerParts & PartitionParts>;

export interface Opened {
  readonly ledger: KeyedLedger;
  readonly partition: Partition;
}

export class KeyedWorld {
  readonly brokers = new Brokers();
  readonly proposals: Proposal[] = [];
  readonly sightings: Sighting[] = [];
  /** Commits that covered what the registry had not acknowledged. */
  readonly early: string[] = [];
  readonly unreadable: unknown[] = [];
  readonly random: Random;
  private readonly pending = new Set<Told>();
  private nowMs = 1_000_000;
  private clockMs = 0;

  constructor(
    readonly log: Log,
    seed = 'keyed',
  ) {
    this.random = createRandom(seed);
    this.brokers.onVisible = (records) => this.check(records);
  }

  static async of(records: readonly string[], seed?: string): Promise<KeyedWorld> {
    const log = createMemoryLog({ topics: { events: 1 } });
    await log.append('events', 0, records);
    return new KeyedWorld(log, seed);
  }

  async open(more: KeyedOptions = {}): Promise<Opened> {
    const isCompacted = this.random.below(2) === 0;
    const common = {
      events: { log: unevenly(this.log, this.random), topic: 'events', partition: 0 },
      pass: () => undefined,
    };
    const ledger = await openKeyedLedger({
      ...common,
      partition: 0,
      transactions: this.brokers.open(),
      readState: async (take) => this.brokers.read(isCompacted, take),
      genesis: { settings: NARROW, model: 'neutral' },
      directory: join(freshDirectory(), 'shelf'),
      rewriteFromBytes: 1,
      // Each look at a clock is a step of it: a commit is due after a few batches, a checkpoint after every other.
      now: () => {
        this.nowMs += 40;
        return this.nowMs;
      },
      retryMs: 1,
      onUnreadable: (error) => this.unreadable.push(error),
      ...more,
    });
    const partition = createPartition({
      ...common,
      place: { partition: 0, epoch: ledger.epoch },
      ledger,
      samplesEveryMs: 36 * HOUR_MS,
      models,
      prices: PRICES,
      checkpointEveryMs: 1,
      clock: () => {
        this.clockMs += 0.3;
        return this.clockMs;
      },
      emit: this.emit(() => undefined),
      ...more,
    });
    return { ledger, partition };
  }

  /** The registry hears in the order in which it is told, and answers in its own time. */
  emit(progress: (progress: Progress) => void): PartitionParts['emit'] {
    return {
      registry: async (proposals, sightings) => {
        const told = proposals.map(({ offset }) => ({ offset }));
        for (const one of told) this.pending.add(one);
        this.proposals.push(...proposals);
        this.sightings.push(...sightings);
        for (let left = this.random.below(4); left > 0; left--) await new Promise(setImmediate);
        for (const one of told) this.pending.delete(one);
      },
      progress,
      checkpointed: () => undefined,
    };
  }

  /** Runs until everything is executed, and stops in order. */
  async finish(more: KeyedOptions = {}): Promise<Opened> {
    return this.runTo(await this.log.end('events', 0), more);
  }

  /** Runs until the records before `offset` are executed, and stops in order. */
  async runTo(offset: number, more: KeyedOptions = {}): Promise<Opened> {
    // What an owner that died had told is nobody's any more.
    this.pending.clear();
    let partition: Partition | null = null;
    const opened = await this.open({
      emit: this.emit((progress) => {
        if (progress.offset >= offset) partition?.stop();
      }),
      ...more,
    });
    partition = opened.partition;
    if (partition.progress.offset >= offset) partition.stop();
    await partition.run();
    return opened;
  }

  private check(records: readonly TransactionRecord[]): void {
    const record = records.find(({ key }) => key === 'position');
    const { offset } = JSON.parse(String(record?.value)) as { offset: number };
    for (const told of this.pending) {
      if (told.offset < offset) this.early.push(`${told.offset} is not acknowledged, ${offset} is committed`);
    }
  }
}

/** Batches of any size, now and then after a while, as a network gives them. */
function unevenly(log: Log, random: Random): Log {
  return {
    ...log,
    read: async (topic, partition, offset, max) => {
      if (random.below(2) === 0) await new Promise(setImmediate);
      return log.read(topic, partition, offset, Math.min(max, 1 + random.below(900)));
    },
  };
}

/** A log whose offsets have gaps, as transactions leave them: record i stands at 3 i + 1. */
export function gapped(log: Log): Log {
  return {
    ...log,
    end: async (topic, partition) => 3 * (await log.end(topic, partition)),
    read: async (topic, partition, offset, max) => {
      const { records, next } = await log.read(topic, partition, Math.floor((offset + 1) / 3), max);
      return {
        records: records.map(({ offset: at, value }) => ({ offset: 3 * at + 1, value })),
        next: records.length === 0 ? 3 * next : 3 * next - 1,
      };
    },
    wait: (topic, partition, offset, timeoutMs) => log.wait(topic, partition, Math.floor((offset + 1) / 3), timeoutMs),
  };
}
