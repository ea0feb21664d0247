import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DETECTOR_COUNT, DETECTORS } from '../../src/agent/layout.js';
import { createRandom } from '../../src/math/random.js';
import { fuse, shares, WEIGHTS } from '../../src/score/fuse.js';

const nats = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 800, noNaN: true }));
const all = fc.array(nats, { minLength: DETECTOR_COUNT, maxLength: DETECTOR_COUNT });
const sum = (list: Iterable<number>): number => [...list].reduce((total, x) => total + x, 0);

/** Surprises of named detectors; the others have nothing to say. */
function surprisesOf(said: Readonly<Record<string, number>>): Float64Array {
  return Float64Array.from(DETECTORS, (name) => said[name] ?? 0);
}

describe('fusion', () => {
  it('weighs the detectors by parts of one budget; silence and the fused score itself have none', () => {
    expect(sum(WEIGHTS)).toBeCloseTo(1, 12);
    for (const [at, name] of DETECTORS.entries()) {
      if (name === 'silence' || name === 'fused') expect(WEIGHTS[at]).toBe(0);
      else expect(WEIGHTS[at], name).toBeGreaterThan(0);
    }
  });

  it('is a probability, whatever is said', () => {
    fc.assert(
      fc.property(all, (list) => {
        const p = fuse(Float64Array.from(list));
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never grows when a detector is more surprised', () => {
    fc.assert(
      fc.property(
        all,
        fc.integer({ min: 0, max: DETECTOR_COUNT - 1 }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        (list, at, more) => {
          const stranger = Float64Array.from(list);
          stranger[at] += more;
          expect(fuse(stranger)).toBeLessThanOrEqual(fuse(Float64Array.from(list)) * (1 + 1e-9));
        },
      ),
    );
  });

  it('lets silent detectors abstain: they speak neither for nor against', () => {
    expect(fuse(new Float64Array(DETECTOR_COUNT))).toBe(0.5);
    // Even odds are as much as silence, and less than even no more: a little surprise is never an excuse.
    expect(fuse(new Float64Array(DETECTOR_COUNT).fill(Math.LN2))).toBe(0.5);
    expect(fuse(surprisesOf({ errors: 0.1, novelty: 7 }))).toBe(fuse(surprisesOf({ novelty: 7 })));
    for (const [at, name] of DETECTORS.entries()) {
      if (WEIGHTS[at] === 0) continue;
      // The combination of one p with halves (Liu and Xie), whose tangents are 0.
      for (const nat of [1, 3, 9]) {
        const tangent = WEIGHTS[at] * Math.tan((0.5 - Math.exp(-nat)) * Math.PI);
        expect(fuse(surprisesOf({ [name]: nat }))).toBeCloseTo(0.5 - Math.atan(tangent) / Math.PI, 12);
      }
    }
  });

  it('gives a lone detector about its part of the budget', () => {
    for (const [at, name] of DETECTORS.entries()) {
      if (WEIGHTS[at] === 0) continue;
      for (const nat of [12, 20, 40]) {
        const ratio = fuse(surprisesOf({ [name]: nat })) / (Math.exp(-nat) / WEIGHTS[at]);
        expect(ratio, name).toBeGreaterThan(0.9);
        expect(ratio, name).toBeLessThan(1.5);
      }
    }
  });

  it('does not see which of two detectors of one weight has spoken', () => {
    for (const [i, a] of DETECTORS.entries()) {
      for (const [j, b] of DETECTORS.entries()) {
        if (WEIGHTS[i] !== WEIGHTS[j]) continue;
        const one = fuse(surprisesOf({ creep: 6, [a]: 5, [b]: 9 }));
        const other = fuse(surprisesOf({ creep: 6, [b]: 5, [a]: 9 }));
        if (a !== 'creep' && b !== 'creep' && a !== b) expect(one).toBeCloseTo(other, 14);
      }
    }
  });

  it('holds its level when all detectors say the same', () => {
    const random = createRandom('dependent');
    let below = 0;
    for (let at = 0; at < 200_000; at++) {
      const stated = random.exponential();
      if (fuse(new Float64Array(DETECTOR_COUNT).fill(stated)) <= 0.01) below++;
    }
    expect(below / 200_000).toBeLessThan(0.012);
    expect(below / 200_000).toBeGreaterThan(0.007);
  });

  it('holds its level when detectors are independent', () => {
    const random = createRandom('independent');
    const list = new Float64Array(DETECTOR_COUNT);
    let below = 0;
    for (let at = 0; at < 100_000; at++) {
      for (let d = 0; d < DETECTOR_COUNT; d++) list[d] = random.exponential();
      if (fuse(list) <= 0.01) below++;
    }
    expect(below / 100_000).toBeLessThan(0.013);
    expect(below / 100_000).toBeGreaterThan(0.006);
  });
});

describe('shares', () => {
  it('add up to 1 where anything strange was said, each from 0 to 1', () => {
    fc.assert(
      fc.property(all, (list) => {
        const parts = shares(Float64Array.from(list));
        for (const part of parts) expect(part >= 0 && part <= 1).toBe(true);
        if (list.some((nat) => nat > Math.LN2 + 1e-9)) expect(sum(parts)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('are 0 for who has nothing to say, and largest for who says most at one weight', () => {
    const parts = shares(surprisesOf({ session: 9, drift: 6 }));
    expect(parts.filter((part) => part > 0)).toHaveLength(2);
    expect(parts[DETECTORS.indexOf('session')]).toBeGreaterThan(parts[DETECTORS.indexOf('drift')]);
  });

  it('belong to silence alone when it alone has spoken', () => {
    expect(shares(surprisesOf({ silence: 8 }))[DETECTORS.indexOf('silence')]).toBe(1);
  });

  it('are a copy', () => {
    const one = shares(surprisesOf({ rate: 5 }));
    shares(surprisesOf({ joint: 5 }));
    expect(one[DETECTORS.indexOf('rate')]).toBe(1);
  });
});
