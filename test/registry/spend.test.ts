import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpendLedger } from '../../src/registry/spend.js';
import { type Charge, chargeLine, hasBudget } from '../../src/registry/spend-line.js';
import { entryOf as blank } from './entries.js';

const NOW_MS = Date.UTC(2025, 5, 2, 12);
const DAY_MS = 86_400_000;
const KEEP_MS = 60_000;

const lineOf = (sessionUsd: number | null, dayUsd: number | null = null): Charge[] => [
  { agent: 'clerk', budgets: { sessionUsd, dayUsd } },
];
const ledger = (over = {}) => new SpendLedger({ reserveForMs: KEEP_MS, prefix: 'r', ...over });
const spent = (
  id: string,
  costUsd: number | null,
  session: string | null = 's1',
  timeMs = NOW_MS,
  agent = 'clerk',
) => ({
  ...{ id, tenant: '', agent, session, costUsd, timeMs },
});

describe('SpendLedger', () => {
  it('lets through what fits, and says what is left', () => {
    const book = ledger();
    const line = lineOf(100);
    book.note(spent('e1', 87), line);
    const first = book.reserve('', line, 's1', 10, NOW_MS);
    expect(first).toMatchObject({ id: 'r-1', remainingUsd: 3, expiresMs: NOW_MS + KEEP_MS, reason: null });
    const second = book.reserve('', line, 's1', 4, NOW_MS);
    expect(second).toMatchObject({ id: null, remainingUsd: 3 });
    expect(second.reason).toBe("clerk's budget of the session, $100.00, has $3.00 left, and the call may cost $4.00");
    expect(book.reserve('', line, 's2', 4, NOW_MS).id).not.toBeNull();
  });

  it('refuses even a call that is said to cost nothing once all is used up', () => {
    const book = ledger();
    book.note(spent('e1', 5), lineOf(5));
    expect(book.reserve('', lineOf(5), 's1', 0, NOW_MS).id).toBeNull();
    expect(book.reserve('', lineOf(0), 's9', 0, NOW_MS).id).toBeNull();
  });

  it('takes the usual cost of a call where nobody estimates it', () => {
    const book = ledger();
    const line = lineOf(10);
    expect(book.reserve('', line, 's1', null, NOW_MS).amountUsd).toBe(0);
    for (const cost of [1, 2, 3]) book.note(spent(`e${cost}`, cost), line);
    expect(book.reserve('', line, 's1', null, NOW_MS).amountUsd).toBe(2);
  });

  it('gives back what lapsed, and what was settled for nothing', () => {
    const book = ledger();
    const line = lineOf(10);
    const { id } = book.reserve('', line, 's1', 10, NOW_MS);
    expect(book.reserve('', line, 's1', 1, NOW_MS).id).toBeNull();
    expect(book.reserve('', line, 's1', 10, NOW_MS + KEEP_MS).id).not.toBeNull();
    expect(book.settle(id as string, 3, NOW_MS + KEEP_MS)).toBeNull();
    expect(book.inFlight).toBe(1);
  });

  it('an event of the reservation settles it, of that agent alone', () => {
    const book = ledger();
    const line = lineOf(10);
    const { id } = book.reserve('', line, 's1', 8, NOW_MS);
    book.note(spent(id as string, 1, 's1', NOW_MS, 'other'), [{ agent: 'other', budgets: line[0].budgets }]);
    expect(book.inFlight).toBe(1);
    book.note(spent(id as string, 2), line);
    expect(book.inFlight).toBe(0);
    expect(book.standing('', 'clerk', 's1', NOW_MS)).toEqual({ spentUsd: 2, reservedUsd: 0 });
  });

  it('does not count a call twice that was settled and told of', () => {
    const book = ledger();
    const line = lineOf(10);
    const { id } = book.reserve('', line, 's1', 8, NOW_MS);
    book.settle(id as string, 3, NOW_MS);
    expect(book.standing('', 'clerk', 's1', NOW_MS).spentUsd).toBe(3);
    book.note(spent(id as string, 4), line);
    expect(book.standing('', 'clerk', 's1', NOW_MS).spentUsd).toBe(4);
  });

  it('begins a day anew, and a session that has no name with it; a named one goes on', () => {
    const book = ledger();
    const line = lineOf(10, 10);
    const midnightMs = Math.ceil(NOW_MS / DAY_MS) * DAY_MS;
    for (const session of ['s1', null]) book.note(spent('e1', 4, session, midnightMs - 1), line);
    expect(book.standing('', 'clerk', undefined, midnightMs - 1).spentUsd).toBe(8);
    expect(book.standing('', 'clerk', undefined, midnightMs).spentUsd).toBe(0);
    expect(book.reserve('', line, 's1', 7, midnightMs).id).toBeNull();
    expect(book.reserve('', line, null, 7, midnightMs).id).not.toBeNull();
  });

  it('charges everybody above the agent', () => {
    const book = ledger();
    const line: Charge[] = [
      { agent: 'clerk/sub', budgets: { sessionUsd: null, dayUsd: null } },
      { agent: 'clerk', budgets: { sessionUsd: null, dayUsd: 10 } },
    ];
    book.note(spent('e1', 9, 's1', NOW_MS, 'clerk/sub'), line);
    expect(book.reserve('', line, 's2', 2, NOW_MS).reason).toMatch(/^clerk's budget of the day/);
  });

  it('refuses where more calls are in flight than it keeps', () => {
    const book = ledger({ reservationsMax: 1 });
    book.reserve('', lineOf(10), 's1', 1, NOW_MS);
    expect(book.reserve('', lineOf(10), 's1', 1, NOW_MS).reason).toMatch(/in flight/);
  });

  it('forgets the oldest account, and none with a call in flight', () => {
    const book = ledger({ accountsMax: 4 });
    const line = lineOf(10);
    book.reserve('', line, 's0', 1, NOW_MS);
    for (const session of ['s1', 's2', 's3', 's4', 's5']) book.note(spent('e', 1, session), line);
    expect([...book.rows()]).toHaveLength(4);
    expect(book.standing('', 'clerk', 's0', NOW_MS).reservedUsd).toBe(1);
    expect(book.standing('', 'clerk', 's1', NOW_MS).spentUsd).toBe(0);
  });

  it('goes on from its rows as if it had not ended, but for what was in flight', () => {
    const book = ledger();
    const line = lineOf(10, 20);
    book.note(spent('e1', 4), line);
    book.reserve('', line, 's1', 3, NOW_MS);
    const again = ledger();
    for (const row of JSON.parse(JSON.stringify([...book.rows()]))) again.restore(row);
    expect(again.reserve('', line, 's1', 6, NOW_MS)).toMatchObject({ id: 'r-1', remainingUsd: 0 });
    expect(again.standing('', 'clerk', undefined, NOW_MS).spentUsd).toBe(4);
  });
});

/** One call: what the caller says it will cost, what it costs, and after how many other calls its event comes. */
const call = fc.record({
  estimate: fc.option(fc.double({ min: 0, max: 5, noNaN: true }), { nil: null }),
  cost: fc.double({ min: 0, max: 8, noNaN: true }),
  delay: fc.nat(6),
  how: fc.constantFrom('event', 'settle', 'settle and event'),
});

describe('the bound of an overshoot', () => {
  it('is the largest single underestimate times the calls in flight', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), fc.double({ min: 1, max: 50, noNaN: true }), (calls, budget) => {
        const book = ledger();
        const line = lineOf(budget, budget);
        const flying: { id: string; cost: number; due: number; how: string }[] = [];
        let worst = 0;
        let most = 0;
        let total = 0;
        const land = (i: number) => {
          for (const one of flying.filter(({ due }) => due <= i)) {
            flying.splice(flying.indexOf(one), 1);
            if (one.how !== 'event') book.settle(one.id, one.cost, NOW_MS);
            if (one.how !== 'settle') book.note(spent(one.id, one.cost), line);
            total += one.cost;
            expect(total).toBeLessThanOrEqual(budget + worst * most + 1e-6);
          }
        };
        for (const [i, { estimate, cost, delay, how }] of calls.entries()) {
          land(i);
          const { id, amountUsd } = book.reserve('', line, 's1', estimate, NOW_MS);
          if (id === null) continue;
          flying.push({ id, cost, due: i + delay, how });
          worst = Math.max(worst, cost - amountUsd);
          most = Math.max(most, flying.length);
        }
        land(Number.POSITIVE_INFINITY);
        expect(book.inFlight).toBe(0);
        expect(book.standing('', 'clerk', 's1', NOW_MS).spentUsd).toBeCloseTo(total, 6);
        expect(book.standing('', 'clerk', 's1', NOW_MS).reservedUsd).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing where every call costs at most its estimate', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 60 }), (estimates) => {
        const book = ledger();
        const line = lineOf(10);
        for (const estimate of estimates) {
          const { id } = book.reserve('', line, 's1', estimate, NOW_MS);
          if (id !== null && estimate > 2) book.note(spent(id, estimate), line);
          const { spentUsd, reservedUsd } = book.standing('', 'clerk', 's1', NOW_MS);
          expect(spentUsd + reservedUsd).toBeLessThanOrEqual(10 + 1e-9);
        }
      }),
    );
  });
});

describe('chargeLine', () => {
  const known = new Map([
    ['a', blank('a', { budgets: { sessionUsd: null, dayUsd: 1 } })],
    ['b', blank('b', { parent: 'a' })],
    ['loop', blank('loop', { parent: 'loop/x' })],
  ]);
  const names = (agent: string, parent: string | null = null) =>
    chargeLine((name) => known.get(name) ?? null, agent, parent).map((charge) => charge.agent);

  it('goes up by name and by parent, and asks the caller only where the registry knows of none', () => {
    expect(names('a')).toEqual(['a']);
    expect(names('b/sub/leaf')).toEqual(['b/sub/leaf', 'b/sub', 'b', 'a']);
    expect(names('new', 'b')).toEqual(['new', 'b', 'a']);
    expect(names('b', 'somebody')).toEqual(['b', 'a']);
    expect(names('loop/x')).toEqual(['loop/x', 'loop']);
  });

  it('ends a line that has no end', () => {
    const long = (agent: string) => blank(agent, { parent: `${agent}x` });
    expect(chargeLine(long, 'a', null)).toHaveLength(16);
  });

  it('tells whether anybody of it has a budget', () => {
    const entryOf = (name: string) => known.get(name) ?? null;
    expect(hasBudget(chargeLine(entryOf, 'b', null))).toBe(true);
    expect(hasBudget(chargeLine(entryOf, 'c', null))).toBe(false);
  });
});
