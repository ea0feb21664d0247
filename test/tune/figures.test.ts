import { describe, expect, it } from 'vitest';
import { averagePrecision } from '../../src/tune/average-precision.js';
import { quartilesOf } from '../../src/tune/evaluate.js';
import { poissonInterval, shareInterval } from '../../src/tune/intervals.js';
import { classOf, parseLabels, parseTrainUntil } from '../../src/tune/labels.js';
import { createRule, type RuleName } from '../../src/tune/rules.js';
import type { Step } from '../../src/tune/traffic.js';

const MINUTE_MS = 60_000;

describe('intervals', () => {
  it.each([
    [0, 0, 3.688879],
    [1, 0.0253178, 5.571643],
    [10, 4.795389, 18.390356],
    [100, 81.36397, 121.626794],
  ])('of a Poisson count of %d are those of the tables', (count, low, high) => {
    const [lower, upper] = poissonInterval(count);
    expect(lower).toBeCloseTo(low, 4);
    expect(upper).toBeCloseTo(high, 4);
  });

  it("of a share are Wilson's, inside 0 to 1", () => {
    const [low, high] = shareInterval(8, 10) ?? [Number.NaN, Number.NaN];
    expect(low).toBeCloseTo(0.490162, 5);
    expect(high).toBeCloseTo(0.943318, 5);
    expect(shareInterval(0, 7)?.[0]).toBe(0);
    expect(shareInterval(7, 7)?.[1]).toBe(1);
    expect(shareInterval(0, 0)).toBeNull();
  });
});

describe('average precision', () => {
  const ranked = (...all: [p: number, ...windows: number[]][]) => all.map(([p, ...windows]) => ({ p, windows }));

  it('is 1 where all that is right comes first and every window is found', () => {
    expect(averagePrecision(ranked([0.5], [0.1, 0], [0.2, 1]), 2)).toBe(1);
  });

  it('loses what is never found, and what comes after something wrong', () => {
    expect(averagePrecision(ranked([0.1, 0]), 4)).toBe(0.25);
    expect(averagePrecision(ranked([0.1], [0.2, 0]), 1)).toBe(0.5);
    expect(averagePrecision([], 3)).toBe(0);
    expect(averagePrecision(ranked([0.1]), 0)).toBeNull();
  });

  it('does not depend on the order of findings of equal p', () => {
    expect(averagePrecision(ranked([0.1, 0], [0.1]), 1)).toBe(0.5);
    expect(averagePrecision(ranked([0.1], [0.1, 0]), 1)).toBe(0.5);
  });
});

it('quartiles are values that were there', () => {
  expect(quartilesOf([])).toBeNull();
  expect(quartilesOf([5])).toEqual({ lower: 5, median: 5, upper: 5, max: 5 });
  expect(quartilesOf([4, 1, 3, 2])).toEqual({ lower: 2, median: 3, upper: 4, max: 4 });
});

describe('labels', () => {
  it('are read with what may be left out', () => {
    const from = '2025-06-09T08:30:00Z';
    expect(parseLabels([{ agent: null, from, to: '2025-06-09T08:30:01.5Z', kind: 'hijack', source: 'x' }])).toEqual({
      labels: [
        {
          ...{ agent: null, session: null, sessions: null, kind: 'hijack' },
          ...{ fromMs: Date.parse(from), toMs: Date.parse(from) + 1500 },
        },
      ],
    });
  });

  it('that cannot be read are told with their place', () => {
    const wrong = parseLabels([{ agent: 'a', from: 'yesterday', to: '2025-06-09T08:30:00Z', kind: 'hijack' }]);
    expect(wrong).toEqual({ problem: expect.stringMatching(/^\[0\.from\] 'yesterday' is not a time/) });
    expect(parseLabels({})).toHaveProperty('problem');
    expect(parseTrainUntil({ train_until: 'soon' })).toHaveProperty('problem');
    expect(parseTrainUntil({ seed: 1 })).toEqual({ trainUntilMs: null });
  });

  it('ask for a page, for none, or for neither', () => {
    expect(['hijack', 'negative:x', 'injection-resisted', 'injection-unseen'].map(classOf)).toEqual([
      ...['positive', 'negative', 'negative', 'negative'],
    ]);
    expect(['attack-setup', 'attack-cleanup', 'agent-error', 'provider-alert'].map(classOf)).toEqual(
      new Array(4).fill('unscored'),
    );
  });
});

describe('the trivial rules', () => {
  const START_MS = 10 * 30 * MINUTE_MS;
  const step = (timeMs: number, over: Partial<Step> = {}): Step => ({
    ...{ timeMs, agent: 'a', session: 's', operation: 'execute_tool', endpoint: 'e', target: null, costUsd: null },
    ...over,
  });
  function pagesOf(name: RuleName, steps: Step[]) {
    const rule = createRule(name);
    for (const one of steps) rule.take(one, START_MS);
    return rule.pages.map(({ timeMs }) => timeMs - START_MS);
  }

  it('x10 pages at the first call beyond ten times the mean half hour, and again only after an hour', () => {
    // Ten calls in ten half hours: a mean of one. The eleventh call within half an hour is more than ten.
    const before = Array.from({ length: 10 }, (_, i) => step(i * 30 * MINUTE_MS));
    const burst = (fromMs: number, calls: number) =>
      Array.from({ length: calls }, (_, i) => step(START_MS + fromMs + i * 1000));
    expect(pagesOf('x10', [...before, ...burst(MINUTE_MS, 10)])).toEqual([]);
    const hours = [...burst(MINUTE_MS, 12), ...burst(40 * MINUTE_MS, 12), ...burst(90 * MINUTE_MS, 12)];
    expect(pagesOf('x10', [...before, ...hours])).toEqual([MINUTE_MS + 10_000, 90 * MINUTE_MS + 10_000]);
    expect(pagesOf('x10', burst(0, 50))).toEqual([]);
  });

  it('new-tool and new-target page about what was never seen, model calls apart', () => {
    const steps = [
      step(0),
      step(START_MS + 1, { target: 't' }),
      step(START_MS + 2, { endpoint: 'f' }),
      step(START_MS + 3, { endpoint: 'f' }),
      step(START_MS + 4, { endpoint: 'gpt', operation: 'chat' }),
      step(START_MS + 5, { agent: 'b' }),
    ];
    expect(pagesOf('new-tool', steps)).toEqual([2, 5]);
    expect(pagesOf('new-target', steps)).toEqual([1, 2, 5]);
  });
});
