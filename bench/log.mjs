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

const RECORDS = 96_000;
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
    const measureBare = () => bareRun(join(folder, `bare-${i}`), batches);
    const first = i % 2 === 0 ? await measureBare() : null;
    const log = await logRun(join(folder, `log-${i}`), batches);
    // Which goes first changes: whoever does pays for what the disk still has to write of the run before.
    const bare = first ?? (await measureBare());
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

/** Each read ends with its last whole line; the next one begins there. */
async function readLines(file) {
  const chunk = Buffer.alloc(READ_BYTES);
  let count = 0;
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES, position);
    const last = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (last === -1) return count;
    count += chunk.toString('utf8', 0, last).split('\n').length;
    position += last + 1;
  }
}
