/**
 * Where an engine's evicted profiles wait: the Shelf of engine/contract.ts in a file, and in memory. Calls are
 * synchronous, because the engine is; what is asked for between two events is one profile of a few kilobytes.
 */
import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Shelf } from '../engine/contract.js';
import { KilldeerError } from '../errors.js';
import { isDiskFull } from '../log/files.js';

export interface FileShelf extends Shelf {
  /** Everything appended so far survives a crash; to be called before a checkpoint that may name it. */
  sync(): void;
  /** Drops what lies beyond `size` bytes: what was appended after the checkpoint that is being restored. */
  truncate(size: number): void;
  close(): void;
}

/** Before each profile: its length and its CRC-32, u32, little-endian. */
const HEAD_BYTES = 8;

/**
 * Opens or makes the file. Its calls throw 'log.disk-full' or 'log.write-failed', and 'checkpoint.corrupt' for bytes
 * that are not the ones appended.
 */
export function openFileShelf(path: string): FileShelf {
  // Not 'a': a write that failed half-way is overwritten by the next one.
  return new ShelfFile(path, constants.O_RDWR | constants.O_CREAT);
}

/** Opens an existing file to be read alone, beside whoever writes it. */
export function readFileShelf(path: string): FileShelf {
  return new ShelfFile(path, constants.O_RDONLY);
}

class ShelfFile implements FileShelf {
  private readonly file: number;
  private bytes: number;

  constructor(
    private readonly path: string,
    flags: number,
  ) {
    this.file = this.guard('opened', () => openSync(path, flags, 0o600));
    this.bytes = this.guard('opened', () => fstatSync(this.file).size);
  }

  append(profile: Uint8Array): number {
    const record = Buffer.alloc(HEAD_BYTES + profile.length);
    record.writeUInt32LE(profile.length, 0);
    record.writeUInt32LE(crc32(profile), 4);
    record.set(profile, HEAD_BYTES);
    const position = this.bytes;
    this.guard('written', () => {
      for (let at = 0; at < record.length; ) at += writeSync(this.file, record, at, record.length - at, position + at);
    });
    this.bytes += record.length;
    return position;
  }

  read(position: number): Uint8Array {
    const head = new DataView(this.take(position, HEAD_BYTES).buffer);
    const length = head.getUint32(0, true);
    if (position + HEAD_BYTES + length > this.bytes) throw this.corrupt(position);
    const profile = this.take(position + HEAD_BYTES, length);
    if (crc32(profile) !== head.getUint32(4, true)) throw this.corrupt(position);
    return profile;
  }

  size(): number {
    return this.bytes;
  }

  sync(): void {
    this.guard('synced', () => fdatasyncSync(this.file));
  }

  truncate(size: number): void {
    if (size > this.bytes) {
      throw new KilldeerError(
        'checkpoint.corrupt',
        `${this.path} has ${this.bytes} bytes, its checkpoint needs ${size}`,
      );
    }
    this.guard('truncated', () => ftruncateSync(this.file, size));
    this.bytes = size;
  }

  close(): void {
    closeSync(this.file);
  }

  /** No Buffer: whoever slices one of those gets the same bytes, not a copy. */
  private take(position: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const count = this.guard('read', () => readSync(this.file, bytes, 0, length, position));
    if (count !== length) throw this.corrupt(position);
    return bytes;
  }

  private corrupt(position: number): KilldeerError {
    return new KilldeerError('checkpoint.corrupt', `${this.path}: no whole profile at byte ${position}`);
  }

  private guard<T>(what: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const code = isDiskFull(error) ? 'log.disk-full' : 'log.write-failed';
      throw new KilldeerError(code, `${this.path} could not be ${what}: ${reason}`, error);
    }
  }
}

/** A shelf in memory, for tests and for runs that keep nothing; it grows with every eviction. */
export function createMemoryShelf(): Shelf {
  const profiles: Uint8Array[] = [];
  return {
    append: (bytes) => profiles.push(bytes.slice()) - 1,
    read: (position) => {
      const bytes = profiles[position];
      if (bytes === undefined) throw new KilldeerError('checkpoint.corrupt', `no profile at ${position} on the shelf`);
      return bytes;
    },
    size: () => profiles.length,
  };
}
