/** Record batches (format 2) and the request that carries them to the leader of their partitions. */
import { crc32c } from './crc32c.js';
import { compress } from './kafka-codecs.js';
import { brokerError, Fields, type RequestBroker, sendRequest } from './kafka-request.js';

/** By what the brokers know a batch that they already have. */
export interface BatchIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Number of the batch's first record among those of the producer in the partition. */
  readonly sequence: number;
}

/** A batch for one partition. */
export interface ProducedBatch {
  /** With the installation's prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly values: readonly Buffer[];
  readonly identity: BatchIdentity;
}

/** What became of a batch: the offset of its first record, or the broker's refusal. */
export type Produced = { readonly first: number } | { readonly error: Error & { readonly retriable: boolean } };

const PRODUCE_KEY = 0;
/** The first that may carry zstd: Kafka 2.1. */
const PRODUCE_VERSION = 7;
const HEADER_BYTES = 61;

/** Resolves with what became of each, in their order, once every replica in sync has them. `codec`: by its number. */
export async function produce(
  broker: RequestBroker,
  batches: readonly ProducedBatch[],
  codec: number,
  timeoutMs: number,
): Promise<Produced[]> {
  const body = encodeRequest(batches, codec, timeoutMs);
  const request = { api: PRODUCE_KEY, version: PRODUCE_VERSION, name: 'Produce', body, timeoutMs, throttleAt: -4 };
  const answers = decodeAnswer(await sendRequest(broker, request));
  return batches.map(({ topic, partition }) => {
    const answer = answers.get(`${topic}/${partition}`);
    return (
      answer ?? { error: Object.assign(new Error('the broker left a batch out of its answer'), { retriable: false }) }
    );
  });
}

function encodeRequest(batches: readonly ProducedBatch[], codec: number, timeoutMs: number): Buffer {
  const head = Buffer.alloc(2 + 2 + 4 + 4);
  head.writeInt16BE(-1, 0); // no transaction
  head.writeInt16BE(-1, 2); // every replica in sync
  head.writeInt32BE(timeoutMs, 4);
  head.writeInt32BE(batches.length, 8);
  const parts: Uint8Array[] = [head];
  for (const { topic, partition, values, identity } of batches) {
    const batch = encodeBatch(values, identity, codec, Date.now());
    const name = Buffer.from(topic);
    // A topic as often as it has partitions here: the brokers do not mind.
    const place = Buffer.alloc(2 + name.length + 4 + 4 + 4);
    let at = place.writeInt16BE(name.length, 0);
    at += name.copy(place, at);
    at = place.writeInt32BE(1, at);
    at = place.writeInt32BE(partition, at);
    place.writeInt32BE(batch.length, at);
    parts.push(place, batch);
  }
  return Buffer.concat(parts);
}

function decodeAnswer(answer: Buffer): Map<string, Produced> {
  const found = new Map<string, Produced>();
  const fields = new Fields(answer);
  fields.array(() => {
    const topic = fields.text();
    fields.array(() => {
      const partition = fields.int32();
      const error = brokerError(fields.int16());
      const first = fields.int64();
      fields.skip(8 + 8); // time of the append, first offset kept
      found.set(`${topic}/${partition}`, error === null ? { first } : { error });
    });
  });
  return found;
}

/** One batch, its records without key and headers, all of the time `timeMs`. */
export function encodeBatch(values: readonly Buffer[], identity: BatchIdentity, codec: number, timeMs: number): Buffer {
  const records = codec === 0 ? null : compress(codec, encodeRecords(values, 0));
  const batch = records === null ? encodeRecords(values, HEADER_BYTES) : withRoomBefore(records, HEADER_BYTES);
  batch.writeBigInt64BE(0n, 0); // the broker gives the offset
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12); // whatever the leader's epoch
  batch.writeInt8(2, 16);
  batch.writeInt16BE(codec, 21);
  batch.writeInt32BE(values.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timeMs), 27);
  batch.writeBigInt64BE(BigInt(timeMs), 35);
  batch.writeBigInt64BE(identity.producerId, 43);
  batch.writeInt16BE(identity.producerEpoch, 51);
  batch.writeInt32BE(identity.sequence, 53);
  batch.writeInt32BE(values.length, 57);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

function withRoomBefore(bytes: Buffer, room: number): Buffer {
  const whole = Buffer.allocUnsafe(room + bytes.length);
  bytes.copy(whole, room);
  return whole;
}

function encodeRecords(values: readonly Buffer[], room: number): Buffer {
  let size = room;
  for (let i = 0; i < values.length; i += 1) {
    const bytes = recordBytes(values[i].length, i);
    size += varintBytes(bytes) + bytes;
  }
  const buffer = Buffer.allocUnsafe(size);
  let at = room;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    at = writeVarint(buffer, recordBytes(value.length, i), at);
    buffer[at] = 0; // no attributes
    buffer[at + 1] = 0; // the time of the batch
    at = writeVarint(buffer, i, at + 2);
    buffer[at] = 1; // no key: a length of -1
    at = writeVarint(buffer, value.length, at + 1);
    at += value.copy(buffer, at);
    buffer[at] = 0; // no headers
    at += 1;
  }
  return buffer;
}

/** Of a record behind its own length. */
function recordBytes(valueBytes: number, index: number): number {
  return 4 + varintBytes(index) + varintBytes(valueBytes) + valueBytes;
}

/** Numbers from 0 on; the lowest bit would be the sign. */
function writeVarint(buffer: Buffer, value: number, start: number): number {
  let at = start;
  let left = value * 2;
  while (left > 0x7f) {
    buffer[at] = (left & 0x7f) | 0x80;
    left >>>= 7;
    at += 1;
  }
  buffer[at] = left;
  return at + 1;
}

function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x100000 ? 3 : value < 0x8000000 ? 4 : 5;
}
