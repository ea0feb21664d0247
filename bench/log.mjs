/**
 * The file log beside what it stands on: the same bytes written to one file with one fdatasync a commit, and read
 * back. The log adds headers, checksums, an index and the turn of the event loop.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileLog } from '../dist/log/file-log.js';
import { Fleet } from './fleet.mjs';
import { compare, RUNS, row, secondsOf } from './measure.mjs';
import { inFolder } from './parts.mjs';

const RECORDS = 64_000;
/** Records an append; each append is one commit, because the next waits for it. */
const APPENDS = [500, 4_000];
const READ_RECORDS = 1_000;
const READ_BYTES = 262_144;
const MB = 1e6;

export async function run() {
  const fleet = new Fleet(1_000);
  const lines = Array.from({ length: RECORDS }, () => fleet.line());
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  const rows = [];
  for (const size of APPENDS) rows.push(...(await inFolder((folder) => measure(folder, lines, size, bytes / MB))));
  return rows;
}

async function measure(folder, lines, size, mb) {
  const batches = [];
  for (let at = 0; at < lines.length; at += size) batches.push(lines.slice(at, at + size));
  const appends = [];
  const reads = [];
  for (let i = 0; i <= RUNS; i++) {
    const bare = await bareRun(join(folder, `bare-${i}`), batches);
    const log = await logRun(join(folder, `log-${i}`), batches);
    if (i === 0) continue;
    appends.push({ ours: mb / log.appendS, reference: mb / bare.appendS });
    reads.push({ ours: mb / log.readS, reference: mb / bare.readS });
  }
  const name = `${size.toLocaleString('en-US')} records a commit`;
  return [
    row('log', `append, ${name}`, 'MB/s', compare(appends), 'write + fdatasync'),
    row('log', `read, ${name}`, 'MB/s', compare(reads), 'read + split'),
  ];
}

async function logRun(directory, batches) {
  const log = await openFileLog({ directory, topics: { events: 1 } });
  try {
    const appendS = await secondsOf(async () => {
      for (const batch of batches) await log.append('events', 0, batch);
    });
    const readS = await secondsOf(async () => {
      const end = await log.end('events', 0);
      for (let at = 0; at < end; ) at = (await log.read('events', 0, at, READ_RECORDS)).next;
    });
    return { appendS, readS };
  } finally {
    await log.close();
  }
}

async function bareRun(path, batches) {
  const file = await open(path, 'w+');
  try {
    const appendS = await secondsOf(async () => {
      for (const batch of batches) {
        await file.write(Buffer.from(`${batch.join('\n')}\n`));
        await file.datasync();
      }
    });
    const readS = await secondsOf(() => readLines(file));
    return { appendS, readS };
  } finally {
    await file.close();
  }
}

/** A line cut by a chunk's end is put together again, as any reader of lines must. */
async function readLines(file) {
  const chunk = Buffer.alloc(READ_BYTES);
  let held = '';
  let count = 0;
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, position);
    if (bytesRead === 0) return count;
    position += bytesRead;
    const lines = (held + chunk.toString('latin1', 0, bytesRead)).split('\n');
    held = lines.pop();
    count += lines.length;
  }
}
