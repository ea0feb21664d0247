/**
 * Topics by key, of each of which the last record counts (compacted): reading one partition whole, and a small store
 * on a topic of one partition. Whether the brokers have compacted already, or never will, makes no difference to what
 * is read in the end. Only committed records are read.
 */
import { KilldeerError } from '../errors.js';
import { compressionOf, type KafkaOptions, kafkaError } from './kafka-connection.js';
import { type KafkaFetch, openKafkaFetch } from './kafka-fetch.js';
import { KafkaLine } from './kafka-line.js';
import { packRecords } from './kafka-packing.js';

export interface KeyedPartition {
  readonly kafka: KafkaOptions;
  /** Without the installation's prefix. */
  readonly topic: string;
  readonly partition: number;
  /**
   * How long a transaction that is still open may hold back the end. Default 90 s: the brokers abort one that nobody
   * ends after 60 s.
   */
  readonly patienceMs?: number;
}

/** `value` null: the key is forgotten. The bytes belong to the caller. Awaited where it is a promise. */
export type TakeKeyed = (key: string, value: Buffer | null, offset: number) => void | Promise<void>;

const PATIENCE_MS = 90_000;
const FETCH_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 500;
const PUT_MS_MAX = 30_000;

/**
 * Reads a partition from its begin to its end as it was when this began, in order, a few megabytes at a time. Records
 * without a key are passed over. `onProgress`: offsets behind it and in all. Resolves with the end: the offset to
 * follow from. Rejects as the brokers refuse, with 'kafka.unreachable' where they are away or a transaction stays open.
 */
export async function readKeyed(
  from: KeyedPartition,
  take: TakeKeyed,
  onProgress?: (done: number, total: number) => void,
): Promise<{ readonly end: number }> {
  const all = openKafkaFetch(from.kafka, { readCommitted: false });
  const committed = openKafkaFetch(from.kafka, { readCommitted: true });
  try {
    const { begin, end } = await all.range(from.kafka.prefix + from.topic, from.partition);
    const progress = (at: number) => onProgress?.(Math.min(at, end) - begin, end - begin);
    await readRange(committed, from, { begin, end }, take, progress);
    return { end };
  } finally {
    all.close();
    committed.close();
  }
}

interface Range {
  readonly begin: number;
  readonly end: number;
}

async function readRange(
  fetch: KafkaFetch,
  from: KeyedPartition,
  { begin, end }: Range,
  take: TakeKeyed,
  progress: (at: number) => void,
): Promise<void> {
  const topic = from.kafka.prefix + from.topic;
  const at = (offset: number, waitMs: number) =>
    fetch.fetch(topic, from.partition, offset, { maxBytes: FETCH_BYTES, waitMs });
  let lastMovedMs = performance.now();
  let next = begin;
  let ahead = next < end ? at(next, 0) : null;
  while (ahead !== null) {
    const fetched = await ahead;
    const stuck = fetched.next === next;
    if (stuck && performance.now() - lastMovedMs > (from.patienceMs ?? PATIENCE_MS)) {
      throw new KilldeerError('kafka.unreachable', `${topic}/${from.partition}: a transaction stays open at ${next}`);
    }
    if (!stuck) lastMovedMs = performance.now();
    next = fetched.next;
    // The next fetch is under way while these are taken.
    ahead = next < end ? at(next, stuck ? WAIT_MS : 0) : null;
    ahead?.catch(() => {});
    for (const { key, value, offset } of fetched.records) {
      if (key === null || offset >= end) continue;
      // A copy: what was fetched is one large piece, and would live as long as its smallest value.
      const taken = take(key.toString(), value === null ? null : Buffer.from(value), offset);
      if (taken !== undefined) await taken;
    }
    progress(next);
  }
}

export type KeyedChange = (key: string, value: Buffer | null) => void;

/** The last value of every key of a topic, in memory. */
export interface KeyedStore {
  /** As last read; null where there is none. The bytes must not be changed. */
  get(key: string): Buffer | null;
  /** Of the values there are, in no order. */
  keys(): string[];
  /** Resolves once it is durable and `get` gives it. null forgets the key. One that fails may have been written. */
  put(key: string, value: string | Uint8Array | null): Promise<void>;
  /** Reads what was put since, by whomever. */
  refresh(): Promise<void>;
  /** Told of every change read from now on, in order, until the function returned is called; reads by itself. */
  follow(onChange: KeyedChange): () => void;
  close(): Promise<void>;
}

/**
 * Opens the store of a topic of one partition and reads it. For what is small and seldom changes; where two put the
 * same key, the later in the topic counts. Rejects as `readKeyed` does.
 */
export async function createKeyedStore(from: Omit<KeyedPartition, 'partition'>): Promise<KeyedStore> {
  const store = new Store({ ...from, partition: 0 });
  try {
    await store.open();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class Store implements KeyedStore {
  private readonly from: KeyedPartition;
  private readonly topic: string;
  private readonly all: KafkaFetch;
  private readonly committed: KafkaFetch;
  private readonly line: KafkaLine;
  private readonly values = new Map<string, Buffer>();
  private readonly followers = new Set<KeyedChange>();
  private next = 0;
  /** One reading at a time: changes are told in the order of the topic. */
  private reading: Promise<void> = Promise.resolve();
  private putting: Promise<unknown> = Promise.resolve();
  private following: Promise<void> | null = null;
  private closed = false;

  constructor(from: KeyedPartition) {
    this.from = from;
    this.topic = from.kafka.prefix + from.topic;
    this.all = openKafkaFetch(from.kafka, { readCommitted: false });
    this.committed = openKafkaFetch(from.kafka, { readCommitted: true });
    this.line = new KafkaLine(from.kafka, [this.topic]);
  }

  async open(): Promise<void> {
    this.next = (await readKeyed(this.from, (key, value) => this.take(key, value))).end;
  }

  get(key: string): Buffer | null {
    return this.values.get(key) ?? null;
  }

  keys(): string[] {
    return [...this.values.keys()];
  }

  put(key: string, value: string | Uint8Array | null): Promise<void> {
    const put = this.putting.then(() => this.write(key, value));
    this.putting = put.catch(() => {});
    return put;
  }

  refresh(): Promise<void> {
    const reading = this.reading.then(() => this.catchUp());
    this.reading = reading.catch(() => {});
    return reading;
  }

  follow(onChange: KeyedChange): () => void {
    this.followers.add(onChange);
    this.following ??= this.wait();
    return () => this.followers.delete(onChange);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.followers.clear();
    for (const each of [this.all, this.committed, this.line]) each.close();
    await Promise.all([this.reading, this.putting, this.following]);
  }

  private take(key: string, value: Buffer | null): void {
    if (value === null) this.values.delete(key);
    else this.values.set(key, value);
    for (const tell of this.followers) tell(key, value);
  }

  private async write(key: string, value: string | Uint8Array | null): Promise<void> {
    const { kafka, topic, partition } = this.from;
    const [[batch]] = packRecords([{ topic, partition, key, value }], kafka.prefix);
    const compression = compressionOf(kafka.compression);
    const topicData = [{ topic: batch.topic, partitions: [{ ...batch, firstSequence: 0 }] }];
    try {
      // Sent again where an answer was lost: the same value twice is the same value.
      await this.line.ask(PUT_MS_MAX, async () => {
        const leader = await this.line.leader(batch);
        await leader.produce({ timeout: PUT_MS_MAX, compression, topicData });
      });
    } catch (error) {
      throw kafkaError(error, `putting ${key} into ${this.topic}`);
    }
    await this.refresh();
  }

  /** To the end as it is now: of a transaction that was committed a moment ago the brokers may still write the end. */
  private async catchUp(): Promise<void> {
    const { end } = await this.all.range(this.topic, this.from.partition);
    if (this.next >= end) return;
    const range = { begin: this.next, end };
    await readRange(
      this.committed,
      this.from,
      range,
      (key, value) => this.take(key, value),
      () => {},
    );
    this.next = end;
  }

  /** While somebody follows; a failure is tried again, for ever. */
  private async wait(): Promise<void> {
    const { kafka, partition } = this.from;
    while (!this.closed && this.followers.size > 0) {
      try {
        const fetched = await this.committed.fetch(this.topic, partition, this.next, { maxBytes: 1, waitMs: WAIT_MS });
        if (fetched.next > this.next) await this.refresh();
      } catch (error) {
        if (this.closed) break;
        kafka.report('warn', kafkaError(error, `following ${this.topic}`).message, error);
        await this.line.pause(WAIT_MS).catch(() => {});
      }
    }
    this.following = null;
  }
}
