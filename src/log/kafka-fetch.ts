/**
 * Random access to a partition: what stands from an offset on, without a consumer group. kafkajs has no verb for that
 * and its decoder loses what it takes (kafka-batch.ts says what).
 *
 * It promises never to skip silently: an offset that is no longer, or not yet, there is an error that names the range.
 * A fetch that waits goes over a line of its own, one per partition, because a broker answers the requests of one
 * connection in turn: it never delays another.
 */
import { decodeBatches, type FetchedRecord } from './kafka-batch.js';
import { type KafkaOptions, kafkaError, kafkaErrorType } from './kafka-connection.js';
import { KafkaLine } from './kafka-line.js';
import { brokerError, Fields, type RequestBroker, sendRequest } from './kafka-request.js';
import { outOfRange } from './partition-state.js';

export type { FetchedRecord, RecordHeader } from './kafka-batch.js';

export interface FetchLimits {
  /** Of the batches returned; a first batch that is larger comes all the same, whole. */
  readonly maxBytes: number;
  /** Where there is no record yet, how long the broker may wait for one. */
  readonly waitMs: number;
}

export interface Fetched {
  readonly records: readonly FetchedRecord[];
  /** Where to read on: beyond the records, and beyond gaps (markers, aborted and compacted records). */
  readonly next: number;
  /** First offset still kept. */
  readonly begin: number;
  /** Where the next record will be: committed records only, the first open transaction; else the last replicated. */
  readonly end: number;
}

/** Topics by their whole names, prefix included. */
export interface KafkaFetch {
  /**
   * Rejects with 'log.offset-out-of-range', 'log.corrupt', 'kafka.codec', or as the brokers refuse; after a while of
   * trying again with 'kafka.unreachable'. From `end` on the records are empty and `next` is `offset`.
   */
  fetch(topic: string, partition: number, offset: number, limits: FetchLimits): Promise<Fetched>;
  range(topic: string, partition: number): Promise<{ readonly begin: number; readonly end: number }>;
  /** How many partitions the topic has; rejects with 'kafka.missing-topic' where there is none. */
  partitions(topic: string): Promise<number>;
  /** Ends at once whatever is under way, with 'log.closed'. */
  close(): void;
}

export interface FetchOptions {
  /** Leave out what transactions have not committed. */
  readonly readCommitted: boolean;
  /** Those that will be asked for, where they are known: it spares the brokers from describing all they have. */
  readonly topics?: readonly string[];
}

/** Connects when first used. */
export function openKafkaFetch(options: KafkaOptions, { readCommitted, topics = [] }: FetchOptions): KafkaFetch {
  const patienceMs = Math.min(options.requestTimeoutMs, PATIENCE_MS_MAX);
  const isolation = readCommitted ? 1 : 0;
  const line = new KafkaLine(options, topics);
  const waiting = new Map<string, KafkaLine>();
  const lineOf = (topic: string, partition: number, waitMs: number): KafkaLine => {
    if (waitMs === 0 || line.closed) return line;
    const name = `${topic}/${partition}`;
    const own = waiting.get(name) ?? new KafkaLine(options, [topic]);
    waiting.set(name, own);
    return own;
  };
  const range = async (topic: string, partition: number) => {
    const at = (timestamp: number) =>
      line.ask(patienceMs, async () =>
        offsetAt(await leaderOf(line, topic, partition), isolation, topic, partition, timestamp),
      );
    try {
      const [begin, end] = await Promise.all([at(EARLIEST), at(LATEST)]);
      return { begin, end };
    } catch (error) {
      throw kafkaError(error, `the range of ${topic}/${partition} could not be read`);
    }
  };
  return {
    fetch: async (topic, partition, offset, limits) => {
      const used = lineOf(topic, partition, limits.waitMs);
      const body = encodeFetch({ topic, partition, offset, isolation, ...limits });
      const timeoutMs = limits.waitMs + NETWORK_MS;
      const request = { api: FETCH_KEY, version: FETCH_VERSION, name: 'Fetch', body, timeoutMs, throttleAt: 0 };
      const where = `${topic}/${partition}`;
      try {
        return await used.ask(patienceMs + limits.waitMs, async () => {
          const answer = await sendRequest(await leaderOf(used, topic, partition), request);
          return decoded(answer, offset, readCommitted, where);
        });
      } catch (error) {
        if (kafkaErrorType(error) !== 'OFFSET_OUT_OF_RANGE') throw kafkaError(error, `${where} could not be read`);
        const { begin, end } = await range(topic, partition);
        throw outOfRange(where, offset, begin, end);
      }
    },
    range,
    partitions: async (topic) => {
      const asked = line.ask(patienceMs, async () => (await line.partitionCounts([topic])).get(topic) ?? 0);
      return asked.catch((error) => {
        throw kafkaError(error, `topic ${topic} could not be looked up`);
      });
    },
    close: () => {
      for (const each of [line, ...waiting.values()]) each.close();
    },
  };
}

const PATIENCE_MS_MAX = 10_000;
/** The protocol's words for the ends of a partition, in place of a time. */
const EARLIEST = -2;
const LATEST = -1;
const FETCH_KEY = 1;
/** The first that may carry zstd: Kafka 2.1; version 11 differs by where replicas stand alone. */
const FETCH_VERSION = 10;
const NETWORK_MS = 1_000;

async function leaderOf(line: KafkaLine, topic: string, partition: number): Promise<RequestBroker> {
  return (await line.leader({ topic, partition })) as unknown as RequestBroker;
}

async function offsetAt(
  broker: RequestBroker,
  isolationLevel: number,
  topic: string,
  partition: number,
  timestamp: number,
): Promise<number> {
  const { responses } = await broker.listOffsets({
    isolationLevel,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  return Number(responses[0].partitions[0].offset);
}

function encodeFetch(fetch: {
  topic: string;
  partition: number;
  offset: number;
  isolation: number;
  maxBytes: number;
  waitMs: number;
}): Buffer {
  const topic = Buffer.from(fetch.topic);
  const body = Buffer.alloc(25 + 4 + 2 + topic.length + 4 + 28 + 4);
  let at = 0;
  const int32 = (value: number) => {
    at = body.writeInt32BE(value, at);
  };
  int32(-1); // no replica
  int32(fetch.waitMs);
  int32(1); // enough bytes to stop waiting
  int32(fetch.maxBytes);
  at = body.writeInt8(fetch.isolation, at);
  int32(0); // no session
  int32(-1);
  int32(1); // one topic
  at = body.writeInt16BE(topic.length, at);
  at += topic.copy(body, at);
  int32(1); // one partition
  int32(fetch.partition);
  int32(-1); // whatever its leader's epoch
  at = body.writeBigInt64BE(BigInt(fetch.offset), at);
  at = body.writeBigInt64BE(-1n, at); // no replica's first offset
  int32(fetch.maxBytes);
  int32(0); // nothing to forget
  return body;
}

/** Throws an error of kafkajs's kind where the broker refuses. */
function decoded(answer: Buffer, offset: number, readCommitted: boolean, where: string): Fetched {
  const fields = new Fields(answer);
  fields.skip(4); // how long the broker throttles
  check(fields.int16());
  fields.skip(4 + 4); // session, one topic
  fields.text();
  fields.skip(4 + 4); // one partition, its number
  check(fields.int16());
  const replicated = fields.int64();
  const stable = fields.int64();
  const begin = fields.int64();
  const aborted = fields.array(() => ({ producer: fields.int64(), first: fields.int64() }));
  const set = fields.bytes(fields.int32());
  const { records, next } = decodeBatches(set, offset, aborted, where);
  return { records, next, begin, end: readCommitted ? stable : replicated };
}

function check(code: number): void {
  const error = brokerError(code);
  if (error !== null) throw error;
}
