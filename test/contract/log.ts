/** The one suite that every implementation of the Log contract passes. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.js';

export interface LogUnderTest {
  readonly log: Log;
  /** Appends what it takes for partition 1 of `events` to forget its first record. */
  forget(): Promise<void>;
  dispose(): Promise<void>;
}

/** `open` gives a new empty log with the topics events (3 partitions) and findings (1). */
export function logContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name} is a log`, () => {
    const opened: LogUnderTest[] = [];
    const openOne = async () => {
      const one = await open();
      opened.push(one);
      return one;
    };
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.dispose();
    });

    it('knows the partitions of its topics', async () => {
      const { log } = await openOne();
      expect(log.partitions('events')).toBe(3);
      expect(log.partitions('findings')).toBe(1);
      expect(() => log.partitions('absent')).toThrow(expect.objectContaining({ code: 'log.unknown-partition' }));
      await expect(log.append('events', 3, ['a'])).rejects.toMatchObject({ code: 'log.unknown-partition' });
    });

    it('is empty at first', async () => {
      const { log } = await openOne();
      expect(await log.begin('events', 0)).toBe(0);
      expect(await log.end('events', 0)).toBe(0);
      expect(await log.read('events', 0, 0, 10)).toEqual({ records: [], next: 0 });
    });

    it('numbers records from 0 and gives the offset of the first', async () => {
      const { log } = await openOne();
      expect(await log.append('events', 0, ['a', 'b', 'c'])).toBe(0);
      expect(await log.append('events', 0, ['d'])).toBe(3);
      expect(await log.append('events', 0, [])).toBe(4);
      expect(await log.end('events', 0)).toBe(4);
      expect(await readAll(log, 'events', 0)).toEqual(['a', 'b', 'c', 'd']);
    });

    it('keeps partitions and topics apart', async () => {
      const { log } = await openOne();
      await log.append('events', 0, ['zero']);
      await log.append('events', 2, ['two', 'two more']);
      await log.append('findings', 0, ['finding']);
      expect(await readAll(log, 'events', 0)).toEqual(['zero']);
      expect(await readAll(log, 'events', 1)).toEqual([]);
      expect(await readAll(log, 'events', 2)).toEqual(['two', 'two more']);
      expect(await readAll(log, 'findings', 0)).toEqual(['finding']);
    });

    it('reads from any offset, at most as many as asked for', async () => {
      const { log } = await openOne();
      for (let i = 0; i < 20; i += 1) await log.append('events', 0, [`r${2 * i}`, `r${2 * i + 1}`]);
      for (let offset = 0; offset < 40; offset += 7) {
        const { records, next } = await log.read('events', 0, offset, 3);
        const expected = [0, 1, 2].filter((i) => offset + i < 40).map((i) => offset + i);
        expect(records).toEqual(expected.map((at) => ({ offset: at, value: `r${at}` })));
        expect(next).toBe(offset + expected.length);
      }
      expect(await log.read('events', 0, 5, 0)).toEqual({ records: [], next: 5 });
    });

    it('refuses an offset outside of the range and names the range', async () => {
      const { log } = await openOne();
      await log.append('events', 0, ['a', 'b']);
      for (const offset of [-1, 3, 1.5, Number.NaN]) {
        const reading = log.read('events', 0, offset, 1);
        await expect(reading).rejects.toMatchObject({ code: 'log.offset-out-of-range' });
        await expect(reading).rejects.toThrow('0 to 2');
      }
    });

    it('never skips what it forgot', async () => {
      const { log, forget } = await openOne();
      await forget();
      const begin = await log.begin('events', 1);
      const end = await log.end('events', 1);
      expect(begin).toBeGreaterThan(0);
      const reading = log.read('events', 1, 0, 1);
      await expect(reading).rejects.toMatchObject({ code: 'log.offset-out-of-range' });
      await expect(reading).rejects.toThrow(`${begin} to ${end}`);
      expect((await log.read('events', 1, begin, 1)).records[0]?.offset).toBe(begin);
    });

    it('returns every record as it was', async () => {
      const { log } = await openOne();
      const values = [
        '',
        ' ',
        '{"a":1}',
        '\u2028 and \u2029 and \u0085',
        'carriage\rreturn\r',
        '\u0000\ufeff',
        '\u{1f426} killdeer \u00e9',
        '{"killdeer":"commit","first":0}',
        'x'.repeat(1024 * 1024),
        '\u00fc'.repeat(1024 * 1024),
        '',
      ];
      await log.append('events', 0, values);
      await log.append('events', 0, ['']);
      expect(await readAll(log, 'events', 0)).toEqual([...values, '']);
    });

    it('refuses what is not one line of text, and nothing of that append is kept', async () => {
      const { log } = await openOne();
      for (const value of ['a\nb', '\n', 'b\r\n', 'half \ud83d']) {
        const appending = log.append('events', 0, ['good', value]);
        await expect(appending).rejects.toMatchObject({ code: 'log.bad-record', retry: false });
        await expect(appending).rejects.toThrow('record 1 of the 2');
      }
      expect(await log.end('events', 0)).toBe(0);
    });

    it('keeps concurrent appends whole and in the order of their calls', async () => {
      const { log } = await openOne();
      const appends = Array.from({ length: 200 }, (_, i) =>
        Array.from({ length: 1 + (i % 3) }, (_unused, j) => `${i}.${j}`),
      );
      const firsts = await Promise.all(appends.map((values) => log.append('events', 0, values)));
      let expected = 0;
      for (const [i, values] of appends.entries()) {
        expect(firsts[i]).toBe(expected);
        expected += values.length;
      }
      expect(await readAll(log, 'events', 0, 17)).toEqual(appends.flat());
    });

    it('serves readers that stand at different places', async () => {
      const { log } = await openOne();
      const values = Array.from({ length: 300 }, (_, i) => `value ${i}`);
      for (let i = 0; i < 300; i += 25) await log.append('events', 0, values.slice(i, i + 25));
      const readers = [1, 7, 40, 300].map((max) => readAll(log, 'events', 0, max));
      for (const read of await Promise.all(readers)) expect(read).toEqual(values);
    });

    it('waits for a record', async () => {
      const { log } = await openOne();
      await log.append('events', 0, ['a']);
      expect(await log.wait('events', 0, 0, 0)).toBe(true);
      expect(await log.wait('events', 0, 1, 0)).toBe(false);
      expect(await log.wait('events', 0, 1, 1)).toBe(false);
      const waiting = log.wait('events', 0, 2, 60_000);
      const elsewhere = log.wait('events', 1, 0, 60_000);
      await log.append('events', 0, ['b', 'c']);
      expect(await waiting).toBe(true);
      expect((await log.read('events', 0, 2, 1)).records).toEqual([{ offset: 2, value: 'c' }]);
      await log.append('events', 1, ['a']);
      expect(await elsewhere).toBe(true);
    });

    it('ends every wait and refuses every call once closed', async () => {
      const { log } = await openOne();
      const waiting = log.wait('events', 0, 0, 60_000);
      await log.close();
      expect(await waiting).toBe(false);
      expect(await log.wait('events', 0, 0, 60_000)).toBe(false);
      await expect(log.append('events', 0, ['a'])).rejects.toMatchObject({ code: 'log.closed' });
      await expect(log.read('events', 0, 0, 1)).rejects.toMatchObject({ code: 'log.closed' });
      await expect(log.end('events', 0)).rejects.toMatchObject({ code: 'log.closed' });
      await log.close();
    });
  });
}

/** Every record of a partition from its beginning, read in steps of `max`; checks that offsets have no gaps. */
export async function readAll(log: Log, topic: string, partition: number, max = 1000): Promise<string[]> {
  const values: string[] = [];
  let offset = await log.begin(topic, partition);
  const end = await log.end(topic, partition);
  while (offset < end) {
    const { records, next } = await log.read(topic, partition, offset, max);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) {
      expect(record.offset).toBe(offset);
      offset += 1;
      values.push(record.value);
    }
    expect(next).toBe(offset);
  }
  return values;
}
