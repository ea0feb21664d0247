import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/tune/evaluate.js';
import { addUp, judge } from '../../src/tune/judge.js';
import type { Label } from '../../src/tune/labels.js';
import { type Step, Traffic } from '../../src/tune/traffic.js';
import type { Raised } from '../../src/tune/windows.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The end of the training days. */
const START_MS = 10 * DAY_MS;

const label = (over: Partial<Label> = {}): Label => ({
  ...{ agent: 'a', session: null, sessions: null, kind: 'retry-loop' },
  ...{ fromMs: START_MS + HOUR_MS, toMs: START_MS + 2 * HOUR_MS, ...over },
});
const step = (over: Partial<Step>): Step => ({
  ...{ timeMs: START_MS, agent: 'a', session: null, operation: 'execute_tool', endpoint: 'e', target: null },
  ...{ costUsd: null, ...over },
});
let ids = 0;
const page = (over: Partial<Raised>): Raised => ({
  ...{ id: `f${ids++}`, timeMs: START_MS + HOUR_MS, agent: 'a', session: null, isPage: true, p: 0.01, ...over },
});

/** Two agents, a and b, over two judged days. */
function judged(labels: Label[], raised: Raised[], steps: Step[] = []) {
  const traffic = new Traffic(labels, START_MS);
  const ends = [step({ timeMs: 0, agent: 'b/sub-01' }), step({ timeMs: START_MS + 2 * DAY_MS - 1000 })];
  for (const one of [...steps, ...ends].sort((a, b) => a.timeMs - b.timeMs)) traffic.take(one);
  const facts = traffic.facts();
  if (facts === null) throw new Error('no events');
  return judge(labels, facts, raised);
}

describe('a positive window', () => {
  it('is found by a page about its agent or a sub-agent, from its beginning to ten minutes after its end', () => {
    const found = (over: Partial<Raised>) => judged([label()], [page(over)]).found;
    expect(found({ timeMs: START_MS + HOUR_MS })).toBe(1);
    expect(found({ timeMs: START_MS + HOUR_MS - 1 })).toBe(0);
    expect(found({ timeMs: START_MS + 2 * HOUR_MS + 600_000 })).toBe(1);
    expect(found({ timeMs: START_MS + 2 * HOUR_MS + 600_001 })).toBe(0);
    expect(found({ agent: 'a/sub-07' })).toBe(1);
    expect(found({ agent: 'ab' })).toBe(0);
    expect(found({ agent: 'fleet' })).toBe(0);
    expect(found({ isPage: false })).toBe(0);
    expect(judged([label()], [page({ isPage: false })]).noticed).toBe(1);
  });

  it('takes a page that names another session for false', () => {
    const found = (over: Partial<Label>, session: string | null) => judged([label(over)], [page({ session })]).found;
    expect(found({ session: 's' }, 's')).toBe(1);
    expect(found({ session: 's' }, null)).toBe(1);
    expect(found({ session: 's' }, 't')).toBe(0);
    expect(found({ sessions: ['s', 't'] }, 't')).toBe(1);
    expect(found({ sessions: ['s', 't'] }, 'u')).toBe(0);
  });

  it('excuses one page, and one more for each twelve hours', () => {
    const three = [1, 2, 3].map((h) => page({ timeMs: START_MS + h * HOUR_MS }));
    expect(judged([label({ toMs: START_MS + 5 * HOUR_MS })], three)).toMatchObject({ found: 1, falsePages: 2 });
    expect(judged([label({ toMs: START_MS + 13 * HOUR_MS })], three)).toMatchObject({ found: 1, falsePages: 1 });
  });

  it('is timed from its beginning, or from the end of training, in seconds, events and dollars', () => {
    const at = (minutes: number, over: Partial<Step> = {}) =>
      step({ timeMs: START_MS + minutes * 60_000, costUsd: 0.5, ...over });
    const steps = [at(-5), at(5), at(10), at(15, { agent: 'a/sub-02', costUsd: null }), at(16, { agent: 'c' }), at(20)];
    const { kinds } = judged([label({ fromMs: START_MS - DAY_MS })], [page({ timeMs: START_MS + 20 * 60_000 })], steps);
    expect(kinds['retry-loop']).toEqual({
      ...{ windows: 1, found: 1, noticed: 1 },
      ...{ delaysMs: [20 * 60_000], events: [3], usd: [1] },
    });
  });

  it('that ended before the judged days is no window', () => {
    expect(judged([label({ fromMs: 0, toMs: START_MS - 1 })], []).windows).toBe(0);
  });
});

describe('a page', () => {
  it('counts once for a finding, where it first became one', () => {
    const lines = [
      page({ id: 'x', isPage: false, timeMs: START_MS + HOUR_MS }),
      page({ id: 'x', timeMs: START_MS + HOUR_MS + 5000 }),
      page({ id: 'x', timeMs: START_MS + HOUR_MS + 9000 }),
    ];
    const { pages, notices, kinds } = judged([label()], lines);
    expect({ pages, notices, delays: kinds['retry-loop'].delaysMs }).toEqual({ pages: 1, notices: 0, delays: [5000] });
  });

  it('of the training days is not judged', () => {
    expect(judged([], [page({ timeMs: START_MS - 1 })])).toMatchObject({ pages: 0, falsePages: 0 });
  });

  it('about a hard negative is false, about what is not scored neither', () => {
    const negative = judged([label({ kind: 'negative:batch' }), label({ kind: 'injection-resisted' })], [page({})]);
    expect(negative).toMatchObject({ windows: 0, falsePages: 1, agentsWithFalsePage: 1 });
    expect(negative.hardNegatives['negative:batch']).toEqual({ windows: 1, paged: 1 });
    expect(judged([label({ kind: 'agent-error' })], [page({})])).toMatchObject({ pages: 1, falsePages: 0 });
  });

  it('about all agents is right in a window of all agents; those about single agents are counted as a share', () => {
    const outage = label({ agent: null, kind: 'negative:provider-outage' });
    expect(judged([outage], [page({ agent: 'fleet' })])).toMatchObject({ falsePages: 0, outageAgentsPaged: 0 });
    expect(judged([], [page({ agent: 'fleet' })])).toMatchObject({ falsePages: 1, agentsWithFalsePage: 0 });
    expect(judged([outage], [page({}), page({})])).toMatchObject({ falsePages: 2, outageAgentsPaged: 0.5 });
  });
});

describe('chance', () => {
  it('is the share of the time that a window takes, once for each false page of an agent', () => {
    // 110 of 2,880 minutes with the ten of grace; four false pages on two agents are two an agent.
    const far = [30, 31, 32, 33].map((h) => page({ agent: 'b', timeMs: START_MS + h * HOUR_MS }));
    const { byChance } = judged([label({ toMs: START_MS + HOUR_MS + 100 * 60_000 })], far);
    const share = 110 / 2880;
    expect(byChance).toBeCloseTo(1 - (1 - share) * (1 - share), 12);
    expect(judged([label()], []).byChance).toBe(0);
  });
});

describe('several recordings', () => {
  it('add up, and their quartiles are of all delays together', () => {
    const late = (s: number) => judged([label()], [page({ timeMs: START_MS + HOUR_MS + s * 1000, p: s / 100 })]);
    const missed = judged([label()], [page({ agent: 'b', p: 0.001 })]);
    const report = evaluate(addUp([late(3), late(1), missed, late(2), late(9)]), 0.5);
    expect(report).toMatchObject({ windows: 5, found: 4, agentDays: 20, falsePages: 1, falsePagesPerAgentDay: 0.05 });
    expect(report.timesBudget).toBeCloseTo(0.1, 12);
    expect(report.kinds['retry-loop'].delayS).toEqual({ lower: 2, median: 3, upper: 9, max: 9 });
    // Ranked: wrong, then four that are right about a window each: (1/2 + 2/3 + 3/4 + 4/5) / 5.
    expect(report.averagePrecision).toBeCloseTo((1 / 2 + 2 / 3 + 3 / 4 + 4 / 5) / 5, 12);
  });
});
