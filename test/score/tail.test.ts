import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TailLaw } from '../../src/detect/model.js';
import { statedFor, trueSurprise } from '../../src/score/tail.js';

const laws: fc.Arbitrary<TailLaw> = fc.record({
  share: fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
  from: fc.double({ min: 0.5, max: 30, noNaN: true }),
  stretch: fc.double({ min: 0.7, max: 20, noNaN: true }),
});
const nats = fc.double({ min: 0, max: 700, noNaN: true });
const near = (value: number, wanted: number): boolean => Math.abs(value - wanted) <= 1e-9 * Math.max(1, wanted);

describe('tail law', () => {
  it('is undone by its way back', () => {
    fc.assert(fc.property(laws, nats, (law, stated) => near(statedFor(trueSurprise(stated, law), law), stated)));
    // What a shape of .15 makes of 60 nats overflows nothing: no surprise that a law gives out is larger.
    const true60 = fc.double({ min: 0, max: 60, noNaN: true });
    fc.assert(
      fc.property(laws, true60, (law, surprise) => near(trueSurprise(statedFor(surprise, law), law), surprise)),
    );
  });

  it('rises throughout: what was stranger as stated is stranger in truth', () => {
    fc.assert(
      fc.property(laws, nats, fc.double({ min: 1e-6, max: 100, noNaN: true }), (law, stated, more) => {
        expect(trueSurprise(stated + more, law)).toBeGreaterThan(trueSurprise(stated, law));
      }),
    );
  });

  it('is nothing for nothing, and never less', () => {
    fc.assert(
      fc.property(laws, nats, (law, stated) => {
        expect(trueSurprise(0, law)).toBe(0);
        expect(trueSurprise(stated, law)).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(trueSurprise(1e300, law))).toBe(true);
      }),
    );
  });

  it('gives what begins the tail the share of days that go above it, without a step', () => {
    fc.assert(
      fc.property(laws, (law) => {
        const begins = -Math.log(law.share);
        expect(trueSurprise(law.from, law)).toBeCloseTo(begins, 9);
        const step = 1e-7;
        expect(trueSurprise(law.from - step, law)).toBeCloseTo(begins, 5);
        expect(trueSurprise(law.from + step, law)).toBeCloseTo(begins, 5);
        expect(statedFor(begins, law)).toBeCloseTo(law.from, 9);
      }),
    );
  });

  it('leaves what is below the tail in proportion', () => {
    const law = { share: 0.05, from: 6, stretch: 2 };
    for (const part of [0.1, 0.5, 0.9]) expect(trueSurprise(6 * part, law)).toBeCloseTo(-Math.log(0.05) * part, 12);
  });

  it('is a generalised Pareto excess of shape .15 beyond, in the units of its stretch', () => {
    const law = { share: 0.1, from: 4, stretch: 2 };
    for (const excess of [0.01, 1, 5, 40]) {
      // P(excess > x | above from) of the law itself, by its own formula.
      const above = (1 + (0.15 * excess) / 2) ** (-1 / 0.15);
      expect(Math.exp(-trueSurprise(4 + excess, law))).toBeCloseTo(0.1 * above, 12);
    }
  });

  it('believes the excess less the larger it is, and a wider tail less throughout', () => {
    const narrow = { share: 0.1, from: 2.3, stretch: 1 };
    const wide = { ...narrow, stretch: 3 };
    let last = Number.POSITIVE_INFINITY;
    for (let stated = 3; stated < 100; stated++) {
      const worth = trueSurprise(stated + 1, narrow) - trueSurprise(stated, narrow);
      expect(worth).toBeLessThan(last);
      expect(trueSurprise(stated, wide)).toBeLessThan(trueSurprise(stated, narrow));
      last = worth;
    }
    // About one true nat for a stretch at first.
    expect(trueSurprise(2.3 + 0.01, narrow) - trueSurprise(2.3, narrow)).toBeCloseTo(0.01, 4);
  });
});
