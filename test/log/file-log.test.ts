import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll } from '../contract/log.js';
import { FaultyFiles } from './faulty-files.js';
import { COMMIT_BYTES, HEADER_BYTES, open, segmentPath, writtenBefore } from './written-log.js';

describe('what a file log keeps', () => {
  it('is there again after reopening, whatever the appends, the segments and the way of reading', async () => {
    const line = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll('\n', '\u2028'));
    const appends = fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { maxLength: 12 });
    const limits = {
      segmentBytesMax: fc.integer({ min: 1, max: 3000 }),
      commitUnitsMax: fc.integer({ min: 1, max: 400 }),
    };
    await fc.assert(
      fc.asyncProperty(appends, fc.record(limits), fc.integer({ min: 1, max: 9 }), async (lists, options, max) => {
        const files = new FaultyFiles(1);
        const first = await open(files, options);
        await Promise.all(lists.map((values) => first.append('events', 1, values)));
        await first.close();
        files.restart();
        const second = await open(files, options);
        expect(second.repairs).toEqual([]);
        expect(await readAll(second, 'events', 1, max)).toEqual(lists.flat());
        expect(await second.append('events', 1, ['next'])).toBe(lists.flat().length);
        const from = Math.floor(lists.flat().length / 2);
        expect((await second.read('events', 1, from, 1)).records[0]?.value).toBe(lists.flat()[from] ?? 'next');
        await second.close();
      }),
      { numRuns: 60, seed: 20260101 },
    );
  });

  it('is JSON Lines', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files);
    await log.append('events', 0, ['{"a":1}', '{"b":2}']);
    await log.append('events', 0, ['{"c":3}']);
    await log.close();
    const text = Buffer.from(files.bytesOf(segmentPath(0))).toString();
    const values = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(values).toMatchObject([
      { killdeer: 'segment', version: 1, topic: 'events', partition: 0, first: 0 },
      { killdeer: 'commit', first: 0, count: 2, bytes: 16, position: HEADER_BYTES },
      { a: 1 },
      { b: 2 },
      { killdeer: 'commit', first: 2, count: 1, bytes: 8 },
      { c: 3 },
    ]);
  });

  it('shares one fsync among the appends that came while it wrote', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files);
    await log.append('events', 0, ['opens the segment']);
    const before = files.calls;
    await log.append('events', 0, ['alone']);
    const callsOfOne = files.calls - before;
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.append('events', 0, [`together ${i}`])));
    expect(files.calls - before).toBe(2 * callsOfOne);
    await log.close();
  });

  it('is found quickly in a large segment and on a reopened log', async () => {
    const files = new FaultyFiles(1);
    const values = Array.from({ length: 60 }, (_, i) => `${i} `.padEnd(20_000, 'x'));
    const log = await open(files);
    for (const value of values) await log.append('events', 0, [value]);
    await log.close();
    const again = await open(files);
    for (const offset of [59, 3, 30, 31, 0, 58]) {
      const { records } = await again.read('events', 0, offset, 1);
      expect(records).toEqual([{ offset, value: values[offset] }]);
    }
    await again.close();
  });

  it('belongs to a topic whose partitions do not change', async () => {
    const files = await writtenBefore(1);
    const opening = open(files, { topics: { events: 3 } });
    await expect(opening).rejects.toMatchObject({ code: 'config.invalid' });
    await expect(opening).rejects.toThrow('2 partitions on disk, not 3');
    await expect(open(files, { topics: { '../events': 1 } })).rejects.toMatchObject({ code: 'config.invalid' });
    await expect(open(files, { topics: { events: 0 } })).rejects.toMatchObject({ code: 'config.invalid' });
  });
});

describe('a failing disk', () => {
  it('is fatal for the whole log once an fsync failed, and what was durable is still read', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files);
    await log.append('events', 0, ['durable']);
    await log.append('events', 1, ['durable']);
    files.fsyncFailures = 1;
    const waiting = [log.append('events', 0, ['lost']), log.append('events', 0, ['lost too'])];
    for (const append of waiting)
      await expect(append).rejects.toMatchObject({ code: 'log.fsync-failed', retry: false });
    const calls = files.calls;
    await expect(log.append('events', 0, ['later'])).rejects.toMatchObject({ code: 'log.fsync-failed' });
    await expect(log.append('events', 1, ['later'])).rejects.toMatchObject({ code: 'log.fsync-failed' });
    expect(files.calls).toBe(calls);
    expect(await log.end('events', 0)).toBe(1);
    expect(await readAll(log, 'events', 0)).toEqual(['durable']);
    await log.close();
  });

  it('is fatal where the name of a new segment cannot be synced', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files, { segmentBytesMax: 1 });
    await log.append('events', 0, ['a']);
    files.fsyncFailures = 1;
    await expect(log.append('events', 0, ['b'])).rejects.toMatchObject({ code: 'log.fsync-failed' });
    await expect(log.append('events', 0, ['b'])).rejects.toMatchObject({ code: 'log.fsync-failed' });
    await log.close();
  });

  it('keeps nothing of an append that found the disk full, and goes on once there is room', async () => {
    for (const roomBytes of [0, 1, 100, COMMIT_BYTES, COMMIT_BYTES + 5]) {
      const files = new FaultyFiles(1);
      const log = await open(files);
      await log.append('events', 0, ['first']);
      const before = files.bytesOf(segmentPath(0)).length;
      // What there is besides the segment: the description of the topic and the two announced ends.
      files.diskBytesMax = before + roomBytes + '{"partitions":2}\n'.length + 2 * 42;
      const appending = log.append('events', 0, ['does not fit']);
      await expect(appending).rejects.toMatchObject({ code: 'log.disk-full', retry: true });
      expect(files.bytesOf(segmentPath(0)).length).toBe(before);
      expect(await log.end('events', 0)).toBe(1);
      files.diskBytesMax = Number.POSITIVE_INFINITY;
      expect(await log.append('events', 0, ['fits'])).toBe(1);
      await log.close();
      const again = await open(files);
      expect(again.repairs).toEqual([]);
      expect(await readAll(again, 'events', 0)).toEqual(['first', 'fits']);
      await again.close();
    }
  });

  it('leaves no half-made segment behind when full', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files, { segmentBytesMax: 1 });
    await log.append('events', 0, ['first']);
    files.diskBytesMax = 0;
    await expect(log.append('events', 0, ['second'])).rejects.toMatchObject({ code: 'log.disk-full' });
    expect(await files.readdir('/data/events/0')).toEqual(['durable-end', '00000000000000000000.jsonl']);
    files.diskBytesMax = Number.POSITIVE_INFINITY;
    await log.append('events', 0, ['second']);
    expect(await readAll(log, 'events', 0)).toEqual(['first', 'second']);
    await log.close();
  });

  it('is fatal where what did not fit cannot be taken back', async () => {
    const files = new FaultyFiles(1);
    const log = await open(files);
    await log.append('events', 0, ['first']);
    files.diskBytesMax = 0;
    files.truncateFailures = 1;
    await expect(log.append('events', 0, ['second'])).rejects.toMatchObject({ code: 'log.write-failed', retry: false });
    files.diskBytesMax = Number.POSITIVE_INFINITY;
    await expect(log.append('events', 0, ['third'])).rejects.toMatchObject({ code: 'log.write-failed' });
    await log.close();
  });
});
