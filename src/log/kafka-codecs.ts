/**
 * Compression of record batches as every Kafka client understands it. gzip comes with Node; the others come with
 * optional packages or a newer Node, and where one is missing the error names it, for writing and for reading.
 *
 * Two framings are not those of the packages: Kafka's snappy is cut in blocks behind the header of xerial's Java
 * library, and its LZ4 is the frame format, not bare blocks.
 */
import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import { KilldeerError } from '../errors.js';

// Node finds none of kafkajs's exports by their names.
const { CompressionCodecs, CompressionTypes } = kafkajs;

export type KafkaCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

interface Codec {
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer): Buffer;
}

/** In the order of the numbers that a batch carries in its lowest three bits. */
const NAMES: readonly KafkaCompression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const TYPES = [
  CompressionTypes.None,
  CompressionTypes.GZIP,
  CompressionTypes.Snappy,
  CompressionTypes.LZ4,
  CompressionTypes.ZSTD,
];

const require = createRequire(import.meta.url);
const loaded = new Map<number, Codec>();

/** What kafkajs calls the compression. Throws 'kafka.codec' where it cannot be used here. */
export function compressionOf(compression: KafkaCompression): kafkajs.CompressionTypes {
  const number = NAMES.indexOf(compression);
  if (number > 0) codecOf(number);
  return TYPES[number];
}

/** The bytes of a batch's records, from the number of its codec. Throws 'kafka.codec' where that is missing. */
export function decompress(number: number, bytes: Buffer): Buffer {
  return number === 0 ? bytes : codecOf(number).decompress(bytes);
}

/** The bytes of a batch's records under a codec; the number of none gives them back. Throws 'kafka.codec'. */
export function compress(number: number, bytes: Buffer): Buffer {
  return number === 0 ? bytes : codecOf(number).compress(bytes);
}

/** Puts the codecs where kafkajs looks for them; calling it again changes nothing. */
export function registerCodecs(): void {
  for (const number of [1, 2, 3, 4])
    CompressionCodecs[TYPES[number] as keyof typeof CompressionCodecs] = () => codecForKafkajs(number);
}

/** kafkajs hands over its encoder when it writes and a buffer when it reads. */
function codecForKafkajs(number: number) {
  return {
    compress: async (encoder: { readonly buffer: Buffer }) => codecOf(number).compress(encoder.buffer),
    decompress: async (bytes: Buffer) => codecOf(number).decompress(bytes),
  };
}

function codecOf(number: number): Codec {
  const known = loaded.get(number);
  if (known !== undefined) return known;
  const open = [openGzip, openSnappy, openLz4, openZstd][number - 1];
  if (open === undefined)
    throw new KilldeerError('kafka.codec', `a batch is compressed by codec ${number}, which is unknown`);
  const codec = open();
  loaded.set(number, codec);
  return codec;
}

function openGzip(): Codec {
  return { compress: (bytes) => zlib.gzipSync(bytes), decompress: (bytes) => zlib.gunzipSync(bytes) };
}

/** Node has zstd from 22.15 and 23.8 on; the types of the oldest Node that we support do not name it. */
function openZstd(): Codec {
  const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as Record<string, (bytes: Buffer) => Buffer>;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) {
    throw new KilldeerError('kafka.codec', `zstd needs Node 22.15 or newer; this is Node ${process.versions.node}`);
  }
  return { compress: zstdCompressSync, decompress: zstdDecompressSync };
}

function openLz4(): Codec {
  const lz4 = optional<{ compressFrameSync: Codec['compress']; decompressFrameSync: Codec['decompress'] }>(
    'lz4-napi',
    'lz4',
  );
  return { compress: (bytes) => lz4.compressFrameSync(bytes), decompress: (bytes) => lz4.decompressFrameSync(bytes) };
}

const XERIAL_HEADER: Buffer = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
/** The magic alone: writers disagree about the versions behind it. */
const XERIAL_MAGIC_BYTES = 8;
const XERIAL_BLOCK_BYTES = 32 * 1024;

function openSnappy(): Codec {
  const snappy = optional<{ compressSync: Codec['compress']; uncompressSync: Codec['decompress'] }>('snappy', 'snappy');
  return {
    compress: (bytes) => {
      const parts: Buffer[] = [XERIAL_HEADER];
      for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) {
        const block = snappy.compressSync(bytes.subarray(at, at + XERIAL_BLOCK_BYTES));
        const length = Buffer.alloc(4);
        length.writeUInt32BE(block.length);
        parts.push(length, block);
      }
      return Buffer.concat(parts);
    },
    decompress: (bytes) => {
      const framed = bytes.subarray(0, XERIAL_MAGIC_BYTES).equals(XERIAL_HEADER.subarray(0, XERIAL_MAGIC_BYTES));
      if (!framed) return snappy.uncompressSync(bytes);
      const parts: Buffer[] = [];
      for (let at = XERIAL_HEADER.length; at < bytes.length; ) {
        const end = at + 4 + bytes.readUInt32BE(at);
        parts.push(snappy.uncompressSync(bytes.subarray(at + 4, end)));
        at = end;
      }
      return Buffer.concat(parts);
    },
  };
}

function optional<T>(name: string, codec: KafkaCompression): T {
  try {
    return require(name) as T;
  } catch (error) {
    throw new KilldeerError('kafka.codec', `${codec} needs the package ${name}, which could not be loaded`, error);
  }
}
