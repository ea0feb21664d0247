import { describe, expect, it } from 'vitest';
import { DETECTOR_COUNT } from '../../src/agent/layout.js';
import type { CohortModel } from '../../src/detect/model.js';
import { Laws } from '../../src/learn/laws.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { surprise } from '../../src/score/calibrate.js';
import { at, dayOf, keyOf } from './samples.js';

/** One law for every detector, so that what is drawn for one is drawn for all. */
const prior = neutralModel().days.map((_, __, [law]) => law);
const start = { ...neutralModel(), days: prior };

/** Laws taught by `agents` agents over `days` days each. */
function taught(
  agents: number,
  days: number,
  what: (agent: number, random: Random) => { max?: number; surprise?: number },
) {
  const random = createRandom('laws');
  const laws = new Laws(1000);
  for (let day = 0; day < days; day++) {
    for (let agent = 0; agent < agents; agent++)
      laws.learn(dayOf({ agent: `a-${agent}`, day, ...what(agent, random) }), prior);
  }
  return laws;
}

describe('day laws', () => {
  it('are the cold start’s until two agents have days', () => {
    expect(new Laws(1000).laws(start).days).toEqual(prior);
    expect(taught(1, 50, () => ({ max: 30 })).laws(start).days).toEqual(prior);
  });

  it('find mean, variance inside agents and variance between them', () => {
    const laws = taught(60, 40, (agent, random) => ({ max: 8 + 2 * Math.sin(agent) * Math.SQRT2 + random.normal() }));
    for (const { mean, within, between } of laws.laws(start).days) {
      expect(Math.abs(mean - 8)).toBeLessThan(0.5);
      expect(Math.abs(within - 1)).toBeLessThan(0.5);
      expect(Math.abs(between - 4)).toBeLessThan(1.5);
    }
  });

  it('never say that agents differ by less than nothing', () => {
    const laws = taught(30, 5, (_, random) => ({ max: 10 + 5 * random.normal() }));
    for (const { within, between } of laws.laws(start).days) {
      expect(within).toBeGreaterThan(0);
      expect(between).toBeGreaterThanOrEqual(0);
    }
  });

  it('let no single day carry them away', () => {
    const calm = taught(20, 20, () => ({ max: 5 }));
    const [before] = calm.laws(start).days;
    calm.learn(dayOf({ agent: 'a-0', day: 21, max: 1e9 }), prior);
    const [after] = calm.laws(start).days;
    expect(after.mean - before.mean).toBeLessThan(0.5);
    expect(after.within - before.within).toBeLessThan(10);
  });

  it('leave out the first days of an agent', () => {
    const laws = new Laws(1000);
    for (let n = 0; n < 50; n++)
      laws.learn(dayOf({ agent: `a-${n}`, day: 0, days: n % 4, max: 100, surprise: 50 }), prior);
    expect(laws.laws(start).days).toEqual(prior);
    expect(laws.laws(start).tails.every(({ from, stretch }) => from === Math.LN10 && stretch === 1)).toBe(true);
  });
});

describe('tail laws', () => {
  const rate = at('rate');
  const modelOf = (laws: Laws): CohortModel => ({ ...neutralModel(), tails: laws.laws(start).tails });

  it('leave alone what is stated truly', () => {
    const laws = taught(50, 80, (_, random) => ({ surprise: random.exponential() }));
    const { from, stretch } = laws.laws(start).tails[rate];
    expect(Math.abs(from - Math.LN10)).toBeLessThan(0.3);
    expect(Math.abs(stretch - 1)).toBeLessThan(0.25);
  });

  it('say nothing on few days', () => {
    const laws = taught(5, 3, () => ({ surprise: 40 }));
    expect(laws.laws(start).tails[rate]).toEqual({ from: Math.LN10, stretch: 1 });
  });

  it('take overstated surprise back, the more the longer', () => {
    const overstated = (days: number) =>
      modelOf(taught(50, days, (_, random) => ({ surprise: 3 * random.exponential() })));
    const [few, many] = [overstated(2), overstated(80)];
    const corrected = (model: CohortModel, stated: number, d = rate): number => surprise(stated, d, model);
    for (let d = 0; d < DETECTOR_COUNT; d++) {
      expect(corrected(many, 15, d)).toBeLessThan(corrected(few, 15, d));
      expect(corrected(few, 15, d)).toBeLessThan(15);
    }
    // One day in a thousand reaches three times ln 1000 as stated; after correction it is about ln 1000.
    expect(corrected(many, 3 * Math.log(1000))).toBeGreaterThan(0.75 * Math.log(1000));
    expect(corrected(many, 3 * Math.log(1000))).toBeLessThan(1.25 * Math.log(1000));
  });

  it('give understated surprise more weight, within a bound', () => {
    const laws = taught(50, 80, (_, random) => ({ surprise: 0.2 * random.exponential() }));
    const { from, stretch } = laws.laws(start).tails[rate];
    expect(from).toBeLessThan(Math.LN10);
    expect(from).toBeGreaterThan(0.4);
    expect(stretch).toBeGreaterThanOrEqual(0.7);
  });

  it('do not follow a few days of attack', () => {
    const honest = taught(50, 80, (_, random) => ({ surprise: random.exponential() }));
    const before = honest.laws(start).tails[rate];
    for (let n = 0; n < 40; n++) honest.learn(dayOf({ agent: 'a-1', day: 90 + n, surprise: 500 }), prior);
    const after = honest.laws(start).tails[rate];
    expect(Math.abs(after.from - before.from)).toBeLessThan(0.4);
    expect(Math.abs(after.stretch - before.stretch)).toBeLessThan(0.4);
  });

  it('forget old days', () => {
    const laws = taught(50, 60, () => ({ surprise: 30 }));
    const random = createRandom('later');
    for (let n = 0; n < 5000; n++)
      laws.learn(dayOf({ agent: `a-${n % 50}`, day: 100 + n, surprise: random.exponential() }), prior);
    expect(Math.abs(laws.laws(start).tails[rate].from - Math.LN10)).toBeLessThan(0.3);
  });
});

describe('memory', () => {
  it('is bounded: the agents met first are forgotten', () => {
    const laws = new Laws(10);
    for (let n = 0; n < 500; n++) laws.learn(dayOf({ agent: `a-${n}`, day: n }), prior);
    const { agents, recent, pages } = laws.snapshot();
    expect(agents.map(([key]) => key)).toEqual(Array.from({ length: 10 }, (_, n) => keyOf(`a-${490 + n}`)));
    expect(pages.length).toBeLessThanOrEqual(7);
    for (let n = 0; n < 9000; n++) laws.learn(dayOf({ agent: 'a-1', day: n }), prior);
    for (const list of laws.snapshot().recent) expect(list.length).toBeLessThanOrEqual(4096);
    expect(recent[0]).toHaveLength(500);
  });
});

describe('laws as JSON', () => {
  it('come back exactly', () => {
    const laws = taught(9, 30, (_, random) => ({ max: 10 * random.next(), surprise: random.exponential() }));
    const saved = JSON.parse(JSON.stringify(laws.snapshot()));
    const restored = new Laws(1000);
    restored.restore(saved);
    for (let n = 0; n < 30; n++) {
      const day = dayOf({ agent: `a-${n % 12}`, day: 40 + n, max: n, surprise: n / 7, marginal: n % 3 === 0 });
      laws.learn(day, prior);
      restored.learn(day, prior);
    }
    expect(restored.laws(start).days).toEqual(laws.laws(start).days);
    expect(restored.laws(start).tails).toEqual(laws.laws(start).tails);
    expect(restored.bar(0.03)).toBe(laws.bar(0.03));
  });
});
