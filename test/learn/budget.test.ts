import { describe, expect, it } from 'vitest';
import { DETECTOR_COUNT } from '../../src/agent/layout.js';
import type { Random } from '../../src/math/random.js';
import { type Fleet, type Habit, live, realised } from './fleet.js';

/** Laws have their own days by then. */
const SETTLED = 25;

/**
 * Largest score of a day: Gumbel, its upper part stretched to a generalised Pareto tail of this shape. At .15 the tail is
 * what the fleet's tail laws take every tail for.
 */
function sizeOf(random: Random, shape: number): (random: Random) => number {
  const at = 5 + 1.5 * random.normal();
  const scale = 1 + random.next();
  return (days) => {
    const z = -Math.log(days.exponential());
    return Math.max(0.01, at + scale * (z > 0 && shape > 0 ? Math.expm1(shape * z) / shape : z));
  };
}

function beta(random: Random, a: number, b: number): number {
  const x = random.gamma(a);
  return x / (x + random.gamma(b));
}

const RARE = 0.15;
/** Detectors by turns: something every day; on half of the days, more or less by agent; seldom. */
const SHARES: readonly [string, (random: Random) => number][] = [
  ['always-on', () => 1],
  ['half-on', (random) => beta(random, 2, 2)],
  ['rare', () => RARE],
];
const habit =
  (shape: number) =>
  (detector: number, random: Random): Habit => {
    const [, share] = SHARES[detector % SHARES.length];
    return { share: share(random), size: sizeOf(random, shape) };
  };

const fleetOf = (changes: Partial<Fleet> = {}): Fleet => ({
  ...{ seed: 'fleet', agents: 150, days: 100, pagesPerAgentDay: 0.03, habitOf: habit(0.15) },
  ...changes,
});

describe('calibrated surprise of one detector', () => {
  const days = live(fleetOf());

  it.each(SHARES.map(([name], at) => ({ name, at })))('is the share of days that reach it: $name', ({ at }) => {
    for (const p of [0.1, 0.03, 0.01]) {
      let sum = 0;
      let count = 0;
      // The last of all is the fused score.
      for (let d = at; d < DETECTOR_COUNT - 1; d += SHARES.length) {
        sum += realised(days, SETTLED, p, ({ surprise }) => Math.exp(-surprise[d]));
        count++;
      }
      expect(sum / count, `at ${p}`).toBeLessThan(1.5 * p);
      expect(sum / count, `at ${p}`).toBeGreaterThan(p / 1.5);
    }
  });
});

describe('alert budget', () => {
  it.each([0.03, 0.01])('of %f a day is kept by a clean fleet', (pagesPerAgentDay) => {
    for (const seed of ['one', 'two']) {
      const rate = realised(live(fleetOf({ seed, pagesPerAgentDay })), SETTLED, pagesPerAgentDay, ({ p }) => p);
      expect(rate / pagesPerAgentDay).toBeLessThan(1.2);
      expect(rate / pagesPerAgentDay).toBeGreaterThan(0.5);
    }
  });

  it.each([0.03, 0.01])('of %f a day is not used up where tails are thinner than they are believed to be', (pages) => {
    const days = live(fleetOf({ pagesPerAgentDay: pages, habitOf: habit(0) }));
    const rate = realised(days, SETTLED, pages, ({ p }) => p);
    expect(rate / pages).toBeLessThan(1);
    expect(rate).toBeGreaterThan(0);
  });

  it('is kept, and the attacks are seen, on a fleet that is attacked all the time', () => {
    const attack = (random: Random): number => (random.next() < 0.02 ? 60 : 0);
    const days = live(fleetOf({ attack }));
    const rate = realised(days, SETTLED, 0.03, ({ p }) => p);
    expect(rate / 0.03).toBeLessThan(1.2);
    expect(rate / 0.03).toBeGreaterThan(0.25);
    const attacked = days.filter(({ day, attacked: is }) => is && day >= SETTLED);
    expect(attacked.filter(({ p }) => p <= 0.03).length / attacked.length).toBeGreaterThan(0.95);
  });
});
