import { describe, expect, it } from 'vitest';
import { isInteresting } from '../../src/agent/interest.js';
import { DETECTOR_COUNT, DETECTORS, F, type Profile, WINDOW_COUNT, WINDOW_STEP_4 } from '../../src/agent/layout.js';
import type { CohortModel, DayLaw } from '../../src/detect/model.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { BURN_DAYS, closeDay, daySurprises, refreshLaws, statedSurprise, surprise } from '../../src/score/calibrate.js';
import { trueSurprise } from '../../src/score/tail.js';
import { createProfile, strayBytes } from '../agent/profile.js';

/** A detector that has something to say every day. */
const LAW: DayLaw = { share: 1, mean: 6, within: 16, between: 16 };

function modelOf(law: DayLaw = LAW): CohortModel {
  return { ...neutralModel(), days: Array.from({ length: DETECTOR_COUNT }, () => law) };
}

/** Closes a day on which every detector's largest score was `max`, and brings the laws up to it. */
function day(p: Profile, max: number, model: CohortModel): void {
  for (let d = 0; d < DETECTOR_COUNT; d++) p.f32[p.at4 + F.dayMax + d] = max;
  closeDay(p);
  refreshLaws(p, model, 1);
}

/** A profile whose daily maxima were drawn from the law. */
function settled(days: number, draw: () => number, model = modelOf()): Profile {
  const p = createProfile();
  refreshLaws(p, model, 1);
  for (let at = 0; at < days; at++) day(p, draw(), model);
  return p;
}

/** P(an ordinary day of this agent reaches `score`), before the fleet's tail law. */
const dayTail = (p: Profile, detector: number, score: number): number => Math.exp(-statedSurprise(p, detector, score));
const mu = (p: Profile): number => p.f32[p.at4 + F.mu];
const beta = (p: Profile): number => p.f32[p.at4 + F.beta];
const gumbel = (random: Random, at: number, scale: number): number => at - scale * Math.log(random.exponential());
/** Largest of n exponential scores: what a day of many looks at an exponential tail brings. */
const largest = (random: Random, scale: number, n: number): number => {
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, scale * random.exponential());
  return most;
};

describe('laws of a profile', () => {
  it('are the fleet’s before the agent has days of its own', () => {
    const p = createProfile();
    refreshLaws(p, modelOf(), 9);
    expect(p.u32[p.at4 + F.modelStamp]).toBe(9);
    // Its own spread and its place among the agents are both unknown.
    expect((beta(p) * Math.PI) / Math.sqrt(6)).toBeCloseTo(Math.sqrt(LAW.within + LAW.between), 4);
    expect(mu(p) + 0.5772 * beta(p)).toBeCloseTo(LAW.mean, 3);
    expect(strayBytes(p)).toBe(0);
  });

  it('leave out the first days: everything is new to an agent that is new', () => {
    const calm = settled(BURN_DAYS, () => 3);
    const wild = settled(BURN_DAYS, () => 300);
    expect([mu(wild), beta(wild)]).toEqual([mu(calm), beta(calm)]);
    for (let at = 0; at < 5; at++) for (const p of [calm, wild]) day(p, 5, modelOf());
    expect([mu(wild), beta(wild)]).toEqual([mu(calm), beta(calm)]);
  });

  it('move from the fleet’s mean to the agent’s own with every day, and not past it', () => {
    const model = modelOf();
    const p = settled(BURN_DAYS, () => 12, model);
    let before = mu(p) + 0.5772 * beta(p);
    for (let at = 0; at < 12; at++) {
      day(p, 12, model);
      const mean = mu(p) + 0.5772 * beta(p);
      expect(mean).toBeGreaterThan(before - 1e-4);
      expect(mean).toBeLessThanOrEqual(12.001);
      before = mean;
    }
    expect(before).toBeGreaterThan(11);
  });

  it('trust the agent sooner where agents differ more', () => {
    const mean = (between: number): number => {
      const p = settled(BURN_DAYS + 3, () => 20, modelOf({ ...LAW, between }));
      return mu(p) + 0.5772 * beta(p);
    };
    expect(mean(100)).toBeGreaterThan(mean(10));
    expect(mean(10)).toBeGreaterThan(mean(0.1));
    expect(Math.abs(mean(0) - LAW.mean)).toBeLessThan(0.1 * (20 - LAW.mean));
  });

  it('hold a day of attack down once they are settled', () => {
    const random = createRandom('clamp');
    const draw = (): number => gumbel(random, 5, 1.5);
    const calm = settled(30, draw);
    const before = [mu(calm), beta(calm)];
    day(calm, 1e6, modelOf());
    expect(mu(calm)).toBeLessThan(before[0] + 6 * before[1]);
    expect(beta(calm)).toBeLessThan(6 * before[1]);
  });

  it('never lose their scale, however alike the days are', () => {
    const p = settled(200, () => 3, modelOf({ share: 1, mean: 0, within: 0, between: 0 }));
    // The fleet's own half nat, counted for 6 days beside 12 without any spread.
    expect(beta(p)).toBeGreaterThan(((0.5 * Math.sqrt(6)) / Math.PI) * Math.sqrt(6 / 18));
    expect(Number.isFinite(statedSurprise(p, 0, 1e6))).toBe(true);
  });

  it('forget which counts were quiet: under another law they may be worth a look', () => {
    const p = createProfile();
    const places = Array.from({ length: WINDOW_COUNT }, (_, w) => p.at4 + F.windowQuiet + WINDOW_STEP_4 * w);
    for (const at of places) p.f32[at] = 50;
    refreshLaws(p, modelOf(), 1);
    expect(places.every((at) => p.f32[at] === 0)).toBe(true);
  });

  it('clear the running day', () => {
    const p = createProfile();
    p.f32.fill(3, p.at4 + F.dayMax, p.at4 + F.dayMax + DETECTOR_COUNT);
    p.f32[p.at4 + F.dayFused] = 3;
    closeDay(p);
    expect(p.f32.slice(p.at4 + F.dayMax, p.at4 + F.dayMax + DETECTOR_COUNT).every((max) => max === 0)).toBe(true);
    expect(p.f32[p.at4 + F.dayFused]).toBe(0);
    expect(p.u32[p.at4 + F.days]).toBe(1);
  });
});

describe('probabilities per agent-day', () => {
  it.each([
    ['Gumbel', (random: Random) => gumbel(random, 6, 2)],
    ['largest of 500 exponential scores', (random: Random) => largest(random, 2, 500)],
    ['largest of a busy or a quiet day', (random: Random) => largest(random, 2, random.next() < 0.3 ? 20 : 300)],
  ])('are kept by daily maxima: %s', (_name, draw) => {
    const random = createRandom('realised');
    // Mean and spread of the law itself stand in for the fleet's.
    const list = Array.from({ length: 4000 }, () => draw(random));
    const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
    const within = list.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / list.length;
    const model = modelOf({ share: 1, mean, within, between: within });
    const exceeded = new Map([0.1, 0.03, 0.01].map((p) => [p, 0]));
    let days = 0;
    for (let agent = 0; agent < 250; agent++) {
      const p = settled(BURN_DAYS + 6, () => draw(random), model);
      for (let at = 0; at < 40; at++) {
        const max = draw(random);
        const tail = dayTail(p, 0, max);
        days++;
        for (const [level, count] of exceeded) if (tail <= level) exceeded.set(level, count + 1);
        day(p, max, model);
      }
    }
    for (const [level, count] of exceeded) {
      expect(count / days, `at ${level}`).toBeLessThan(1.6 * level);
      expect(count / days, `at ${level}`).toBeGreaterThan(0.3 * level);
    }
  });

  it('are surprises: -ln of the tail, rising with the score, finite far out', () => {
    const random = createRandom('tails');
    const p = settled(20, () => gumbel(random, 6, 2));
    let last = -1;
    for (let score = 0; score < 1000; score += 0.5) {
      const stated = statedSurprise(p, 3, score);
      expect(stated).toBeGreaterThanOrEqual(last);
      last = stated;
    }
    expect(Number.isFinite(last)).toBe(true);
  });

  it('are what a Gumbel law says', () => {
    const p = settled(30, () => 8);
    expect(dayTail(p, 0, mu(p))).toBeCloseTo(1 - Math.exp(-1), 5);
    expect(dayTail(p, 0, mu(p) + beta(p))).toBeCloseTo(1 - Math.exp(-Math.exp(-1)), 5);
  });

  it('are interesting where one ordinary day in five reaches', () => {
    const p = settled(30, () => 8);
    const at = mu(p) - beta(p) * Math.log(-Math.log(0.8));
    expect(isInteresting(p, 0, at - 1e-2)).toBe(false);
    expect(isInteresting(p, 0, at + 1e-2)).toBe(true);
    expect(dayTail(p, 0, at)).toBeCloseTo(0.2, 3);
  });

  it('stand for the running day by its largest scores; the fused one as it was stated', () => {
    const p = settled(30, () => 8);
    p.f32[p.at4 + F.dayMax + 2] = 20;
    p.f32[p.at4 + F.dayFused] = 4.5;
    const stated = daySurprises(p);
    for (const [d, name] of DETECTORS.entries()) {
      const wanted = name === 'fused' ? 4.5 : d === 2 ? statedSurprise(p, d, 20) : 0;
      expect(stated[d], name).toBe(wanted);
    }
  });
});

describe('tail law', () => {
  it('is applied to what was stated, by detector', () => {
    const laws = DETECTORS.map((_, d) => ({ share: 0.1, from: 2 + d / 4, stretch: 1 + d / 10 }));
    const model = { ...modelOf(), tails: laws };
    for (const stated of [0.1, 2, 5, 50]) {
      for (const [d, law] of laws.entries()) expect(surprise(stated, d, model)).toBe(trueSurprise(stated, law));
    }
  });
});
