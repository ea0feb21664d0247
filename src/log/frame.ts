/**
 * How a segment file is laid out. Every line of it is JSON or a record:
 *
 *   segment header   256 bytes: topic, partition, first offset, the segment before it, a random salt, checksum
 *   commit header    176 bytes: first offset, records, bytes of them, own byte position, time, checksums
 *   records          one a line, exactly the bytes that the commit header counts
 *   commit header    ...
 *
 * A header stands BEFORE its records, so that what is a header follows from the position alone and a record may say
 * anything, a header's own text included. A commit header's checksum is seeded with the segment's salt, so that a
 * record cannot pass for one either when damage makes us search. Headers are padded with blanks to a fixed length.
 */
import { crc32 } from 'node:zlib';
import { KilldeerError } from '../errors.js';

export const SEGMENT_HEADER_BYTES = 256;
export const COMMIT_HEADER_BYTES = 176;
/** Limits that keep the headers inside their lengths. */
export const TOPIC_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const PARTITIONS_MAX = 1024;

/** First line of a segment. */
export interface SegmentHeader {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record. */
  readonly first: number;
  /** First offset of the segment before it; null for the first that the partition ever had. */
  readonly previous: number | null;
  /** Wall-clock time of the last commit of the segment before it, ms. */
  readonly previousTimeMs: number | null;
  /** 8 hex digits. */
  readonly salt: string;
}

/** The line before each commit's records. */
export interface CommitHeader {
  /** Offset of the first record. */
  readonly first: number;
  readonly count: number;
  /** Length of the records' lines in bytes. */
  readonly bytes: number;
  /** Where in the file this header stands, bytes. */
  readonly position: number;
  /** Wall-clock time of the commit, ms. */
  readonly timeMs: number;
  /** CRC-32 of the records' lines, 8 hex digits. */
  readonly checksum: string;
}

/** Bytes that every commit header begins with. */
export const COMMIT_MARK = '{"killdeer":"commit",';
const COMMIT_PATTERN =
  /^(\{"killdeer":"commit","first":(\d+),"count":(\d+),"bytes":(\d+),"position":(\d+),"timeMs":(\d+),"crc":"([0-9a-f]{8})"),"self":"([0-9a-f]{8})"\} *\n$/;
const SEGMENT_PATTERN =
  /^(\{"killdeer":"segment","version":1,"topic":"([a-z0-9-]+)","partition":(\d+),"first":(\d+),"previous":(\d+|null),"previousTimeMs":(\d+|null),"salt":"([0-9a-f]{8})"),"crc":"([0-9a-f]{8})"\} *\n$/;

/** CRC-32 (IEEE 802.3, as in gzip) as 8 hex digits. */
export function checksum(data: string | Uint8Array, seed = 0): string {
  return crc32(data, seed).toString(16).padStart(8, '0');
}

/** SEGMENT_HEADER_BYTES bytes, line break included. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const { topic, partition, first, previous, previousTimeMs, salt } = header;
  const text =
    `{"killdeer":"segment","version":1,"topic":"${topic}","partition":${partition},"first":${first},` +
    `"previous":${previous},"previousTimeMs":${previousTimeMs},"salt":"${salt}"`;
  return padded(`${text},"crc":"${checksum(text)}"}`, SEGMENT_HEADER_BYTES);
}

/** Null where the bytes are not a whole, undamaged segment header. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | null {
  const match = SEGMENT_PATTERN.exec(bytes.toString('latin1'));
  if (match === null || bytes.length !== SEGMENT_HEADER_BYTES || checksum(match[1]) !== match[8]) return null;
  return {
    topic: match[2],
    partition: Number(match[3]),
    first: Number(match[4]),
    previous: match[5] === 'null' ? null : Number(match[5]),
    previousTimeMs: match[6] === 'null' ? null : Number(match[6]),
    salt: match[7],
  };
}

/** COMMIT_HEADER_BYTES bytes, line break included; `salt` is the segment's. */
export function encodeCommitHeader(header: CommitHeader, salt: string): Buffer {
  const { first, count, bytes, position, timeMs } = header;
  const text =
    `${COMMIT_MARK}"first":${first},"count":${count},"bytes":${bytes},"position":${position},` +
    `"timeMs":${timeMs},"crc":"${header.checksum}"`;
  return padded(`${text},"self":"${checksum(text, Number.parseInt(salt, 16))}"}`, COMMIT_HEADER_BYTES);
}

/** Null where the bytes are not a whole, undamaged commit header of the segment with this salt. */
export function decodeCommitHeader(bytes: Buffer, salt: string): CommitHeader | null {
  if (bytes.length !== COMMIT_HEADER_BYTES) return null;
  const match = COMMIT_PATTERN.exec(bytes.toString('latin1'));
  if (match === null || checksum(match[1], Number.parseInt(salt, 16)) !== match[8]) return null;
  return {
    first: Number(match[2]),
    count: Number(match[3]),
    bytes: Number(match[4]),
    position: Number(match[5]),
    timeMs: Number(match[6]),
    checksum: match[7],
  };
}

function padded(text: string, bytes: number): Buffer {
  return Buffer.from(`${text.padEnd(bytes - 1)}\n`, 'latin1');
}

/** The one way to say that a file is damaged: names file and byte. */
export function corrupt(path: string, position: number, what: string): KilldeerError {
  return new KilldeerError('log.corrupt', `${path} is damaged at byte ${position}: ${what}`);
}
