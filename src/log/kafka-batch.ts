/**
 * Record batches (format 2) as a broker returns them, decoded. Stands in for kafkajs's decoder, which forgets what
 * random access needs: where a batch ends that holds nothing (markers of transactions, compacted records), and whose
 * aborted records stand where two producers' transactions overlap. It is several times as fast, too.
 */
import { KilldeerError } from '../errors.js';
import { crc32c } from './crc32c.js';
import { decompress } from './kafka-codecs.js';

export interface FetchedRecord {
  readonly offset: number;
  /** When it was written, by the producer's or the broker's clock as the topic says, ms since 1970. */
  readonly timeMs: number;
  readonly key: Buffer | null;
  /** null: a tombstone. Shares memory with what was fetched: copy what is kept for long. */
  readonly value: Buffer | null;
  /** In the order in which they were written; most records have none. */
  readonly headers: readonly RecordHeader[];
}

export type RecordHeader = readonly [name: string, value: Buffer | null];

/** A transaction that was aborted: its records are those of `producer` from offset `first` to its abort marker. */
export interface Aborted {
  readonly producer: number;
  readonly first: number;
}

export interface DecodedBatches {
  readonly records: FetchedRecord[];
  /** The offset after the last whole batch; the one asked for where there was none. */
  readonly next: number;
}

const HEADER_BYTES = 61;
/** Of the first offset and the length, which count as before the batch. */
const PREFIX_BYTES = 12;
const CODEC_MASK = 0x07;
const APPEND_TIME_FLAG = 0x08;
const TRANSACTION_FLAG = 0x10;
const CONTROL_FLAG = 0x20;
const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * The records at and above `from` in a record set, but those of control batches and of the aborted transactions. A
 * batch that is cut off at the end is left for the next fetch. Throws 'log.corrupt' at damage (`where` names the
 * place) and 'kafka.codec' where a codec is missing.
 */
export function decodeBatches(set: Buffer, from: number, aborted: readonly Aborted[], where: string): DecodedBatches {
  const records: FetchedRecord[] = [];
  const open = new AbortedProducers(aborted);
  let next = from;
  for (let at = 0; at + HEADER_BYTES <= set.length; ) {
    const end = at + PREFIX_BYTES + set.readInt32BE(at + 8);
    if (end < at + HEADER_BYTES) throw corrupt(where, readInt64(set, at), 'is shorter than its header');
    if (end > set.length) break;
    const batch = set.subarray(at, end);
    const base = readInt64(batch, 0);
    check(batch, base, where);
    const last = base + batch.readInt32BE(23);
    const attributes = batch.readInt16BE(21);
    const producer = readInt64(batch, 43);
    open.advance(last);
    if ((attributes & CONTROL_FLAG) !== 0) {
      if (isAbortMarker(batch)) open.ended(producer);
    } else if (last >= from && !((attributes & TRANSACTION_FLAG) !== 0 && open.has(producer))) {
      decodeRecords(batch, base, attributes, from, records, where);
    }
    if (last >= next) next = last + 1;
    at = end;
  }
  return { records, next };
}

/** Which producers' records are void at the batch that is read; batches are met in the order of their offsets. */
class AbortedProducers {
  private readonly waiting: readonly Aborted[];
  private readonly producers = new Set<number>();
  private begun = 0;

  constructor(aborted: readonly Aborted[]) {
    this.waiting = aborted.length < 2 ? aborted : [...aborted].sort((a, b) => a.first - b.first);
  }

  advance(last: number): void {
    while (this.begun < this.waiting.length && this.waiting[this.begun].first <= last) {
      this.producers.add(this.waiting[this.begun].producer);
      this.begun += 1;
    }
  }

  ended(producer: number): void {
    this.producers.delete(producer);
  }

  has(producer: number): boolean {
    return this.producers.has(producer);
  }
}

function check(batch: Buffer, base: number, where: string): void {
  const magic = batch[16];
  if (magic !== 2) throw corrupt(where, base, `is in the record format ${magic}; only 2 is read`);
  if (crc32c(batch, 21) !== batch.readUInt32BE(17)) throw corrupt(where, base, 'does not match its checksum');
}

function corrupt(where: string, offset: number, what: string): KilldeerError {
  return new KilldeerError('log.corrupt', `the batch at offset ${offset} of ${where} ${what}`);
}

/** A marker's key is two numbers of 16 bits: a version, and 0 for abort or 1 for commit. */
function isAbortMarker(batch: Buffer): boolean {
  if (batch.readInt32BE(57) === 0) return false;
  const cursor = new Cursor(batch, HEADER_BYTES);
  cursor.varint();
  cursor.at += 1;
  cursor.varint();
  cursor.varint();
  const length = cursor.varint();
  return length >= 4 && batch.readInt16BE(cursor.at + 2) === 0;
}

function decodeRecords(
  batch: Buffer,
  base: number,
  attributes: number,
  from: number,
  records: FetchedRecord[],
  where: string,
): void {
  const count = batch.readInt32BE(57);
  const firstMs = readInt64(batch, 27);
  const appendedMs = (attributes & APPEND_TIME_FLAG) === 0 ? null : readInt64(batch, 35);
  const codec = attributes & CODEC_MASK;
  const body = codec === 0 ? batch : decompress(codec, batch.subarray(HEADER_BYTES));
  const cursor = new Cursor(body, codec === 0 ? HEADER_BYTES : 0);
  for (let i = 0; i < count; i += 1) {
    const length = cursor.varint();
    const end = cursor.at + length;
    // Not a number where the body ended inside of one: no comparison holds then.
    if (!(length >= 0 && end <= body.length)) throw corrupt(where, base, 'holds fewer records than it says');
    cursor.at += 1;
    const timeMs = firstMs + cursor.varint();
    const offset = base + cursor.varint();
    if (offset >= from) {
      const key = cursor.bytes();
      const value = cursor.bytes();
      const headers = cursor.headers();
      records.push({ offset, timeMs: appendedMs ?? timeMs, key, value, headers });
    }
    cursor.at = end;
  }
}

/** Reads the variable-length numbers of records; wide ones (times far apart) lose nothing below 2^53. */
class Cursor {
  at: number;
  private readonly buffer: Buffer;

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  /** Zigzag: the lowest bit is the sign. */
  varint(): number {
    const { buffer } = this;
    let byte = buffer[this.at++];
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = buffer[this.at++];
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.at;
    this.at += length;
    return this.buffer.subarray(start, this.at);
  }

  headers(): readonly RecordHeader[] {
    const count = this.varint();
    if (count <= 0) return NO_HEADERS;
    return Array.from({ length: count }, () => [this.bytes()?.toString('utf8') ?? '', this.bytes()] as const);
  }
}

/** Exact below 2^53, which no offset, time or producer reaches. */
function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * 4_294_967_296 + buffer.readUInt32BE(at + 4);
}
