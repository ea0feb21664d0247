/**
 * The log on Kafka: what FileLog is on one disk, for many processes. Topics are there already, made by
 * `killdeer check --create-topics`; this never makes, resizes or deletes one.
 *
 * Beyond the contract: an append longer than a request takes several, so of an append that failed the first records may
 * be there, and a failed append may be there whole; repeat it and it stands twice. A record without a value (a
 * tombstone; no topic of lines has one) reads as an empty line. What is read in one request is kept until it is read
 * on, so a record may still be read shortly after retention removed it.
 */
import { KilldeerError } from '../errors.js';
import { createKafkaAppend, type KafkaAppend } from './kafka-append.js';
import type { KafkaOptions } from './kafka-connection.js';
import { type KafkaFetch, openKafkaFetch } from './kafka-fetch.js';
import { FollowedTail } from './kafka-tail.js';
import { batchBytesMax } from './kafka-topics.js';
import { ReadWindows } from './kafka-window.js';
import { checkLines } from './lines.js';
import type { Log } from './log.js';
import { outOfRange } from './partition-state.js';

export interface KafkaLogOptions {
  readonly kafka: KafkaOptions;
  /** Topics, without the prefix, and how many partitions each must have. */
  readonly topics: Readonly<Record<string, number>>;
  /** Leave out what transactions have not committed. Default true. */
  readonly readCommitted?: boolean;
}

interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
  /** The longest record, bytes. */
  readonly bytesMax: number;
  readonly windows: ReadWindows;
  readonly tail: FollowedTail;
}

/** Of a batch with a single record, beside the record. */
const OVERHEAD_BYTES = 61 + 24;

/**
 * Connects and checks the topics. Rejects with 'kafka.missing-topic', 'kafka.wrong-topic' (naming both numbers of
 * partitions), 'kafka.codec', 'kafka.refused' or 'kafka.unreachable'. Once open it outlives its brokers' absence: calls
 * reject with 'kafka.unreachable' meanwhile and succeed after it.
 */
export async function openKafkaLog({ kafka, topics, readCommitted = true }: KafkaLogOptions): Promise<Log> {
  const names = Object.keys(topics);
  const wholeNames = names.map((name) => kafka.prefix + name);
  const fetch = openKafkaFetch(kafka, { readCommitted, topics: wholeNames });
  try {
    const appends = createKafkaAppend(kafka, wholeNames);
    const limits = await batchBytesMax(kafka, topics);
    const partitions = new Map<string, KafkaPartition[]>();
    for (const [name, count] of Object.entries(topics)) {
      const bytesMax = (limits.get(name) ?? Number.POSITIVE_INFINITY) - OVERHEAD_BYTES;
      const topic = kafka.prefix + name;
      const open = (_: unknown, partition: number) => openPartition(kafka, fetch, topic, partition, bytesMax);
      partitions.set(name, Array.from({ length: count }, open));
    }
    return createKafkaLog(partitions, fetch, appends);
  } catch (error) {
    fetch.close();
    throw error;
  }
}

function openPartition(
  { report }: KafkaOptions,
  fetch: KafkaFetch,
  topic: string,
  partition: number,
  bytesMax: number,
): KafkaPartition {
  const windows = new ReadWindows(fetch, topic, partition);
  const tail = new FollowedTail(fetch, topic, partition, {
    keep: (from, fetched) => windows.keep(from, fetched),
    report,
  });
  return { topic, partition, bytesMax, windows, tail };
}

function createKafkaLog(topics: Map<string, readonly KafkaPartition[]>, fetch: KafkaFetch, appends: KafkaAppend): Log {
  let closed = false;
  const find = (topic: string, partition: number): KafkaPartition => {
    const found = topics.get(topic)?.[partition];
    if (found !== undefined) return found;
    throw new KilldeerError('log.unknown-partition', `there is no partition ${partition} of topic ${topic}`);
  };
  const use = (topic: string, partition: number): KafkaPartition => {
    if (closed) throw new KilldeerError('log.closed', `the log is closed: ${topic}/${partition}`);
    return find(topic, partition);
  };
  const range = (topic: string, partition: number) => {
    const at = use(topic, partition);
    return fetch.range(at.topic, at.partition);
  };
  return {
    partitions: (topic) => {
      find(topic, 0);
      return topics.get(topic)?.length ?? 0;
    },
    append: async (topic, partition, values) => {
      const target = use(topic, partition);
      const bytes = encode(target, values);
      if (bytes.length === 0) return (await fetch.range(target.topic, partition)).end;
      return appends.append(target.topic, partition, bytes);
    },
    read: async (topic, partition, offset, max) => {
      const source = use(topic, partition);
      if (Number.isSafeInteger(offset) && offset >= 0 && max > 0) return source.windows.read(offset, max);
      const { begin, end } = await fetch.range(source.topic, partition);
      const inside = Number.isSafeInteger(offset) && offset >= begin && offset <= end;
      if (inside) return { records: [], next: offset };
      throw outOfRange(`${source.topic}/${partition}`, offset, begin, end);
    },
    begin: async (topic, partition) => (await range(topic, partition)).begin,
    end: async (topic, partition) => (await range(topic, partition)).end,
    wait: async (topic, partition, offset, timeoutMs) => {
      const { tail } = find(topic, partition);
      return closed ? false : tail.wait(offset, timeoutMs);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      for (const { tail } of [...topics.values()].flat()) tail.close();
      await appends.close();
      fetch.close();
    },
  };
}

/** Throws 'log.bad-record' or 'log.too-long'. */
function encode({ topic, bytesMax }: KafkaPartition, values: readonly string[]): Buffer[] {
  checkLines(values);
  return values.map((value, index) => {
    const bytes = Buffer.from(value);
    if (bytes.length <= bytesMax) return bytes;
    const words = `record ${index} of the ${values.length} to append has ${bytes.length} bytes; ${topic} takes ${bytesMax}`;
    throw new KilldeerError('log.too-long', words);
  });
}
