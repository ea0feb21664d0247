import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignSticky,
  type Claimant,
  decodeClaim,
  decodeShare,
  encodeClaim,
  encodeShare,
  type GroupPartition,
} from '../../src/log/kafka-assign.js';

const TOPIC = 'events';
const keys = (partitions: readonly GroupPartition[]) =>
  partitions.map(({ topic, partition }) => `${topic}/${partition}`);
const claimant = (memberId: string, owned: readonly number[] = [], generation = 1): Claimant => ({
  memberId,
  topics: [TOPIC],
  generation,
  owned: owned.map((partition) => ({ topic: TOPIC, partition })),
});
const assign = (claimants: readonly Claimant[], count: number) => assignSticky(claimants, new Map([[TOPIC, count]]));
const numbers = (given: Map<string, GroupPartition[]>) =>
  Object.fromEntries([...given].map(([memberId, owned]) => [memberId, owned.map(({ partition }) => partition)]));

/** A group in which everybody owns what an earlier assignment gave, some have left and some are new. */
const changedGroup = fc
  .record({
    before: fc.integer({ min: 1, max: 7 }),
    left: fc.integer({ min: 0, max: 6 }),
    fresh: fc.integer({ min: 0, max: 4 }),
  })
  .filter(({ before, left, fresh }) => before - left + fresh > 0 && left <= before);

describe('the sticky assignment', () => {
  it('gives every partition one owner, and counts within one of each other', () => {
    const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 9 });
    const owned = fc.array(fc.array(fc.integer({ min: -1, max: 20 })), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(members, owned, fc.integer({ min: 0, max: 17 }), (names, claims, count) => {
        const given = assign(
          names.map((name, i) => claimant(name, claims[i], i % 3)),
          count,
        );
        const all = [...given.values()].flatMap(keys);
        expect(all.sort()).toEqual(Array.from({ length: count }, (_, i) => `${TOPIC}/${i}`).sort());
        const sizes = [...given.values()].map(({ length }) => length);
        expect(given.size).toBe(names.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves no more than it must', () => {
    fc.assert(
      fc.property(changedGroup, fc.integer({ min: 1, max: 16 }), ({ before, left, fresh }, count) => {
        const first = assign(
          Array.from({ length: before }, (_, i) => claimant(`m${i}`)),
          count,
        );
        const stayed = [...first].slice(left);
        const claims = stayed.map(([memberId, owned]) =>
          claimant(
            memberId,
            owned.map(({ partition }) => partition),
          ),
        );
        const second = assign([...claims, ...Array.from({ length: fresh }, (_, i) => claimant(`n${i}`))], count);
        const kept = stayed.map(([memberId, owned]) =>
          keys(owned).filter((key) => keys(second.get(memberId) ?? []).includes(key)),
        );
        // Each keeps all that it owned, or as much as the smaller share allows.
        const share = Math.floor(count / second.size);
        for (const [i, [, owned]] of stayed.entries()) {
          expect(kept[i].length).toBeGreaterThanOrEqual(Math.min(owned.length, share));
        }
        const larger = stayed.filter(([, owned]) => owned.length > share).length;
        const keepLarger = Math.min(larger, count % second.size);
        expect(kept.filter(({ length }) => length > share)).toHaveLength(keepLarger);
      }),
    );
  });

  it('leaves everything in place where nothing changed, whoever is asked', () => {
    const members = [claimant('b', [0, 3]), claimant('a', [1, 4]), claimant('c', [2])];
    const expected = { a: [1, 4], b: [0, 3], c: [2] };
    expect(numbers(assign(members, 5))).toEqual(expected);
    expect(numbers(assign([...members].reverse(), 5))).toEqual(expected);
  });

  it('believes the later of two who claim the same partition', () => {
    const away = claimant('away', [0, 1], 3);
    expect(numbers(assign([away, claimant('present', [1, 0], 4)], 4))).toEqual({ away: [2, 3], present: [0, 1] });
  });

  it('gives a topic only to those who subscribe to it', () => {
    const members: Claimant[] = [
      { memberId: 'a', topics: ['x'], generation: 1, owned: [{ topic: 'y', partition: 0 }] },
      { memberId: 'b', topics: ['x', 'y'], generation: 1, owned: [] },
    ];
    const given = assignSticky(
      members,
      new Map([
        ['x', 1],
        ['y', 2],
        ['z', 1],
      ]),
    );
    expect(keys(given.get('a') ?? [])).toEqual(['x/0']);
    expect(keys(given.get('b') ?? [])).toEqual(['y/0', 'y/1']);
  });

  it('takes a claim that it cannot read for none', () => {
    const claim = { topics: ['x', 'y'], generation: 7, owned: [{ topic: 'x', partition: 2 }] };
    expect(decodeClaim('m', encodeClaim(claim))).toEqual({ memberId: 'm', ...claim });
    const foreign = Buffer.from(encodeClaim(claim).toString('latin1').replace('"owned"', '"other"'), 'latin1');
    expect(decodeClaim('m', foreign)).toEqual({ memberId: 'm', topics: ['x', 'y'], generation: -1, owned: [] });
  });

  it('passes shares on', () => {
    const share = [
      { topic: 'x', partition: 0 },
      { topic: 'x', partition: 300 },
      { topic: 'y', partition: 1 },
    ];
    expect(decodeShare(encodeShare(share))).toEqual(share);
    expect(decodeShare(encodeShare([]))).toEqual([]);
    expect(decodeShare(Buffer.alloc(0))).toEqual([]);
  });
});
