import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/log/crc32c.js';
import { decodeBatches } from '../../src/log/kafka-batch.js';
import { encodeBatch } from '../../src/log/kafka-produce.js';

const IDENTITY = { producerId: 7n, producerEpoch: 0, sequence: 0 };

/** A batch as it stands in a partition: the broker has given it its place. */
function batchAt(base: number, values: readonly string[], flags = 0, producerId = 7n): Buffer {
  const batch = encodeBatch(
    values.map((value) => Buffer.from(value)),
    { ...IDENTITY, producerId },
    0,
    1_700_000_000_000,
  );
  batch.writeBigInt64BE(BigInt(base), 0);
  batch.writeInt16BE(flags, 21);
  return sealed(batch);
}

function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The marker that ends a transaction: one record whose key is its version and its kind. */
function markerAt(base: number, kind: 'abort' | 'commit', producerId: bigint): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]);
  const record = Buffer.concat([Buffer.from([0, 0, 0, key.length * 2]), key, Buffer.from([0, 0])]);
  const head = batchAt(base, [''], TRANSACTIONAL | CONTROL, producerId).subarray(0, 61);
  const batch = Buffer.concat([head, Buffer.from([record.length * 2]), record]);
  batch.writeInt32BE(batch.length - 12, 8);
  return sealed(batch);
}

function read(set: Buffer, from: number, aborted: { producer: number; first: number }[] = []) {
  const { records, next } = decodeBatches(set, from, aborted, 'events/0');
  return { values: records.map(({ offset, value }) => `${offset}:${value}`), next };
}

describe('a record set', () => {
  it('gives back what was encoded', () => {
    const value = fc.oneof(
      fc.string(),
      fc.nat({ max: 40_000 }).map((length) => 'x'.repeat(length)),
    );
    const values = fc.array(value, { minLength: 1, maxLength: 200 });
    const base = fc.nat({ max: Number.MAX_SAFE_INTEGER - 1000 });
    fc.assert(
      fc.property(base, values, fc.constantFrom(0, 1), (at, written, codec) => {
        const buffers = written.map((text) => Buffer.from(text));
        const set = encodeBatch(buffers, IDENTITY, codec, 1_700_000_000_000);
        set.writeBigInt64BE(BigInt(at), 0);
        const { records, next } = decodeBatches(set, at, [], 'events/0');
        expect(records.map((record) => record.value?.toString())).toEqual(written);
        expect(records.map(({ offset }) => offset)).toEqual(written.map((_, i) => at + i));
        expect(
          records.every(
            ({ timeMs, key, headers }) => timeMs === 1_700_000_000_000 && key === null && headers.length === 0,
          ),
        ).toBe(true);
        expect(next).toBe(at + written.length);
      }),
    );
  });

  it('skips what stands before the offset, and leaves a batch that is cut off for later', () => {
    const set = Buffer.concat([batchAt(10, ['a', 'b', 'c']), batchAt(13, ['d', 'e'])]);
    expect(read(set, 11)).toEqual({ values: ['11:b', '12:c', '13:d', '14:e'], next: 15 });
    for (let bytes = 0; bytes < set.length; bytes += 1) {
      const whole = bytes >= batchAt(10, ['a', 'b', 'c']).length;
      const expected = whole ? { values: ['10:a', '11:b', '12:c'], next: 13 } : { values: [], next: 10 };
      expect(read(set.subarray(0, bytes), 10)).toEqual(expected);
    }
  });

  it('goes beyond batches that compaction emptied', () => {
    const empty = batchAt(10, ['a', 'b', 'c']).subarray(0, 61);
    empty.writeInt32BE(61 - 12, 8);
    empty.writeInt32BE(0, 57);
    const set = Buffer.concat([sealed(empty), batchAt(20, ['z'])]);
    expect(read(set, 10)).toEqual({ values: ['20:z'], next: 21 });
    expect(read(sealed(empty), 10)).toEqual({ values: [], next: 13 });
  });

  it('leaves out aborted transactions, each up to its own marker', () => {
    const set = Buffer.concat([
      batchAt(0, ['a of 1'], TRANSACTIONAL, 1n),
      batchAt(1, ['b of 2'], TRANSACTIONAL, 2n),
      markerAt(2, 'abort', 1n),
      batchAt(3, ['c of 1'], TRANSACTIONAL, 1n),
      batchAt(4, ['d of 2'], TRANSACTIONAL, 2n),
      markerAt(5, 'commit', 1n),
      batchAt(6, ['e of none']),
      markerAt(7, 'abort', 2n),
      batchAt(8, ['f of 2'], TRANSACTIONAL, 2n),
      markerAt(9, 'commit', 2n),
    ]);
    const aborted = [
      { producer: 2, first: 1 },
      { producer: 1, first: 0 },
    ];
    expect(read(set, 0, aborted)).toEqual({ values: ['3:c of 1', '6:e of none', '8:f of 2'], next: 10 });
    expect(read(set, 0)).toMatchObject({ next: 10, values: { length: 6 } });
  });

  it.each([
    ['a flipped bit', (batch: Buffer) => batch.writeUInt8(batch[70] ^ 1, 70), 'does not match its checksum'],
    ['an older format', (batch: Buffer) => batch.writeInt8(1, 16), 'is in the record format 1'],
    ['a length of nothing', (batch: Buffer) => batch.writeInt32BE(3, 8), 'is shorter than its header'],
    [
      'a count that is too high',
      (batch: Buffer) => {
        batch.writeInt32BE(5, 57);
        sealed(batch);
      },
      'holds fewer records than it says',
    ],
  ])('says where there is %s', (_, damage, words) => {
    const set = batchAt(10, ['abcdefghijklmnop', 'b']);
    damage(set);
    expect(() => read(set, 10)).toThrow(expect.objectContaining({ code: 'log.corrupt' }));
    expect(() => read(set, 10)).toThrow(`the batch at offset 10 of events/0 ${words}`);
  });
});

describe('CRC-32C', () => {
  it('is that of the published vectors', () => {
    const of = (bytes: number[]) => crc32c(Uint8Array.from(bytes));
    const range = Array.from({ length: 32 }, (_, i) => i);
    expect(of([])).toBe(0);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(of(range.map(() => 0))).toBe(0x8a9136aa);
    expect(of(range.map(() => 0xff))).toBe(0x62a8ab43);
    expect(of(range)).toBe(0x46dd794e);
    expect(of([...range].reverse())).toBe(0x113fdb5c);
  });

  it('begins where it is told', () => {
    expect(crc32c(Buffer.from('xyz123456789'), 3)).toBe(0xe3069283);
  });
});
