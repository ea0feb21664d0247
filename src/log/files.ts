/**
 * The handful of file calls that this room makes, as a contract, so that a test can stand a disk beneath the log that
 * loses what was not synced, fails and fills up. Every failure is an exception with the system's code (ENOSPC, EIO).
 *
 * Durability is explicit: bytes are durable after fsync of the file, a new, renamed or removed name after
 * fsyncDirectory of its directory.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';

/** `create` fails where the name exists, `read` and `write` where it does not; `replace` empties what exists. */
export type OpenMode = 'read' | 'write' | 'create' | 'replace';

export interface OpenFile {
  /** Writes all of the buffers, one after another, from byte `position`; may have written a part when it rejects. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `target` from byte `position`; returns how many bytes there were, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  fsync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** Length of the file in bytes. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

export interface Files {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes the directory; an existing one is fine. */
  mkdir(path: string): Promise<void>;
  /** Names in the directory, in no order; null where there is none. */
  readdir(path: string): Promise<readonly string[] | null>;
  fsyncDirectory(path: string): Promise<void>;
}

const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'wx+', replace: 'w+' };

/** What agents do, hashes of tokens and the secret seed are their owner's alone, wherever a backup puts them. */
const OWNER_ONLY = 0o600;

/** The machine's own file system. */
export const nodeFiles: Files = {
  open: async (path, mode) => openFile(await open(path, FLAGS[mode], OWNER_ONLY)),
  rename,
  unlink,
  mkdir: async (path) => {
    await mkdir(path, { recursive: true });
  },
  readdir: async (path) => {
    try {
      return await readdir(path);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  fsyncDirectory: async (path) => {
    // Windows opens no directories; NTFS journals its names itself.
    if (process.platform === 'win32') return;
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function openFile(handle: FileHandle): OpenFile {
  return {
    write: (buffers, position) => writeAll(handle, buffers, position),
    read: (target, position) => readFully(handle, target, position),
    // A changed length is flushed by fdatasync as well, since the bytes could not be read without it.
    fsync: () => handle.datasync(),
    truncate: (bytes) => handle.truncate(bytes),
    bytes: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  let written = (await handle.writev(buffers as Uint8Array[], position)).bytesWritten;
  if (written === total) return;
  // A short write: the rest is tried on its own, so that the system names the cause (most often a full disk).
  const whole = Buffer.concat(buffers);
  while (written < total) {
    written += (await handle.write(whole, written, total - written, position + written)).bytesWritten;
  }
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** The file or directory does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** The disk, or the share of it that this user may fill, is full: in the system's words or in ours. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'log.disk-full';
}
