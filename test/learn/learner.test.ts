import { describe, expect, it } from 'vitest';
import type { CohortModel } from '../../src/detect/model.js';
import type { Sample } from '../../src/engine/outcome.js';
import { Learner } from '../../src/learn/learner.js';
import { modelToJson } from '../../src/learn/model-file.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, START_MS } from '../engine/world.js';
import { dayOf, keyOf, roleOf, workSamples } from './samples.js';

const PAGES = 0.03;
const WINDOW_MS = DAY_MS / 2;
const learnerOf = (snapshot?: unknown): Learner =>
  new Learner({ start: neutralModel(), pagesPerAgentDay: PAGES }, snapshot);
const textOf = (model: CohortModel | null): string => (model === null ? 'none' : JSON.stringify(modelToJson(model)));

/** The samples by windows of half a day, in the order of their times. */
function windowsOf(samples: readonly Sample[]): Sample[][] {
  const windows: Sample[][] = [];
  for (const sample of samples) {
    const at = Math.max(0, Math.floor((sample.timeMs - START_MS) / WINDOW_MS));
    while (windows.length <= at) windows.push([]);
    windows[at].push(sample);
  }
  return windows;
}

const windows = windowsOf(workSamples(61));
const endOf = (at: number): number => START_MS + (at + 1) * WINDOW_MS;
const learnAll = (learner: Learner, list: readonly Sample[][], from = 0): string[] =>
  list.map((samples, at) => textOf(learner.close(endOf(from + at), samples)));

/** A learner after all windows, as JSON. */
function learnedSnapshot(): unknown {
  const learner = learnerOf();
  learnAll(learner, windows);
  return JSON.parse(JSON.stringify(learner.snapshot()));
}

describe('learner', () => {
  const models = learnAll(learnerOf(), windows);

  it('meets every kind of sample and grows a forest', () => {
    const kinds = new Set(windows.flat().map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['adopted', 'day', 'role', 'row']);
    expect(models.at(-1)).toMatch(/"forest":\{/);
  });

  it('makes the same models in whatever order a window was delivered', () => {
    const random = createRandom('delivery');
    for (let round = 0; round < 3; round++) {
      const shuffled = windows.map((samples) => random.shuffle([...samples]));
      expect(learnAll(learnerOf(), shuffled)).toEqual(models);
    }
  });

  it('leaves the samples as they were delivered', () => {
    const samples = createRandom(1).shuffle([...windows[3]]);
    const before = JSON.stringify(samples);
    learnerOf().close(endOf(3), samples);
    expect(JSON.stringify(samples)).toBe(before);
  });

  it('goes on after a restore as if it had never stopped, wherever it is cut', () => {
    for (const cut of [0, 1, 5, 9, windows.length - 1]) {
      const first = learnerOf();
      learnAll(first, windows.slice(0, cut));
      const saved = JSON.parse(JSON.stringify(first.snapshot()));
      const second = learnerOf(saved);
      expect(textOf(second.model())).toBe(textOf(first.model()));
      expect(JSON.stringify(second.snapshot())).toBe(JSON.stringify(saved));
      expect(learnAll(second, windows.slice(cut), cut)).toEqual(models.slice(cut));
    }
  });

  it('never changes a model that it has given out', () => {
    const learner = learnerOf();
    const given = windows.map((samples, at) => learner.close(endOf(at), samples));
    expect(given.map(textOf)).toEqual(models);
  });

  it('makes no model of nothing', () => {
    const learner = learnerOf();
    expect(learner.close(endOf(0), [])).toBe(null);
    expect(learner.model().version).toBe('neutral');
  });

  it('names every model anew, after what made it', () => {
    const versions = models.filter((text) => text !== 'none').map((text) => JSON.parse(text).version as string);
    expect(new Set(versions).size).toBe(versions.length);
    const [one, other] = ['a', 'b'].map((agent) => learnerOf().close(endOf(0), [dayOf({ agent, day: 0 })])?.version);
    expect(one).not.toBe(other);
  });

  it('names a model after the contents of its samples, not only after whose they are', () => {
    const versionOf = (max: number) => learnerOf().close(endOf(0), [dayOf({ agent: 'a', day: 1, max })])?.version;
    expect(versionOf(1)).toBe(versionOf(1));
    expect(versionOf(1)).not.toBe(versionOf(2));
  });

  it('orders even what was said of one agent in one millisecond', () => {
    const [one, two] = [roleOf('x', 'one'), roleOf('x', 'two')];
    expect(textOf(learnerOf().close(endOf(0), [one, two]))).toBe(textOf(learnerOf().close(endOf(0), [two, one])));
  });

  it('forgets the forest of a cohort that is no more', () => {
    const learner = learnerOf(learnedSnapshot());
    const before = (learner.snapshot() as { rotations: unknown[] }).rotations.length;
    expect(before).toBeGreaterThan(0);
    const agents = Array.from({ length: 8 }, (_, n) => `agent-${n}`);
    learner.close(
      endOf(99),
      agents.map((agent) => roleOf(agent, 'other')),
    );
    expect((learner.snapshot() as { rotations: unknown[] }).rotations).toEqual([]);
  });

  it('puts agents of one role into one cohort', () => {
    const roles = [roleOf('a', 'clerk'), roleOf('b', 'clerk'), roleOf('c', 'other')];
    const model = learnerOf().close(endOf(0), roles) as CohortModel;
    expect(model.cohortOf.get(keyOf('a'))).toBe(model.cohortOf.get(keyOf('b')));
    expect(model.cohortOf.get(keyOf('a'))).not.toBe(model.cohortOf.get(keyOf('c')));
    expect(model.cohorts.map(({ members }) => members).sort()).toEqual([1, 2]);
  });

  it('takes rows of an agent that it has never met for nobody’s', () => {
    const row: Sample = { kind: 'row', timeMs: START_MS, agent: keyOf('x'), id: 'r', values: new Array(12).fill(0) };
    const model = learnerOf().close(endOf(0), [row]) as CohortModel;
    expect(model.cohorts).toEqual([]);
  });

  it('raises the bar where marginal pages went above the budget, and lets it fall again', () => {
    const bar = (share: number): number => {
      const days = Array.from({ length: 400 }, (_, n) =>
        dayOf({ agent: `a-${n % 100}`, day: n % 4, marginal: n < share * 400 }),
      );
      return (learnerOf().close(endOf(10), days) as CohortModel).bar;
    };
    expect(bar(0)).toBe(1);
    expect(bar(PAGES)).toBe(1);
    expect(bar(0.2)).toBeGreaterThan(2);
    const learner = learnerOf();
    learner.close(
      endOf(10),
      Array.from({ length: 200 }, (_, n) => dayOf({ agent: `a-${n}`, day: 0, marginal: n < 60 })),
    );
    const calm = Array.from({ length: 20 }, (_, day) => dayOf({ agent: 'a-1', day: 10 + day }));
    expect((learner.close(endOf(60), calm) as CohortModel).bar).toBe(1);
  });

  it('learns from what agents did: a sample has no room for a label or a verdict', () => {
    const known = new Set([
      'kind',
      'timeMs',
      'agent',
      'id',
      'values',
      'what',
      'hash',
      'role',
      'days',
      'max',
      'surprise',
      'marginal',
      'paged',
      'windowMean',
      'windowSquare',
    ]);
    for (const sample of windows.flat()) for (const member of Object.keys(sample)) expect(known).toContain(member);
    const marked = windows.map((samples) =>
      samples.map((sample) => ({ ...sample, label: 'attack', verdict: 'expected' })),
    );
    const unnamed = (texts: readonly string[]): string[] => texts.map((text) => text.replace(/"version":"[^"]*"/, ''));
    expect(unnamed(learnAll(learnerOf(), marked))).toEqual(unnamed(models));
  });
});
