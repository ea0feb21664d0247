import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviseBudget, BUDGET_MAX, BUDGET_MIN, type BudgetFacts } from '../../src/triage/budget-advice.js';
import type { DetectorPrecision } from '../../src/triage/triage.js';
import { wilson } from '../../src/triage/wilson.js';

const detector = (truePositives: number, falsePositives: number, expected = 0): DetectorPrecision => {
  const of = truePositives + falsePositives + expected;
  const counts = { truePositives, falsePositives, expected };
  return { detector: 'pace', ...counts, precision: of === 0 ? null : truePositives / of, ...wilson(truePositives, of) };
};
const advise = (facts: Partial<BudgetFacts>) =>
  adviseBudget({ precision: [], pages: 3, agents: 100, pagesPerAgentDay: 0.03, pagesPerDay: null, ...facts });

describe('advice on the budget', () => {
  it('lowers it to what people can bear, and by no more than half', () => {
    expect(advise({ pages: 30, pagesPerDay: 20 }).proposals).toEqual([
      {
        ...{ kind: 'pages-per-agent-day', from: 0.03, to: 0.02 },
        why: '30 pages a day are more than the 20 that people can bear',
      },
    ]);
    expect(advise({ pages: 300, pagesPerDay: 20 }).proposals[0].to).toBe(0.015);
  });

  it('halves it where most findings were wrong, once enough were judged', () => {
    expect(advise({ precision: [detector(2, 18)] }).proposals[0]).toMatchObject({ to: 0.015 });
    expect(advise({ precision: [detector(0, 9)] }).proposals).toEqual([]);
    expect(advise({ precision: [detector(8, 12)] }).proposals).toEqual([]);
  });

  it('raises it by half where nearly all were right and there is room', () => {
    const precision = [detector(40, 1)];
    expect(advise({ precision, pages: 1 }).proposals[0]).toMatchObject({ to: 0.045 });
    expect(advise({ precision, pages: 3 }).proposals).toEqual([]);
    expect(advise({ precision, pages: 9, pagesPerDay: 20 }).proposals[0]).toMatchObject({ to: 0.045 });
  });

  it('speaks of detectors that were judged often enough', () => {
    const words = (precision: DetectorPrecision) => advise({ precision: [precision] }).detectors[0]?.words;
    expect(words(detector(40, 1))).toContain('nearly always right');
    expect(words(detector(2, 18))).toContain('mostly wrong');
    expect(words(detector(5, 5))).toBe('5 of 10 judged were true (24 % to 76 % at 95 %)');
    expect(words(detector(5, 4))).toBeUndefined();
  });

  it('never leaves its limits, and never goes too far at once', () => {
    const share = fc.double({ min: 0.0001, max: 0.5, noNaN: true });
    const count = fc.nat(200);
    fc.assert(
      fc.property(
        share,
        count,
        count,
        count,
        fc.option(fc.integer({ min: 1, max: 100 })),
        (from, right, wrong, pages, perDay) => {
          const facts = { precision: [detector(right, wrong)], pages, agents: 10, pagesPerAgentDay: from };
          const { proposals } = adviseBudget({ ...facts, pagesPerDay: perDay });
          for (const { to } of proposals) {
            expect(to).not.toBe(from);
            expect(to).toBeGreaterThanOrEqual(Math.min(BUDGET_MIN, from));
            expect(to).toBeLessThanOrEqual(Math.max(BUDGET_MAX, from));
            expect(to / from).toBeGreaterThanOrEqual(0.5 - 1e-9);
            expect(to / from).toBeLessThanOrEqual(1.5 + 1e-9);
          }
        },
      ),
    );
  });
});
