import { describe, expect, it } from 'vitest';
import { interestingScore, isInteresting } from '../../src/agent/interest.js';
import { DETECTOR_COUNT, DETECTORS, type DetectorName, F, type Profile } from '../../src/agent/layout.js';
import type { CohortModel, DayLaw } from '../../src/detect/model.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { gumbelTail } from '../../src/math/tail.js';
import { BURN_DAYS, closeDay, refreshLaws, statedSurprise } from '../../src/score/calibrate.js';
import { createProfile } from '../agent/profile.js';

const LAW: DayLaw = { share: 0.3, mean: 6, within: 4, between: 4 };
const modelOf = (changes: Partial<DayLaw> = {}): CohortModel => ({
  ...neutralModel(),
  days: Array.from({ length: DETECTOR_COUNT }, () => ({ ...LAW, ...changes })),
});
/** Days of an agent that is no newcomer any more, where a detector is about what is new. */
const SETTLED_NEW = 7;
/** A detector whose largest day is not remembered (record.test.ts). */
const SOME = DETECTORS.indexOf('errors');
const JOINT = DETECTORS.indexOf('joint');

/** An agent whose largest score of a day was this one, on the days after its first. */
function agentOf(maxima: readonly number[], model: CohortModel): Profile {
  const p = createProfile();
  refreshLaws(p, model, 1);
  for (const max of [...new Array<number>(BURN_DAYS).fill(0), ...maxima]) {
    p.f32.fill(max, p.at4 + F.dayMax, p.at4 + F.dayMax + DETECTOR_COUNT);
    closeDay(p);
    refreshLaws(p, model, 1);
  }
  return p;
}

const any = (p: Profile, d = SOME): number => p.f32[p.at4 + F.any + d];
const mu = (p: Profile): number => p.f32[p.at4 + F.mu + SOME];
const beta = (p: Profile): number => p.f32[p.at4 + F.beta + SOME];
const tailAt = (p: Profile, score: number): number => Math.exp(-statedSurprise(p, SOME, score));
const repeated = (days: number, max: number): number[] => new Array<number>(days).fill(max);

describe('share of days with anything', () => {
  it('is the fleet’s before the agent has days of its own', () => {
    const p = createProfile();
    for (const share of [0, 0.001, 0.3, 1]) {
      refreshLaws(p, modelOf({ share }), 1);
      expect(any(p)).toBeCloseTo(share, 5);
    }
  });

  it('goes from the fleet’s to the agent’s own with every day, and not past it', () => {
    for (const [max, own] of [
      [0, 0],
      [8, 1],
    ]) {
      let last = Math.abs(LAW.share - own);
      for (let days = 1; days <= 12; days++) {
        const share = any(agentOf(repeated(days, max), modelOf()));
        // The mean of a beta-binomial law in which the fleet's share stands for four days.
        expect(share).toBeCloseTo((days * own + 4 * LAW.share) / (days + 4), 5);
        expect(Math.abs(share - own)).toBeLessThan(last);
        last = Math.abs(share - own);
      }
    }
  });

  it('leaves out the first days: of an agent that is new, and longer of what is about new things', () => {
    const p = createProfile();
    const model = modelOf();
    refreshLaws(p, model, 1);
    const shares = (): number[] => DETECTORS.map((_, d) => any(p, d));
    const close = (days: number): void => {
      for (let day = 0; day < days; day++) {
        p.f32.fill(9, p.at4 + F.dayMax, p.at4 + F.dayMax + DETECTOR_COUNT);
        closeDay(p);
        refreshLaws(p, model, 1);
      }
    };
    close(BURN_DAYS);
    for (const share of shares()) expect(share).toBeCloseTo(LAW.share, 5);
    close(SETTLED_NEW - BURN_DAYS);
    const ofNew: DetectorName[] = ['novelty', 'creep', 'recurrence', 'egress', 'mixing', 'origin', 'ledger', 'stray'];
    for (const [d, share] of shares().entries()) {
      if (ofNew.includes(DETECTORS[d])) expect(share, DETECTORS[d]).toBeCloseTo(LAW.share, 5);
      else expect(share, DETECTORS[d]).toBeGreaterThan(LAW.share + 0.1);
    }
    close(1);
    for (const [d, share] of shares().entries()) {
      // The ledger is judged by the fleet's law alone.
      if (DETECTORS[d] === 'ledger') expect(share).toBeCloseTo(LAW.share, 5);
      else expect(share, DETECTORS[d]).toBeGreaterThan(LAW.share + 0.1);
    }
  });

  it('is of days on which the cohort had a forest, for the joint view', () => {
    const p = agentOf([0, 0, 0, 9, 0, 9, 0, 0], modelOf());
    expect(any(p, JOINT)).toBeCloseTo((2 * 1 + 4 * LAW.share) / 6, 4);
  });
});

describe('law of days that hold anything', () => {
  it('is not moved by days that hold nothing', () => {
    const maxima = [5, 7, 6, 9];
    const alone = agentOf(maxima, modelOf());
    const among = agentOf(
      maxima.flatMap((max) => [0, 0, max, 0]),
      modelOf(),
    );
    expect([mu(among), beta(among)]).toEqual([mu(alone), beta(alone)]);
    expect(any(among)).toBeLessThan(any(alone));
  });

  it('is the fleet’s for an agent that never had anything, however many days it had', () => {
    const never = agentOf(repeated(40, 0), modelOf());
    const newcomer = createProfile();
    refreshLaws(newcomer, modelOf(), 1);
    expect([mu(never), beta(never)]).toEqual([mu(newcomer), beta(newcomer)]);
    // The day on which it does have something is rarer for it than for one nobody knows.
    expect(statedSurprise(never, SOME, 6)).toBeGreaterThan(statedSurprise(newcomer, SOME, 6) + 1);
    expect(Number.isFinite(statedSurprise(never, SOME, 1e6))).toBe(true);
  });

  it('does not take the first trouble of an agent that never had any for its usual', () => {
    const quiet = repeated(10, 0);
    const cap = mu(agentOf(quiet, modelOf())) + 7 * beta(agentOf(quiet, modelOf()));
    const hit = agentOf([...quiet, 500], modelOf());
    const capped = agentOf([...quiet, cap], modelOf());
    expect([mu(hit), beta(hit)]).toEqual([expect.closeTo(mu(capped), 4), expect.closeTo(beta(capped), 4)]);
    expect(mu(hit)).toBeLessThan(cap);
    // The like of it is still what happens on one day in a thousand at most.
    expect(tailAt(hit, 500)).toBeLessThan(1e-3);
  });

  it('times the share is the probability of the day', () => {
    for (const share of [0.001, 0.1, 0.5, 1]) {
      const p = agentOf([0, 6, 0, 8, 7], modelOf({ share }));
      for (const score of [1, 5, 10, 20]) {
        expect(tailAt(p, score)).toBeCloseTo(any(p) * gumbelTail(score, mu(p), beta(p)), 5);
      }
    }
  });

  it('is all there is where every day holds something', () => {
    const p = agentOf(repeated(12, 6), modelOf({ share: 1 }));
    expect(any(p)).toBeCloseTo(1, 6);
    expect(tailAt(p, mu(p))).toBeCloseTo(1 - Math.exp(-1), 5);
  });

  it('believes nothing impossible, not even what a fleet never saw', () => {
    const p = agentOf(repeated(12, 0), modelOf({ share: 0 }));
    expect(Number.isFinite(statedSurprise(p, SOME, 1))).toBe(true);
    expect(Number.isFinite(statedSurprise(p, SOME, 1e6))).toBe(true);
    expect(statedSurprise(p, SOME, 1)).toBeGreaterThan(Math.log(1000));
  });
});

describe('interest', () => {
  it('begins where one day in five goes above, however many hold anything', () => {
    for (const share of [0.25, 0.5, 0.9]) {
      const p = agentOf([0, 8, 7, 0, 9, 8], modelOf({ share }));
      const at = interestingScore(p, SOME);
      expect(at).toBeGreaterThan(0);
      expect(tailAt(p, at)).toBeCloseTo(0.2, 3);
      expect(isInteresting(p, SOME, at - 1e-3)).toBe(false);
      expect(isInteresting(p, SOME, at + 1e-3)).toBe(true);
    }
  });

  it('is in anything at all where fewer days hold anything, and in nothing never', () => {
    const p = agentOf(repeated(12, 0), modelOf());
    expect(any(p)).toBeLessThan(0.2);
    expect(isInteresting(p, SOME, 1e-6)).toBe(true);
    expect(isInteresting(p, SOME, 0)).toBe(false);
  });
});
