/**
 * Topics by key, of each of which the last record counts (compacted): reading one partition whole. Whether the brokers
 * have compacted already, or never will, makes no difference to what is read in the end. Only committed records are read.
 */
import { KilldeerError } from '../errors.js';
import type { KafkaOptions } from './kafka-connection.js';
import { type KafkaFetch, openKafkaFetch } from './kafka-fetch.js';

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
