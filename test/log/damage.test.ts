import { describe, expect, it } from 'vitest';
import { readAll } from '../contract/log.js';
import {
  COMMIT_BYTES,
  commitBytes,
  HEADER_BYTES,
  ONE_COMMIT,
  open,
  segmentPath,
  writtenBefore,
} from './written-log.js';

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
    // Nothing is cut off before a person has decided to go on without them.
    expect(files.bytesOf(segmentPath(0)).length).toBe(HEADER_BYTES + 3 * ONE_COMMIT - 1);
    await files.unlink('/data/events/0/durable-end');
    const log = await open(files);
    expect(log.repairs.length).toBe(1);
    expect(await readAll(log, 'events', 0)).toEqual(['record 0', 'record 1']);
    await log.close();
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
      (bytes: Uint8Array) =>
        bytes.fill(65, HEADER_BYTES + ONE_COMMIT + COMMIT_BYTES, HEADER_BYTES + 2 * ONE_COMMIT - 1),
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
      expect((await log.read('events', 0, 6, 10)).records.map(({ offset }) => offset)).toEqual([6, 7, 8]);
      await log.close();
    }
  });
});
