/** File logs on a disk in memory, and what is known of their bytes. */
import { type FileLog, type FileLogOptions, openFileLog } from '../../src/log/file-log.js';
import { checksum, encodeCommitHeader } from '../../src/log/frame.js';
import { FaultyFiles } from './faulty-files.js';

const SALT = '00c0ffee';
export const HEADER_BYTES = 256;
export const COMMIT_BYTES = 176;

export function open(files: FaultyFiles, more: Partial<FileLogOptions> = {}): Promise<FileLog> {
  return openFileLog({ directory: '/data', topics: { events: 2 }, files, salt: () => SALT, now: () => 0, ...more });
}

export const segmentPath = (first: number, partition = 0) =>
  `/data/events/${partition}/${`${first}`.padStart(20, '0')}.jsonl`;

/** A commit as the log would write it, made by hand. */
export function commitBytes(first: number, values: readonly string[], position: number): Buffer {
  const body = Buffer.from(`${values.join('\n')}\n`);
  const header = { first, count: values.length, bytes: body.length, position, timeMs: 0, checksum: checksum(body) };
  return Buffer.concat([encodeCommitHeader(header, SALT), body]);
}

/** A closed log with one record a commit in partition 0: 'record 0', 'record 1' and so on. */
export async function writtenBefore(count: number, more: Partial<FileLogOptions> = {}): Promise<FaultyFiles> {
  const files = new FaultyFiles(1);
  const log = await open(files, more);
  for (let i = 0; i < count; i += 1) await log.append('events', 0, [`record ${i}`]);
  await log.close();
  return files;
}

/** Bytes of each commit that writtenBefore makes of a single-digit record. */
export const ONE_COMMIT = COMMIT_BYTES + 'record 0\n'.length;
