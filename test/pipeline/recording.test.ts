import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isRejection } from '../../src/event/event.js';
import type { Line } from '../../src/event/lines.js';
import { createRandom } from '../../src/math/random.js';
import { openRecording } from '../../src/pipeline/recording.js';
import { freshDir, LINES, PRICES } from './replay-world.js';

const TEXT = LINES.slice(0, 3000)
  .map((line) => `${line}\n`)
  .join('');

interface Read {
  readonly lines: Line[];
  readonly ids: string[];
  readonly rejected: { code: string; position: number }[];
  readonly largest: number;
}

async function readAll(path: string, from = 0): Promise<Read> {
  const recording = await openRecording(path, PRICES);
  const read: Read & { largest: number } = { lines: [], ids: [], rejected: [], largest: 0 };
  let next = from;
  for await (const { first, decoded, lines } of recording.batches(from)) {
    expect(first).toBe(next);
    expect(lines.length).toBe(decoded.length);
    next += lines.length;
    read.largest = Math.max(read.largest, lines.length);
    read.lines.push(...lines);
    for (const each of decoded) {
      if (each === null) continue;
      if (isRejection(each)) read.rejected.push({ code: each.code, position: each.position });
      else read.ids.push(each.id);
    }
  }
  return read;
}

async function written(name: string, bytes: string | Uint8Array): Promise<string> {
  const path = join(await freshDir(), name);
  await writeFile(path, bytes);
  return path;
}

test('a plain file, a compressed one and a folder with either give the same lines', async () => {
  const plain = await written('events.jsonl', TEXT);
  const packed = await written('events.jsonl.gz', gzipSync(TEXT));
  const expected = await readAll(plain);
  expect(expected.lines).toEqual(LINES.slice(0, 3000));
  expect(expected.rejected).toEqual([]);
  expect(expected.largest).toBeLessThanOrEqual(2000);
  expect(await readAll(packed)).toEqual(expected);
  expect(await readAll(join(plain, '..'))).toEqual(expected);
  expect(await readAll(join(packed, '..'))).toEqual(expected);
});

test('reading from a line number gives the rest, with its own numbers', async () => {
  const path = await written('events.jsonl.gz', gzipSync(TEXT));
  for (const from of [1, 1999, 2000, 2001, 2999]) {
    expect((await readAll(path, from)).lines).toEqual(LINES.slice(from, 3000));
  }
  expect((await readAll(path, 3000)).lines).toEqual([]);
});

test('members compressed one after another are one recording', async () => {
  const path = await written('a.jsonl.gz', Buffer.concat([gzipSync(TEXT.slice(0, 5000)), gzipSync(TEXT.slice(5000))]));
  expect((await readAll(path)).lines).toEqual(LINES.slice(0, 3000));
});

test('a compressed file cut anywhere gives the lines before the cut, then says so', async () => {
  const packed = gzipSync(TEXT);
  const random = createRandom('cut');
  for (let i = 0; i < 20; i++) {
    const at = 64 + Math.floor(random.next() * (packed.length - 64));
    const read = await readAll(await written('events.jsonl.gz', packed.subarray(0, at)));
    const whole = read.lines.slice(0, -2);
    expect(whole).toEqual(LINES.slice(0, whole.length));
    expect(read.rejected.at(-1)).toEqual({ code: 'recording.truncated', position: read.lines.length - 1 });
    expect(read.rejected.length).toBeLessThanOrEqual(2);
  }
});

test('a damaged compressed file never throws, and is the same each time', async () => {
  const packed = gzipSync(TEXT);
  const random = createRandom('damage');
  for (let i = 0; i < 10; i++) {
    const bytes = Buffer.from(packed);
    bytes[20 + Math.floor(random.next() * (bytes.length - 20))] ^= 0x55;
    const path = await written('events.jsonl.gz', bytes);
    const read = await readAll(path);
    expect(read.rejected.at(-1)?.code).toBe('recording.truncated');
    expect(await readAll(path)).toEqual(read);
  }
});

test('junk, blank lines, foreign line ends and a missing last end keep their line numbers', async () => {
  const [a, b, c] = LINES;
  const bad = Buffer.from([0x7b, 0xff, 0xfe, 0x0a]);
  const head = Buffer.from(`\ufeff${a}\r\n\nnot json\n[1]\n${'x'.repeat(300_000)}\n${b}\n`);
  const read = await readAll(await written('events.jsonl', Buffer.concat([head, bad, Buffer.from(c)])));
  expect(read.ids).toEqual([a, b, c].map((line) => (JSON.parse(line) as { id: string }).id));
  expect(read.rejected).toEqual([
    { code: 'event.bad-json', position: 2 },
    { code: 'event.invalid', position: 3 },
    { code: 'event.too-long', position: 4 },
    { code: 'event.bad-utf8', position: 6 },
  ]);
  expect(read.lines.length).toBe(8);
});

test('an empty file is an empty recording', async () => {
  expect((await readAll(await written('events.jsonl', ''))).lines).toEqual([]);
});

test('what is no recording is named with what was looked for', async () => {
  const dir = await freshDir();
  const refused = (path: string) =>
    openRecording(path, PRICES).then(
      () => null,
      (error) => error,
    );
  expect(await refused(join(dir, 'gone'))).toMatchObject({ code: 'recording.unreadable' });
  const empty = await refused(dir);
  expect(empty).toMatchObject({ code: 'recording.unreadable' });
  expect(empty.message).toContain(dir);
  expect(empty.message).toContain('events.jsonl.gz');
  await writeFile(join(dir, 'events.csv'), 'a,b\n');
  expect((await refused(join(dir, 'events.csv'))).message).toContain('.jsonl');
  await mkdir(join(dir, 'events.jsonl'));
  expect(await refused(dir)).toMatchObject({ code: 'recording.unreadable' });
  const both = await freshDir();
  await writeFile(join(both, 'events.jsonl'), '');
  await writeFile(join(both, 'events.jsonl.gz'), '');
  expect((await refused(both)).message).toContain('both');
  const fake = await written('events.jsonl.gz', 'this was never compressed\n'.repeat(100));
  await expect(readAll(fake)).rejects.toMatchObject({ code: 'recording.unreadable' });
});
