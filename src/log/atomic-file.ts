/**
 * A file that is whole or not there: written beside its place, synced, then renamed. Used for checkpoints and for
 * what the log keeps about itself. One writer per path at a time is the caller's duty.
 */
import { dirname } from 'node:path';
import { KilldeerError } from '../errors.js';
import { type Files, isDiskFull, isMissing } from './files.js';

/** What has just been done; after 'renamed' the new bytes are seen, after 'kept' they survive a crash. */
export type AtomicStep = 'opened' | 'written' | 'synced' | 'renamed' | 'kept';

/**
 * Replaces `path` by `bytes`. Before 'renamed' a crash leaves the old file, after 'kept' the new one, between them
 * either, each whole. Rejects with 'log.disk-full', 'log.fsync-failed' or 'log.write-failed'; all may be tried again,
 * because each try writes every byte anew. `failpoint` is called after each step; a test throws from it.
 */
export async function writeAtomic(
  files: Files,
  path: string,
  bytes: Uint8Array,
  failpoint: (step: AtomicStep) => void | Promise<void> = () => {},
): Promise<void> {
  const beside = `${path}.tmp`;
  const progress: { step: AtomicStep | 'begun' } = { step: 'begun' };
  const reached = (step: AtomicStep) => {
    progress.step = step;
    return failpoint(step);
  };
  try {
    const file = await files.open(beside, 'replace');
    try {
      await reached('opened');
      await file.write([bytes], 0);
      await reached('written');
      await file.fsync();
      await reached('synced');
    } finally {
      await file.close();
    }
    await files.rename(beside, path);
    await reached('renamed');
    await files.fsyncDirectory(dirname(path));
    await reached('kept');
  } catch (error) {
    const { step } = progress;
    if (step !== 'renamed' && step !== 'kept') await discard(files, beside);
    throw failure(path, step, error);
  }
}

/** The bytes of a file, or null where there is none. */
export async function readWhole(files: Files, path: string): Promise<Uint8Array | null> {
  let file: Awaited<ReturnType<Files['open']>>;
  try {
    file = await files.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const bytes = new Uint8Array(await file.bytes());
    const length = await file.read(bytes, 0);
    return length === bytes.length ? bytes : bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Gives the space back; the next try replaces what could not be removed. */
async function discard(files: Files, path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch {
    // The error that brought us here is the one to report.
  }
}

function failure(path: string, step: AtomicStep | 'begun', error: unknown): KilldeerError {
  if (error instanceof KilldeerError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (isDiskFull(error)) return new KilldeerError('log.disk-full', `no space to write ${path}: ${reason}`, error);
  const syncing = step === 'written' || step === 'renamed';
  const code = syncing ? 'log.fsync-failed' : 'log.write-failed';
  return new KilldeerError(code, `${path} could not be ${syncing ? 'synced' : 'written'}: ${reason}`, error);
}
