import { describe, expect, it } from 'vitest';
import { DETECTOR_COUNT } from '../../src/agent/layout.js';
import type { CohortModel } from '../../src/detect/model.js';
import { Laws } from '../../src/learn/laws.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { surprise } from '../../src/score/calibrate.js';
import { statedFor } from '../../src/score/tail.js';
import { at, dayOf, keyOf } from './samples.js';

const PAGES = 0.03;
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
  const laws = new Laws(1000, PAGES);
  for (let day = 0; day < days; day++) {
    for (let agent = 0; agent < agents; agent++)
      laws.learn(dayOf({ agent: `a-${agent}`, day, ...what(agent, random) }), prior);
  }
  return laws;
}

describe('day laws', () => {
  it('are the cold start’s until two agents have days', () => {
    expect(new Laws(1000, PAGES).laws(start).days).toEqual(prior);
    // How often there is anything is told by one agent as well as by many: 50 of 50 days beside 30 of the cold start.
    const share = (50 + 30 * prior[0].share) / 80;
    const alone = taught(1, 50, () => ({ max: 30 })).laws(start).days;
    expect(alone).toEqual(prior.map((law) => ({ ...law, share: expect.closeTo(share, 12) })));
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

  it('are of the days that hold anything; how many those are is a law of its own', () => {
    const held = (agent: number, random: Random): number => (agent % 3 > 0 && random.next() < 0.5 ? 8 : 0);
    for (const { share, mean, within } of taught(60, 100, (a, r) => ({ max: held(a, r) })).laws(start).days) {
      // A third of the agents never has anything, the others every other day.
      expect(share).toBeCloseTo(1 / 3, 1);
      expect(mean).toBeCloseTo(8, 1);
      expect(within).toBeLessThan(0.5);
    }
  });

  it('of what nobody ever had are the cold start’s, only ever rarer', () => {
    for (const law of taught(20, 100, () => ({ max: 0 })).laws(start).days) {
      expect(law).toEqual({ ...prior[0], share: expect.closeTo((30 * prior[0].share) / 2030, 12) });
    }
  });

  it('leave out the first days of an agent', () => {
    const laws = new Laws(1000, PAGES);
    for (let n = 0; n < 50; n++)
      laws.learn(dayOf({ agent: `a-${n}`, day: 0, days: n % 4, max: 100, surprise: 50 }), prior);
    expect(laws.laws(start).days).toEqual(prior);
    expect(laws.laws(start).tails).toEqual(start.tails);
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
    expect(laws.laws(start).tails[rate]).toEqual({ share: 0.1, from: Math.LN10, stretch: 1 });
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

  it('begin where the larger half of the days that hold anything does, where those are rare', () => {
    const rare = (share: number) => (_: number, random: Random) => ({
      surprise: random.next() < share ? -Math.log(share) + random.exponential() : 0,
    });
    for (const share of [0.1, 0.04, 0.01]) {
      // What is stated is true here: P(a day goes above s) = share exp(-(s + ln share)).
      const law = taught(60, 60, rare(share)).laws(start).tails[rate];
      expect(law.share).toBeGreaterThan(0.4 * share);
      expect(law.share).toBeLessThan(0.6 * share);
      // The fewer such days there are, the more the cold start counts.
      const own = (3600 * share) / (3600 * share + 60);
      const wanted = own * -Math.log(law.share) + (1 - own) * statedFor(-Math.log(law.share), start.tails[rate]);
      expect(Math.abs(law.from - wanted)).toBeLessThan(0.25);
      expect(Math.abs(law.stretch - 1)).toBeLessThan(0.35);
    }
    // Seven days are no tail to begin.
    const few = taught(60, 60, () => ({ surprise: 0 }));
    for (let n = 0; n < 7; n++) few.learn(dayOf({ agent: 'a-1', day: 70 + n, surprise: 20 }), prior);
    expect(few.laws(start).tails[rate]).toEqual(start.tails[rate]);
  });

  it('blend with the cold start’s at the same share of days, whatever share that one begins at', () => {
    const elsewhere = { share: 0.02, from: 5, stretch: 1 };
    const laws = taught(20, 10, (_, random) => ({ surprise: 1e-9 + random.exponential() }));
    const own = laws.laws({ ...start, tails: start.tails.map(() => elsewhere) }).tails[rate];
    expect(own.share).toBe(0.1);
    // 200 days of its own beside 60 of the cold start: a tenth of its own list is above about ln 10, and where the
    // other law has a tenth is told by that law.
    const list = [...laws.snapshot().recent[rate]].sort((a, b) => b - a);
    const wanted = (200 * list[20] + 60 * statedFor(Math.LN10, elsewhere)) / 260;
    expect(own.from).toBeCloseTo(wanted, 9);
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

describe('law of fused days', () => {
  const fused = at('fused');
  const rate = at('rate');
  /** Days that state the truth; those at most a budget rare have paged. `attacks`: days beside them that page as well. */
  function watched(attacks: number): Laws {
    const random = createRandom('fused');
    const laws = new Laws(1000, PAGES);
    for (let n = 0; n < 4000; n++) {
      const surprise = random.exponential();
      laws.learn(dayOf({ agent: `a-${n % 50}`, day: n, surprise, paged: surprise >= -Math.log(PAGES) }), prior);
      if (random.next() < attacks)
        laws.learn(dayOf({ agent: `a-${n % 50}`, day: n, surprise: 40, paged: true }), prior);
    }
    return laws;
  }

  it('is true though the days that paged are left out: a budget of them is put back', () => {
    const { share, from, stretch } = watched(0).laws(start).tails[fused];
    expect(share).toBe(0.1);
    expect(Math.abs(from - Math.LN10)).toBeLessThan(0.15);
    expect(Math.abs(stretch - 1)).toBeLessThan(0.2);
  });

  it('does not know of attacks that paged, however many', () => {
    const [none, some, many] = [0, 0.05, 0.5].map((attacks) => watched(attacks));
    expect(some.laws(start).tails[fused]).toEqual(none.laws(start).tails[fused]);
    expect(many.laws(start).tails[fused].stretch).toBeCloseTo(none.laws(start).tails[fused].stretch, 1);
    // The law of a single detector does: what paged is not its fault alone.
    expect(some.snapshot().recent[rate].length).toBeGreaterThan(some.snapshot().recent[fused].length);
    expect(many.laws(start).tails[rate].from).toBeGreaterThan(none.laws(start).tails[rate].from + 1);
  });

  it('reads its slope between the largest 30 and 10 % of days: what lies above does not move it', () => {
    const law = (top: number) =>
      taught(50, 80, (_, random) => {
        const surprise = random.exponential();
        return { surprise: surprise > 3 ? surprise * top : surprise };
      }).laws(start).tails[fused];
    expect(law(5)).toEqual(law(1));
  });

  it('is the cold start’s until a tenth of its days are four', () => {
    // A tenth of 50 ordinary days, less the budget's worth that is missing: (.1 - .03)/.97 of 50 is 3.6.
    expect(taught(50, 1, () => ({ surprise: 9 })).laws(start).tails[fused]).toEqual(start.tails[fused]);
    expect(taught(56, 1, () => ({ surprise: 9 })).laws(start).tails[fused]).not.toEqual(start.tails[fused]);
  });
});

describe('memory', () => {
  it('is bounded: the agents met first are forgotten', () => {
    const laws = new Laws(10, PAGES);
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
    const restored = new Laws(1000, PAGES);
    restored.restore(saved);
    for (let n = 0; n < 30; n++) {
      const day = dayOf({ agent: `a-${n % 12}`, day: 40 + n, max: n, surprise: n / 7, marginal: n % 3 === 0 });
      laws.learn(day, prior);
      restored.learn(day, prior);
    }
    expect(restored.laws(start).days).toEqual(laws.laws(start).days);
    expect(restored.laws(start).tails).toEqual(laws.laws(start).tails);
    expect(restored.bar()).toBe(laws.bar());
  });
});
