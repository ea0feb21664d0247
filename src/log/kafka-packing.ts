/** What a transaction carries: records in requests that the brokers take, and the sequence numbers of their batches. */
import type { PartitionName } from './kafka-line.js';

export interface TransactionRecord {
  /** Without the installation's prefix. */
  readonly topic: string;
  readonly partition: number;
  /** null: none; such a record cannot stand in a compacted topic. */
  readonly key: string | null;
  /** null: in a compacted topic the key is forgotten. */
  readonly value: string | Uint8Array | null;
}

/** Records of one partition that are sent, and numbered, together. */
export interface Batch extends PartitionName {
  readonly messages: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[];
}

/** Most bytes of a request; a single longer record has one to itself. A broker's own default takes 1 MiB and a bit. */
const REQUEST_BYTES_MAX = 960 * 1024;
/** Lengths, offset, timestamp and header count of one record at their longest, about. */
const RECORD_BYTES_OVERHEAD = 24;
const SEQUENCES = 2 ** 31;

/** Requests in order, each with one batch per partition at most; records of a partition keep their order. */
export function packRecords(records: readonly TransactionRecord[], prefix: string): Batch[][] {
  const requests: Batch[][] = [];
  let open = new Map<string, Batch & { messages: { key: Buffer | null; value: Buffer | null }[] }>();
  let bytes = REQUEST_BYTES_MAX;
  for (const { topic, partition, key, value } of records) {
    const message = { key: bytesOf(key), value: bytesOf(value) };
    const size = RECORD_BYTES_OVERHEAD + (message.key?.length ?? 0) + (message.value?.length ?? 0);
    if (bytes + size > REQUEST_BYTES_MAX) {
      if (open.size > 0) requests.push([...open.values()]);
      open = new Map();
      bytes = 0;
    }
    bytes += size;
    const name = { topic: prefix + topic, partition };
    const batch = open.get(batchKey(name));
    if (batch === undefined) open.set(batchKey(name), { ...name, messages: [message] });
    else batch.messages.push(message);
  }
  if (open.size > 0) requests.push([...open.values()]);
  return requests;
}

/** The partition's name as one string. */
export function batchKey({ topic, partition }: PartitionName): string {
  return `${topic}/${partition}`;
}

/** Numbers of a writer's records, by partition: by them the brokers know a batch that they already have. */
export class Sequences {
  private readonly numbers = new Map<string, number>();

  /** Of the batch's first record. */
  next(batch: PartitionName): number {
    return this.numbers.get(batchKey(batch)) ?? 0;
  }

  /** After the batches were taken. */
  advance(batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.numbers.set(batchKey(batch), (this.next(batch) + batch.messages.length) % SEQUENCES);
    }
  }
}

function bytesOf(value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null;
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
