import { describe, expect, it } from 'vitest';
import { type FileLogOptions, openFileLog } from '../../src/log/file-log.js';
import { readAll } from '../contract/log.js';
import { FaultyFiles } from './faulty-files.js';

const topics = { events: 1 };
/** Never looks by itself within a test. */
const NEVER_MS = 1_000_000;

const openWriter = (files: FaultyFiles, more: Partial<FileLogOptions> = {}) =>
  openFileLog({ directory: '/data', topics, files, now: () => 0, ...more });
const openReader = (files: FaultyFiles, pollMs: number) =>
  openFileLog({ directory: '/data', topics, files, readOnly: true, pollMs });

describe('a log read from elsewhere', () => {
  it('may be opened before its writer', async () => {
    const files = new FaultyFiles(1);
    const reader = await openReader(files, 1);
    expect(await reader.end('events', 0)).toBe(0);
    const waiting = reader.wait('events', 0, 1, 60_000);
    const writer = await openWriter(files);
    await writer.append('events', 0, ['a', 'b']);
    expect(await waiting).toBe(true);
    expect(await readAll(reader, 'events', 0)).toEqual(['a', 'b']);
    await reader.close();
    await writer.close();
  });

  it('follows over new and removed segments', async () => {
    const files = new FaultyFiles(1);
    const writer = await openWriter(files, { segmentBytesMax: 700, retainBytesMax: 2100 });
    const reader = await openReader(files, NEVER_MS);
    let offset = 0;
    for (let i = 0; i < 40; i += 1) {
      await writer.append('events', 0, [`record ${i}`, `and ${i}`]);
      const { records, next } = await reader.read('events', 0, offset, 10);
      expect(records.map(({ value }) => value)).toEqual([`record ${i}`, `and ${i}`]);
      offset = next;
    }
    await writer.retain();
    await expect(reader.read('events', 0, 0, 1)).rejects.toMatchObject({ code: 'log.offset-out-of-range' });
    expect(await reader.begin('events', 0)).toBe(await writer.begin('events', 0));
    await reader.close();
    await writer.close();
  });

  it('learns of the durable end from a hint at once', async () => {
    const files = new FaultyFiles(1);
    const writer = await openWriter(files);
    const reader = await openReader(files, NEVER_MS);
    const waiting = reader.wait('events', 0, 0, NEVER_MS);
    await writer.append('events', 0, ['a', 'b', 'c']);
    reader.setDurableEnd('events', 0, 2);
    expect(await waiting).toBe(true);
    reader.setDurableEnd('events', 0, 1);
    expect((await reader.read('events', 0, 0, 10)).records.map(({ value }) => value)).toEqual(['a', 'b']);
    expect((await reader.read('events', 0, 2, 10)).records.map(({ value }) => value)).toEqual(['c']);
    await reader.close();
    await writer.close();
  });

  it('shows nothing that is in the file and not durable', async () => {
    const files = new FaultyFiles(1);
    const writer = await openWriter(files);
    const reader = await openReader(files, NEVER_MS);
    await writer.append('events', 0, ['durable']);
    files.fsyncFailures = 1;
    await expect(writer.append('events', 0, ['written only'])).rejects.toMatchObject({ code: 'log.fsync-failed' });
    expect(await reader.end('events', 0)).toBe(1);
    expect(await readAll(reader, 'events', 0)).toEqual(['durable']);
    await expect(reader.read('events', 0, 2, 1)).rejects.toMatchObject({ code: 'log.offset-out-of-range' });
    await reader.close();
    await writer.close();
  });

  it('verifies what it reads', async () => {
    const files = new FaultyFiles(1);
    const writer = await openWriter(files);
    await writer.append('events', 0, ['record']);
    const [name] = ((await files.readdir('/data/events/0')) ?? []).filter((each) => each.endsWith('.jsonl'));
    const bytes = files.bytesOf(`/data/events/0/${name}`).slice();
    bytes[bytes.length - 2] ^= 1;
    files.spoil(`/data/events/0/${name}`, bytes);
    const reader = await openReader(files, NEVER_MS);
    await expect(reader.read('events', 0, 0, 1)).rejects.toMatchObject({ code: 'log.corrupt' });
    await reader.close();
    await writer.close();
  });

  it('cannot be appended to', async () => {
    const reader = await openReader(new FaultyFiles(1), NEVER_MS);
    await expect(reader.append('events', 0, ['a'])).rejects.toMatchObject({ code: 'log.read-only' });
    await reader.close();
  });
});
