import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Generations } from '../../src/registry/generations.js';

describe('Generations', () => {
  it('keeps what was asked for among its last half, and no more than its bound', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 200 }), fc.integer({ min: 2, max: 20 }), (keys, max) => {
        const kept = new Generations<number>(max);
        const recent: number[] = [];
        for (const key of keys) {
          if (kept.get(String(key)) === undefined) kept.set(String(key), key);
          if (recent.includes(key)) recent.splice(recent.indexOf(key), 1);
          recent.push(key);
          const entries = [...kept.entries()];
          expect(entries.length).toBeLessThanOrEqual(max);
          expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length);
          for (const one of recent.slice(-Math.floor(max / 2))) {
            expect(entries).toContainEqual([String(one), one]);
          }
        }
      }),
    );
  });

  it('forgets nothing that is needed', () => {
    const kept = new Generations<{ needed: boolean }>(4, ({ needed }) => needed);
    const first = { needed: true };
    kept.set('first', first);
    for (let i = 0; i < 50; i++) kept.set(`k${i}`, { needed: false });
    expect(kept.get('first')).toBe(first);
    first.needed = false;
    for (let i = 0; i < 50; i++) kept.set(`k${i}`, { needed: false });
    expect(kept.get('first')).toBeUndefined();
    kept.delete('k49');
    expect(kept.get('k49')).toBeUndefined();
  });
});
