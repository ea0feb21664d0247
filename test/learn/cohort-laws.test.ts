import { describe, expect, it } from 'vitest';
import { WINDOW_COUNT } from '../../src/agent/layout.js';
import { WindowPrior } from '../../src/detect/counts.js';
import type { CohortLaw, CohortModel } from '../../src/detect/model.js';
import { Paces } from '../../src/learn/cohort-laws.js';
import { Learner } from '../../src/learn/learner.js';
import { modelFromJson, modelToJson } from '../../src/learn/model-file.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { DAY_MS, START_MS } from '../engine/world.js';
import { adoptionOf, dayOf, keyOf, roleOf } from './samples.js';

const start = neutralModel();

/** Paces of agents that have been watched for so many days, each with its own mean count, Poisson. */
function pacesOf(counts: readonly number[], days = 10): Paces {
  const paces = new Paces(1000);
  for (const [n, count] of counts.entries()) paces.learn(dayOf({ agent: `a-${n}`, day: 1, days: days - 1, count }));
  return paces;
}

const membersOf = (n: number): string[] => Array.from({ length: n }, (_, at) => keyOf(`a-${at}`));

function lawOf(counts: readonly number[], days = 10): CohortLaw {
  const law = pacesOf(counts, days).law(membersOf(counts.length), start, () => start.days);
  if (law === null) throw new Error('no law');
  return law;
}

/** 1/k of the negative binomial that stands behind a law. */
const excessOf = ({ windowMean: [mean], windowSquare: [square] }: CohortLaw): number =>
  (square - mean * mean - mean) / (mean * mean);

describe('the law of a cohort', () => {
  it('needs three members known for a week', () => {
    const days = () => start.days;
    expect(pacesOf([1, 1]).law(membersOf(2), start, days)).toBe(null);
    expect(pacesOf([1, 1, 1], 6).law(membersOf(3), start, days)).toBe(null);
    expect(pacesOf([1, 1, 1], 7).law(membersOf(3), start, days)?.known).toBe(3);
    expect(pacesOf([1, 1, 1]).law([...membersOf(3), keyOf('unseen')], start, days)?.known).toBe(3);
  });

  it('has the mean of its members, closer with more of them', () => {
    const off = (n: number): number => Math.abs(Math.log(lawOf(new Array<number>(n).fill(50)).windowMean[0] / 50));
    expect(off(30)).toBeLessThan(off(3));
    expect(off(30)).toBeLessThan(0.15);
  });

  it('is the wider, the more its members differ', () => {
    const alike = excessOf(lawOf(new Array<number>(20).fill(10)));
    const apart = excessOf(lawOf(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 5 : 15))));
    // Half of them at 5 and half at 15: a variance of 25 around 10.
    expect(alike).toBeLessThan(0.01);
    expect(apart).toBeGreaterThan(0.2);
    expect(apart).toBeLessThan(0.4);
  });

  it('leaves room for what no member has done yet, and never contradicts itself', () => {
    for (const counts of [
      [0, 0, 0],
      [0, 0, 1e5],
      [1e-7, 1, 1],
    ]) {
      const { windowMean, windowSquare } = lawOf(counts);
      for (let w = 0; w < WINDOW_COUNT; w++) {
        expect(windowMean[w]).toBeGreaterThan(0);
        expect(windowSquare[w]).toBeGreaterThanOrEqual(windowMean[w] * windowMean[w] + windowMean[w]);
      }
    }
    const nothing = {
      ...start,
      windowMean: start.windowMean.map(() => 0),
      windowSquare: start.windowSquare.map(() => 0),
    };
    const law = pacesOf([1, 2, 3]).law(membersOf(3), nothing, () => start.days);
    expect(law?.windowMean.every((mean) => mean > 0 && Number.isFinite(mean))).toBe(true);
  });

  it('forgets the agents that it met first, and goes on over a snapshot', () => {
    const few = new Paces(3);
    for (let n = 0; n < 4; n++) few.learn(dayOf({ agent: `a-${n}`, day: 1 }));
    expect(few.law(membersOf(3), start, () => start.days)).toBe(null);
    const again = new Paces(3);
    again.restore(JSON.parse(JSON.stringify(few.snapshot())));
    expect(again.snapshot()).toEqual(few.snapshot());
  });
});

describe('a learner', () => {
  const learned = (): CohortModel => {
    const learner = new Learner({ start, pagesPerAgentDay: 0.03 });
    const agents = ['a', 'b', 'c', 'd'];
    const samples = agents.flatMap((agent) => [
      roleOf(agent, 'clerk'),
      adoptionOf(agent, 'mail'),
      ...Array.from({ length: 60 }, (_, day) => dayOf({ agent, day, days: day, count: 20, max: 25 })),
    ]);
    const bare = ['x', 'y', 'z'].flatMap((agent) =>
      Array.from({ length: 60 }, (_, day) => dayOf({ agent, day, days: day, count: 1, max: 2 })),
    );
    return learner.close(START_MS + 90 * DAY_MS, [...samples, ...bare]) as CohortModel;
  };

  it('gives a law to a role, and none to agents that merely have adopted nothing', () => {
    const laws = learned().cohorts.map(({ id, law }) => [id, law?.known ?? null]);
    expect(laws.find(([id]) => id === 'role::clerk')).toEqual(['role::clerk', 4]);
    expect(laws.filter(([, known]) => known !== null)).toHaveLength(1);
  });

  it('draws a cohort’s days away from the fleet’s towards its own', () => {
    const { cohorts, days } = learned();
    const law = cohorts.find(({ id }) => id === 'role::clerk')?.law;
    expect(law?.days[0].mean).toBeGreaterThan(days[0].mean);
    expect(law?.days[0].mean).toBeLessThan(25);
  });

  it('writes laws into the model’s file and reads them', () => {
    const model = learned();
    const json = JSON.parse(JSON.stringify(modelToJson(model)));
    expect(modelFromJson(json)).toEqual(model);
    json.cohorts.find(({ law }: { law: unknown }) => law !== null).law.windowMean = [1];
    expect(modelFromJson(json)).toMatch(/law\.windowMean/);
  });

  it('fills the prior of every cohort, the fleet’s where one has no law', () => {
    const model = learned();
    const prior = new WindowPrior();
    prior.use(model);
    for (const [at, { law }] of model.cohorts.entries()) {
      const row = prior.mean.subarray((at + 1) * WINDOW_COUNT, (at + 2) * WINDOW_COUNT);
      expect([...row]).toEqual(law === null ? model.windowMean : law.windowMean);
    }
    prior.use(start);
    expect([...prior.square]).toEqual(start.windowSquare);
  });
});
