import { describe, expect, it } from 'vitest';
import { DETECTOR_COUNT, DETECTORS, F, type Profile, RECORDED } from '../../src/agent/layout.js';
import type { CohortModel } from '../../src/detect/model.js';
import { forgetSince } from '../../src/engine/teaching.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { BURN_DAYS, closeDay, refreshLaws, statedSurprise } from '../../src/score/calibrate.js';
import { createProfile } from '../agent/profile.js';

const MODEL: CohortModel = {
  ...neutralModel(),
  days: Array.from({ length: DETECTOR_COUNT }, () => ({ share: 1, mean: 4, within: 2, between: 2 })),
};
const STARTS = DETECTORS.indexOf('starts');
/** What a client's weekly batch scores, and what its other days do. */
const BATCH = 60;
const QUIET = 4;

function live(p: Profile, maxima: readonly number[]): void {
  for (const max of maxima) {
    p.f32.fill(max, p.at4 + F.dayMax, p.at4 + F.dayMax + DETECTOR_COUNT);
    closeDay(p);
    refreshLaws(p, MODEL, 1);
  }
}

/** An agent with days of its own after the first ones, of which nothing is kept. */
function agentOf(...maxima: number[]): Profile {
  const p = createProfile();
  refreshLaws(p, MODEL, 1);
  live(p, [...new Array<number>(BURN_DAYS).fill(BATCH), ...maxima]);
  return p;
}

const quiet = (days: number): number[] => new Array<number>(days).fill(QUIET);
const surpriseOf = (p: Profile, score: number, d = STARTS): number => statedSurprise(p, d, score);

describe('the largest day of an agent', () => {
  it('is not called rarer than one day of those that it has had and the next', () => {
    const p = agentOf(...quiet(4), BATCH, ...quiet(5));
    expect(surpriseOf(agentOf(...quiet(10)), BATCH / 2)).toBeGreaterThan(10);
    expect(surpriseOf(p, BATCH / 2)).toBeCloseTo(Math.log(11), 5);
  });

  it('says nothing of what goes beyond it but where that begins', () => {
    const p = agentOf(...quiet(4), BATCH, ...quiet(5));
    const record = p.f32[p.at4 + F.dayRecord + RECORDED.indexOf('starts')];
    const beta = p.f32[p.at4 + F.beta + STARTS];
    expect(surpriseOf(p, record + 10)).toBeCloseTo(Math.log(11) + 10 / beta, 3);
    for (let score = 1; score < 200; score++)
      expect(surpriseOf(p, score + 1)).toBeGreaterThanOrEqual(surpriseOf(p, score));
  });

  it('leaves the law alone where that is milder', () => {
    const p = agentOf(...quiet(12));
    expect(surpriseOf(p, QUIET)).toBeLessThan(1.5);
  });

  it('is halved in thirty days, and not kept of an agent’s first', () => {
    const at = (p: Profile): number => p.f32[p.at4 + F.dayRecord + RECORDED.indexOf('rate')];
    expect(at(agentOf())).toBe(0);
    expect(at(agentOf(BATCH, ...quiet(30)))).toBeCloseTo(BATCH / 2, 3);
  });

  it('is kept of pace alone: what is new is as new a second time, what costs as dear', () => {
    const p = agentOf(...quiet(8), BATCH, ...quiet(3));
    for (const [d, name] of DETECTORS.entries()) {
      // Whatever an agent's own law says of so large a day, it stays far above one day in a few.
      if (!RECORDED.includes(name)) expect(surpriseOf(p, BATCH, d), name).toBeGreaterThan(Math.log(13) + 0.5);
      else expect(surpriseOf(p, BATCH / 2, d), name).toBeLessThanOrEqual(Math.log(13) + 1e-6);
    }
  });

  it('is forgotten where people say that it was an attack', () => {
    const p = agentOf(...quiet(4), BATCH, ...quiet(5));
    const before = surpriseOf(p, BATCH);
    forgetSince(p, 0);
    expect(surpriseOf(p, BATCH)).toBeGreaterThan(before);
  });
});
