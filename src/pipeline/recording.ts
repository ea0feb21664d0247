/**
 * A recording: a file of events, one a line, compressed or not, or a folder that holds one. Read as a stream in
 * batches of decoded lines; memory is bounded however long the recording is. A line's offset is its number from 0.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { KilldeerError } from '../errors.js';
import { decodeLine, rejection } from '../event/decode.js';
import type { Decoded } from '../event/event.js';
import { createLineSplitter, type Line } from '../event/lines.js';
import type { PriceTable } from '../event/prices.js';

/** Lines in a row, decoded. Entry i is line `first + i`. */
export interface RecordingBatch {
  readonly first: number;
  /** null for an empty line, which is passed over. */
  readonly decoded: readonly (Decoded | null)[];
  /** As they stood in the file, for the dead letter. */
  readonly lines: readonly Line[];
}

export interface Recording {
  /** The file of events. */
  readonly path: string;
  /** Its size on disk. */
  readonly bytes: number;
  /** Digest of path and size: what a checkpoint knows it by. */
  readonly digest: string;
  /** Bytes of the file read so far, for progress. */
  readonly bytesRead: () => number;
  /**
   * Every line from number `from` on. A compressed recording that was cut or damaged gives what stands before the
   * damage and, last, one rejection 'recording.truncated'; a cut plain one cannot be told from one that ends there.
   * Throws 'recording.unreadable' where the disk fails, or nothing at all can be read.
   */
  batches(from: number): AsyncGenerator<RecordingBatch, void, undefined>;
}

const NAMES = ['events.jsonl', 'events.jsonl.gz'] as const;
/** Read at once; a compressed chunk may grow a thousandfold, so this bounds memory too. */
const CHUNK_BYTES = 65_536;
/** Bytes unpacked at a time: room for all of a chunk, so that its unpacking never waits for this thread. */
const UNPACKED_BYTES = 1_048_576;
const BATCH_LINES = 2_000;
/** A batch of long lines is handed on before it is full. */
const BATCH_BYTES = 4_194_304;

/** Finds the events of FILE or DIR. Throws 'recording.unreadable', which names the path and what was looked for. */
export async function openRecording(path: string, prices: PriceTable): Promise<Recording> {
  const { file, bytes } = await locate(path);
  let bytesRead = 0;
  const digest = createHash('sha256')
    .update(`${resolve(file)}\n${bytes}`)
    .digest('hex');
  const chunks = () =>
    readChunks(file, (count) => {
      bytesRead += count;
    });
  return {
    path: file,
    bytes,
    digest,
    bytesRead: () => bytesRead,
    batches: (from) => {
      bytesRead = 0;
      return decodeBatches(file.endsWith('.gz') ? oneAhead(gunzip(file, chunks())) : chunks(), from, prices);
    },
  };
}

async function locate(path: string): Promise<{ file: string; bytes: number }> {
  const found = await look(path);
  if (found === null) throw unreadable(path, 'there is no such file or folder');
  if (found.file) {
    if (/\.jsonl(\.gz)?$/.test(path)) return { file: path, bytes: found.bytes };
    throw unreadable(path, 'its name does not end in .jsonl or .jsonl.gz');
  }
  const inside: { file: string; bytes: number }[] = [];
  for (const name of NAMES) {
    const entry = await look(join(path, name));
    if (entry?.file === true) inside.push({ file: join(path, name), bytes: entry.bytes });
  }
  if (inside.length === 0) throw unreadable(path, `the folder holds neither ${NAMES.join(' nor ')}`);
  // Which of the two was meant decides every finding: no guess.
  if (inside.length > 1) throw unreadable(path, `the folder holds both ${NAMES.join(' and ')}; name one of them`);
  return inside[0];
}

async function look(path: string): Promise<{ file: boolean; bytes: number } | null> {
  try {
    const found = await stat(path);
    return { file: !found.isDirectory(), bytes: found.size };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(path, messageOf(error), error);
  }
}

/** The file's bytes; a chunk's memory is used again for the next one. */
async function* readChunks(file: string, progress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw unreadable(file, messageOf(error), error);
  }
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const count = await readSome(file, handle, chunk);
      if (count === 0) return;
      progress(count);
      yield chunk.subarray(0, count);
    }
  } finally {
    await handle.close();
  }
}

async function readSome(file: string, handle: FileHandle, chunk: Uint8Array): Promise<number> {
  try {
    return (await handle.read(chunk, 0, chunk.length, null)).bytesRead;
  } catch (error) {
    throw unreadable(file, messageOf(error), error);
  }
}

/** Says in words why the bytes end before their end. */
class Damage extends Error {}

/**
 * Unpacks chunk by chunk and hands on all of a chunk before the next goes in: what a damaged stream held before the
 * damage is then the same on every machine, where a pipe would drop some of it when the error overtakes the data.
 * Throws Damage after the last bytes that could be had.
 */
async function* gunzip(file: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: UNPACKED_BYTES });
  const ready: Buffer[] = [];
  let had = 0;
  stream.on('data', (bytes: Buffer) => {
    had += bytes.length;
    ready.push(bytes);
  });
  const state: { error: Error | null } = { error: null };
  const over = new Promise<void>((done) => {
    stream.on('error', (error) => {
      state.error = error;
      done();
    });
    stream.on('end', done);
  });
  try {
    for await (const chunk of chunks) {
      await Promise.race([new Promise<void>((taken) => stream.write(chunk, () => taken())), over]);
      yield* ready.splice(0);
      if (state.error !== null) break;
    }
    if (state.error === null) {
      stream.end();
      await over;
      yield* ready.splice(0);
    }
  } finally {
    stream.destroy();
  }
  if (state.error === null) return;
  if (had === 0) throw unreadable(file, `it cannot be unpacked: ${state.error.message}`, state.error);
  throw new Damage(`${file} is cut or damaged: ${state.error.message}; what stands before was read`);
}

/** Asks for the next piece before the one at hand is worked on: unpacking goes on in its own thread meanwhile. */
async function* oneAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = source.next();
      // Whoever stops early does not wait for it, and its failure is then nobody's.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await source.return(undefined).catch(() => {});
  }
}

async function* decodeBatches(
  chunks: AsyncIterable<Uint8Array>,
  from: number,
  prices: PriceTable,
): AsyncGenerator<RecordingBatch, void, undefined> {
  const splitter = createLineSplitter();
  let lines: Line[] = [];
  let first = 0;
  let bytes = 0;
  /** Hands on what has been gathered, but for the lines before `from`. */
  function* batch(): Generator<RecordingBatch, void, undefined> {
    const kept = lines.slice(Math.min(lines.length, Math.max(0, from - first)));
    const start = first + lines.length - kept.length;
    first += lines.length;
    lines = [];
    bytes = 0;
    if (kept.length === 0) return;
    yield { first: start, lines: kept, decoded: kept.map((line, i) => decode(line, start + i, prices)) };
  }
  const damage: string[] = [];
  try {
    for await (const chunk of chunks) {
      for (const line of splitter.push(chunk)) {
        if (lines.push(line) >= BATCH_LINES) yield* batch();
      }
      bytes += chunk.length;
      if (bytes >= BATCH_BYTES) yield* batch();
    }
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    damage.push(error.message);
  }
  lines.push(...splitter.end());
  for (const reason of damage) lines.push(rejection('recording.truncated', reason, first + lines.length));
  yield* batch();
}

function decode(line: Line, position: number, prices: PriceTable): Decoded | null {
  if (typeof line !== 'string') return line;
  return line === '' ? null : decodeLine(line, position, prices);
}

function unreadable(path: string, why: string, cause?: unknown): KilldeerError {
  return new KilldeerError('recording.unreadable', `${path}: ${why}`, cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
