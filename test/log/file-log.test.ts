import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileLog, type FileLogOptions, openFileLog } from '../../src/log/file-log.js';
import { checksum, encodeCommitHeader } from '../../src/log/frame.js';
import { readAll } from '../contract/log.js';
import { FaultyFiles } from './faulty-files.js';

const SALT = '00c0ffee';
const HEADER_BYTES = 256;
const COMMIT_BYTES = 176;

function open(files: FaultyFiles, more: Partial<FileLogOptions> = {}): Promise<FileLog> {
  return openFileLog({ directory: '/data', topics: { events: 2 }, files, salt: () => SALT, now: () => 0, ...more });
}

const segmentPath = (first: number, partition = 0) => `/data/events/${partition}/${`${first}`.padStart(20, '0')}.jsonl`;

/** A commit as the log would write it, made by hand. */
function commitBytes(first: number, values: readonly string[], position: number): Buffer {
  const body = Buffer.from(`${values.join('\n')}\n`);
  const header = { first, count: values.length, bytes: body.length, position, timeMs: 0, checksum: checksum(body) };
  return Buffer.concat([encodeCommitHeader(header, SALT), body]);
}

/** A closed log with one record a commit in partition 0: 'record 0', 'record 1' and so on. */
async function writtenBefore(count: number, more: Partial<FileLogOptions> = {}): Promise<FaultyFiles> {
  const files = new FaultyFiles(1);
  const log = await open(files, more);
  for (let i = 0; i < count; i += 1) await log.append('events', 0, [`record ${i}`]);
  await log.close();
  return files;
}

/** Bytes of each commit that writtenBefore makes of a single-digit record. */
const ONE_COMMIT = COMMIT_BYTES + 'record 0\n'.length;

describe('what a file log keeps', () => {
  it('is there again after reopening, whatever the appends, the segments and the way of reading', async () => {
    const line = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll('\n', '\u2028'));
    const appends = fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { maxLength: 12 });
    const limits = { segmentBytesMax: fc.integer({ min: 1, max: 3000 }), commitUnitsMax: fc.integer({ min: 1, max: 400 }) };
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
    const values = text.trimEnd().split('\n').map((line) => JSON.parse(line));
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

describe('a torn tail', () => {
  it('is cut off and reported, wherever it was torn', async () => {
    const whole = commitBytes(2, ['torn', 'off'], HEADER_BYTES + 2 * ONE_COMMIT);
    for (let length = 1; length < whole.length; length += 1) {
      const files = await writtenBefore(2);
      const before = files.bytesOf(segmentPath(0));
      files.spoil(segmentPath(0), Buffer.concat([before, whole.subarray(0, length)]));
      const log = await open(files);
      expect(log.repairs).toMatchObject([{ path: segmentPath(0), position: before.length, bytesCut: length }]);
      expect(files.bytesOf(segmentPath(0)).length).toBe(before.length);
      await log.append('events', 0, ['record 2']);
      expect(await readAll(log, 'events', 0)).toEqual(['record 0', 'record 1', 'record 2']);
      await log.close();
    }
  });

  it('may have lost any of its sectors', async () => {
    const files = await writtenBefore(2);
    const before = files.bytesOf(segmentPath(0));
    const torn = commitBytes(2, ['x'.repeat(2000)], before.length);
    // The header is gone, records that look like headers are not.
    const forged = [JSON.stringify({ killdeer: 'commit', first: 3 }), commitBytes(3, ['a'], 1).toString().trimEnd()];
    const gone = commitBytes(2, [...forged, 'b'], before.length).fill(0, 0, COMMIT_BYTES);
    for (const tail of [torn.fill(0, 512, 1024), gone]) {
      files.spoil(segmentPath(0), Buffer.concat([before, tail]));
      const log = await open(files);
      expect(log.repairs.length).toBe(1);
      expect(await readAll(log, 'events', 0)).toEqual(['record 0', 'record 1']);
      await log.close();
    }
  });

  it('may be a segment that was being made', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(HEADER_BYTES), Buffer.from('{"killdeer":"seg')]) {
      const files = await writtenBefore(2);
      await (await files.open(segmentPath(2), 'create')).write([bytes], 0);
      const log = await open(files);
      expect(log.repairs).toMatchObject([{ path: segmentPath(2), position: 0, bytesCut: bytes.length }]);
      expect(await log.append('events', 0, ['record 2'])).toBe(2);
      await log.close();
    }
  });

  it('is no torn tail when it had been acknowledged', async () => {
    const files = await writtenBefore(3);
    files.spoil(segmentPath(0), files.bytesOf(segmentPath(0)).subarray(0, -1));
    const opening = open(files);
    await expect(opening).rejects.toMatchObject({ code: 'log.corrupt' });
    await expect(opening).rejects.toThrow(/records 2 to 2 were acknowledged and are gone/);
  });
});

describe('damage before the tail', () => {
  it('is refused when opening, naming file and byte', async () => {
    for (const offsetInCommit of [0, 40, COMMIT_BYTES - 1, COMMIT_BYTES + 3]) {
      const files = await writtenBefore(4);
      const position = HEADER_BYTES + ONE_COMMIT;
      const bytes = files.bytesOf(segmentPath(0)).slice();
      bytes[position + offsetInCommit] ^= 1;
      files.spoil(segmentPath(0), bytes);
      const opening = open(files);
      await expect(opening).rejects.toMatchObject({ code: 'log.corrupt' });
      await expect(opening).rejects.toThrow(`${segmentPath(0)} is damaged at byte ${position}`);
    }
  });

  it('is refused where it is the first line', async () => {
    const files = await writtenBefore(1);
    files.spoil(segmentPath(0), files.bytesOf(segmentPath(0)).slice().fill(32, 0, 10));
    await expect(open(files)).rejects.toMatchObject({ code: 'log.corrupt' });
  });

  it('is refused where a segment is missing or another one stands in its place', async () => {
    const small = { segmentBytesMax: 1 };
    const middle = await writtenBefore(4, small);
    await middle.unlink(segmentPath(2));
    await expect(open(middle, small)).rejects.toThrow(`the segment before it is missing: ${segmentPath(2)}`);
    const last = await writtenBefore(4, small);
    await last.unlink(segmentPath(3));
    await expect(open(last, small)).rejects.toThrow('records 3 to 3 were acknowledged and are gone');
    const foreign = await writtenBefore(4, small);
    await foreign.rename(segmentPath(3), segmentPath(4));
    await expect(open(foreign, small)).rejects.toMatchObject({ code: 'log.corrupt' });
  });

  it('in an older segment stops the read there and skips nothing', async () => {
    const small = { segmentBytesMax: HEADER_BYTES + 3 * ONE_COMMIT };
    for (const spoil of [
      (bytes: Uint8Array) => bytes.fill(65, HEADER_BYTES + ONE_COMMIT + COMMIT_BYTES, HEADER_BYTES + 2 * ONE_COMMIT - 1),
      (bytes: Uint8Array) => bytes.subarray(0, HEADER_BYTES + ONE_COMMIT),
      (bytes: Uint8Array) => bytes.subarray(0, HEADER_BYTES + ONE_COMMIT + 20),
    ]) {
      const files = await writtenBefore(9, small);
      files.spoil(segmentPath(3), spoil(files.bytesOf(segmentPath(3)).slice()));
      const log = await open(files, small);
      expect((await log.read('events', 0, 0, 4)).records.length).toBe(4);
      const where = `${segmentPath(3)} is damaged at byte ${HEADER_BYTES + ONE_COMMIT}`;
      await expect(log.read('events', 0, 4, 10)).rejects.toThrow(where);
      await expect(log.read('events', 0, 0, 10)).rejects.toThrow(where);
      await expect(log.read('events', 0, 5, 10)).rejects.toMatchObject({ code: 'log.corrupt' });
      expect((await log.read('events', 0, 6, 10)).records.map(({ offset }) => offset)).toEqual([6, 7, 8]);
      await log.close();
    }
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
    for (const append of waiting) await expect(append).rejects.toMatchObject({ code: 'log.fsync-failed', retry: false });
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

describe('retention', () => {
  /** One record a segment. */
  const small = { segmentBytesMax: 1 };
  const segmentBytes = HEADER_BYTES + ONE_COMMIT;

  it('by size removes the oldest segments after a new one is begun', async () => {
    const files = await writtenBefore(9, { ...small, retainBytesMax: 3 * segmentBytes });
    const log = await open(files, { ...small, retainBytesMax: 3 * segmentBytes });
    expect(await log.retain()).toBe(0);
    expect(await readAll(log, 'events', 0)).toEqual(['record 6', 'record 7', 'record 8']);
    await log.close();
  });

  it('by age goes by the last commit of a segment, on a reopened log as well, and spares the last segment', async () => {
    const clock = { ms: 1000 };
    const options = { ...small, retainAgeMs: 100, now: () => clock.ms };
    const files = new FaultyFiles(1);
    const log = await open(files, options);
    for (let i = 0; i < 5; i += 1) {
      await log.append('events', 0, [`record ${i}`]);
      clock.ms += 10;
    }
    await log.close();
    const again = await open(files, options);
    clock.ms = 1121;
    expect(await again.retain()).toBe(3);
    expect(await again.begin('events', 0)).toBe(3);
    clock.ms = 9999;
    expect(await again.retain()).toBe(1);
    expect(await readAll(again, 'events', 0)).toEqual(['record 4']);
    await again.close();
  });

  it('never removes what somebody still needs', async () => {
    const files = await writtenBefore(6, small);
    const log = await open(files, { ...small, retainBytesMax: 0 });
    log.keepFrom('events', 0, 2);
    expect(await log.retain()).toBe(2);
    expect(await log.begin('events', 0)).toBe(2);
    log.keepFrom('events', 0, 4);
    expect(await log.retain()).toBe(2);
    expect(await readAll(log, 'events', 0)).toEqual(['record 4', 'record 5']);
    await log.close();
  });

  it('cut short by a crash leaves no gap', async () => {
    for (let calls = 0; calls < 12; calls += 1) {
      const files = await writtenBefore(6, small);
      files.restart();
      const log = await open(files, { ...small, retainBytesMax: segmentBytes });
      files.callsUntilCrash = calls;
      await log.retain().catch(() => {});
      files.restart();
      const again = await open(files, small);
      const kept = await readAll(again, 'events', 0);
      expect(kept).toEqual(['record 0', 'record 1', 'record 2', 'record 3', 'record 4', 'record 5'].slice(-kept.length));
      await again.close();
    }
  });
});
