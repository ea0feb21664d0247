/** What is due when. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Agenda } from '../../src/connect/agenda.js';

it('gives out each name once, at the time set last, in the order of times', () => {
  const moves = fc.array(fc.tuple(fc.nat(30), fc.option(fc.nat(1_000))), { maxLength: 400 });
  fc.assert(
    fc.property(moves, (all) => {
      const agenda = new Agenda();
      const wanted = new Map<string, number>();
      for (const [name, dueMs] of all) {
        if (dueMs === null) {
          agenda.remove(String(name));
          wanted.delete(String(name));
        } else {
          agenda.set(String(name), dueMs);
          wanted.set(String(name), dueMs);
        }
      }
      const got: [string, number][] = [];
      for (;;) {
        const nextMs = agenda.nextMs();
        if (nextMs === null) break;
        expect(agenda.take(nextMs - 1)).toBeNull();
        got.push([agenda.take(nextMs) as string, nextMs]);
      }
      expect(got.map(([, dueMs]) => dueMs)).toEqual([...wanted.values()].sort((a, b) => a - b));
      expect(new Map(got)).toEqual(wanted);
    }),
    { numRuns: 200, seed: 20_260_105 },
  );
});

it('gives what is due at the same time in the order in which it was set', () => {
  const agenda = new Agenda();
  for (const name of ['c', 'a', 'b']) agenda.set(name, 5);
  agenda.set('a', 5);
  expect([agenda.take(9), agenda.take(9), agenda.take(9), agenda.take(9)]).toEqual(['c', 'b', 'a', null]);
});
