import { describe, expect, it } from 'vitest';
import { ENDPOINTS, findKnown, isAdopted } from '../../src/agent/known.js';
import { Profile } from '../../src/agent/layout.js';
import { type Finding, isPage } from '../../src/decide/finding.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, VerdictRecord, VerdictUndoRecord } from '../../src/engine/record.js';
import { hashNames } from '../../src/engine/teaching.js';
import { isCovered, VERDICTS_MAX } from '../../src/engine/verdict-book.js';
import { found, loop, numbersOf, ordinary, profileOf, timeline, verdictOn } from './verdict-of.js';
import {
  agentRecord,
  DAY_MS,
  engineOf,
  eventOf,
  HOUR_MS,
  ListShelf,
  linesOf,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
} from './world.js';

/** The trouble, and when it comes back. */
const AT = START_MS + 14 * DAY_MS + 10 * HOUR_MS;
const AGAIN = AT + DAY_MS;
const WORSE = AT + 2 * DAY_MS;
/** A morning later somebody looks at it. */
const SAID = AT + 14 * HOUR_MS;

const everyone = [...ordinary('clerk', 18), ...ordinary('scribe', 18)];
const before = timeline([...everyone.filter(({ event }) => event.timeMs < SAID), ...loop('clerk', AT, 60)]);
const since = everyone.filter(({ event }) => event.timeMs >= SAID);
const again = timeline([...since, ...loop('clerk', AGAIN, 60), ...loop('scribe', AGAIN, 60)]);

const first = found(engineOf(), before).filter(({ kind }) => kind === 'retry-loop');
const finding = first[first.length - 1];
const said = (over: Partial<VerdictRecord> = {}): VerdictRecord => verdictOn(finding, { timeMs: SAID, ...over });
const undone = (id = 'v-1'): VerdictUndoRecord => ({ type: 'verdict-undo', timeMs: SAID, id, actor: 'person:ann' });

/** An engine that has seen the trouble and heard what people say of it. */
function told(...controls: readonly EngineRecord[]): PartitionEngine {
  const engine = engineOf({ settings: { policy: policyOf([RULE]) } });
  outcomeOf(engine, [...before, ...controls], 0);
  return engine;
}

const loops = (findings: readonly Finding[], agent: string): Finding[] =>
  findings.filter(({ kind, root }) => kind === 'retry-loop' && root === agent);
const pages = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => isPage(severity));
const mutes = (findings: readonly Finding[]): (string | undefined)[] => [
  ...new Set(findings.map(({ mutedBy }) => mutedBy)),
];

describe('without a verdict', () => {
  it('the trouble pages, and pages again when it comes back', () => {
    expect(pages(first).length).toBeGreaterThan(0);
    expect(pages(loops(outcomeOf(told(), again).findings, 'clerk')).length).toBeGreaterThan(0);
    for (const one of first) expect(Object.keys(one)).not.toContain('mutedBy');
  });
});

describe('a false positive', () => {
  it('mutes the like of it: a notice that says so, and no stop', () => {
    const { findings, proposals } = outcomeOf(told(said()), again);
    const muted = loops(findings, 'clerk');
    expect(muted).toMatchObject([{ severity: 'low', mutedBy: 'v-1', proposal: null }]);
    expect(proposals.filter(({ kind, agent }) => kind === 'retry-loop' && agent === 'clerk')).toEqual([]);
    expect(Object.keys(muted[0]).at(-1)).toBe('mutedBy');
  });

  it('teaches nothing', () => {
    expect(profileOf(told(said()), 'clerk')).toEqual(profileOf(told(), 'clerk'));
  });

  it('pages one that is twice as bad, in the finding that was a notice', () => {
    const worse = loops(found(told(said()), timeline([...since, ...loop('clerk', WORSE, 150)])), 'clerk');
    expect(worse[0]).toMatchObject({ severity: 'low', mutedBy: 'v-1' });
    const paged = pages(worse);
    expect(paged.length).toBeGreaterThan(0);
    expect(mutes(paged)).toEqual([undefined]);
    expect(paged[0]).toMatchObject({ id: worse[0].id });
    expect(paged[0].attribution[0].observed).toBeGreaterThanOrEqual(120);
  });

  it('leaves other agents alone, and other endpoints of the same agent', () => {
    const others = loops(found(told(said()), again), 'scribe');
    expect(pages(others).length).toBeGreaterThan(0);
    expect(mutes(others)).toEqual([undefined]);
    const elsewhere = loops(found(told(said()), timeline([...since, ...loop('clerk', AGAIN, 60, 'pay')])), 'clerk');
    expect(pages(elsewhere).length).toBeGreaterThan(0);
  });

  it('covers a milder face of the same trouble, and no graver one', () => {
    const face = (kind: Finding['kind']) => said({ kind, level: 500 });
    const kindsOf = (verdict: VerdictRecord) =>
      found(told(verdict), again).filter(({ root, mutedBy }) => root === 'clerk' && mutedBy !== undefined);
    const plain = found(told(), again).filter(({ root, time }) => root === 'clerk' && Date.parse(time) >= AGAIN);
    expect(plain.map(({ kind }) => kind)).toContain('retry-loop');
    expect(kindsOf(face('error-burst')).map(({ kind }) => kind)).not.toContain('retry-loop');
    expect(kindsOf(face('retry-loop')).map(({ kind }) => kind)).toContain('retry-loop');
  });

  it('holds a count against shorter windows too, and never against longer ones', () => {
    const held = (detector: string, feature: string, level: number) => ({
      ...{ record: said(), names: null, taught: [], levels: [{ detector, feature, level }] },
    });
    const windows = ['calls in 10 s', 'calls in 1 min', 'calls in 10 min'];
    const rate = held('rate', 'calls in 1 min', 50);
    const isMuted = (feature: string, level: number) => isCovered(rate, { detector: 'rate', feature, level }, windows);
    expect(windows.map((feature) => isMuted(feature, 99))).toEqual([false, true, true]);
    expect(windows.map((feature) => isMuted(feature, 100))).toEqual([false, false, false]);
    expect(isMuted('something else', 1)).toBe(false);
    expect(isCovered(rate, { detector: 'starts', feature: 'calls in 1 min', level: 1 }, windows)).toBe(false);
    const z = held('joint', 'z', -3);
    expect([-5, -6, -7].map((level) => isCovered(z, { detector: 'joint', feature: 'z', level }, []))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('ends at its time', () => {
    const engine = told(said({ untilMs: AGAIN }));
    expect(engine.inside.verdicts.size).toBe(1);
    const back = loops(found(engine, again), 'clerk');
    expect(pages(back).length).toBeGreaterThan(0);
    expect(mutes(back)).toEqual([undefined]);
    expect(engine.inside.verdicts.size).toBe(0);
  });

  it('of a whole role reaches its agents, and no others', () => {
    const role = (agent: string): EngineRecord => ({ ...agentRecord(agent, START_MS, {}), role: 'desk' });
    const scope = { role: 'desk' };
    const both = found(told(role('clerk'), role('scribe'), said({ scope })), again);
    expect(mutes(loops(both, 'clerk'))).toEqual(['v-1']);
    expect(mutes(loops(both, 'scribe'))).toEqual(['v-1']);
    const one = found(told(role('clerk'), said({ scope })), again);
    expect(mutes(loops(one, 'clerk'))).toEqual(['v-1']);
    expect(mutes(loops(one, 'scribe'))).toEqual([undefined]);
    expect(mutes(loops(found(told(role('clerk'), said({ scope, tenant: 'other' })), again), 'clerk'))).toEqual([
      undefined,
    ]);
  });
});

describe('a budget', () => {
  it('is never muted', () => {
    const spend = (fromMs: number) =>
      Array.from({ length: 8 }, (_, at) =>
        recordOf(eventOf({ agent: 'payer', costUsd: 0.25, session: `s-${fromMs}`, timeMs: fromMs + at * 1000 })),
      );
    const engine = engineOf({ settings: { policy: policyOf([RULE]) } });
    const budget = agentRecord('payer', START_MS, { sessionUsd: 2 });
    const [breach] = found(engine, [budget, ...spend(START_MS)]).filter(({ kind }) => kind === 'budget');
    const verdict = verdictOn(breach, { timeMs: START_MS + HOUR_MS, verdict: 'expected', level: 1000 });
    const { findings, proposals } = outcomeOf(engine, [verdict, ...spend(START_MS + 2 * HOUR_MS)]);
    expect(findings.filter(({ kind }) => kind === 'budget')).toMatchObject([{ severity: 'critical' }]);
    expect(mutes(findings)).toEqual([undefined]);
    expect(proposals).toMatchObject([{ kind: 'budget', hardBudget: true }]);
  });
});

describe('expected', () => {
  const expected = said({ verdict: 'expected' });

  it('mutes too, and teaches the level', () => {
    const engine = told(expected);
    const [plain] = numbersOf(profileOf(told(), 'clerk'), 'errorAgain', 'f32');
    const [taught] = numbersOf(profileOf(engine, 'clerk'), 'errorAgain', 'f32');
    expect(taught).toBeGreaterThan(plain);
    const back = loops(found(engine, again), 'clerk');
    expect(pages(back)).toEqual([]);
  });

  it('makes a level usual: count windows, sessions, spend and the anchor', () => {
    const teach = (over: Partial<VerdictRecord>) => {
      const engine = told(said({ verdict: 'expected', finding: null, ...over }));
      const [old, now] = [profileOf(told(), 'clerk'), profileOf(engine, 'clerk')];
      return (field: Parameters<typeof numbersOf>[1], count = 1) =>
        [old, now].map((profile) => numbersOf(profile, field, 'f64', count).at(-1) as number);
    };
    const [mean, meanNow] = teach({ kind: 'rate-burst', detector: 'rate', feature: 'calls in 1 min', level: 400 })(
      'windowMean',
      2,
    );
    expect(meanNow).toBeCloseTo(mean + 0.25 * (400 - mean), 6);
    const ofSession = teach({ kind: 'session-spend', detector: 'session', level: 50 });
    const [ln, lnNow] = ofSession('sessionLnMean');
    expect(lnNow).toBeCloseTo(ln + 0.25 * (Math.log(50) - ln), 6);
    const [anchor, anchorNow] = ofSession('anchorLnMean');
    expect(anchorNow).toBeGreaterThan(anchor);
    const [hour, hourNow] = teach({ kind: 'spend', detector: 'spend', level: 90 })('spendLnMean');
    expect(hourNow).toBeGreaterThan(hour);
  });

  it('adopts what was new', () => {
    const isKnown = (engine: PartitionEngine): boolean => {
      const p = new Profile();
      p.aim(profileOf(engine, 'clerk').buffer as ArrayBuffer, 0);
      const [low, high] = hashNames('vault.open', null, 1).endpoint;
      return isAdopted(p, ENDPOINTS, findKnown(p, ENDPOINTS, low, high));
    };
    const adopting = said({ verdict: 'expected', kind: 'new-endpoint', endpoint: 'vault.open', finding: null });
    expect(isKnown(told(adopting))).toBe(true);
    expect(isKnown(told(adopting, undone()))).toBe(false);
    expect(isKnown(told())).toBe(false);
  });

  it('is taken back in one step, to the last byte', () => {
    for (const over of [
      {},
      { kind: 'rate-burst', detector: 'rate', feature: 'calls in 10 min', finding: null },
      { kind: 'session-spend', detector: 'session', finding: null },
      { kind: 'cost-drift', detector: 'drift', finding: null },
      { kind: 'new-target', detector: 'novelty', endpoint: 'vault.open', target: 'gold', finding: null },
      { kind: 'joint', detector: 'joint', feature: 'cost of the call, standard deviations', finding: null },
    ] as const) {
      const verdict = said({ verdict: 'expected', ...over });
      const plain = profileOf(told(), 'clerk');
      expect(profileOf(told(verdict), 'clerk')).not.toEqual(plain);
      expect(profileOf(told(verdict, undone()), 'clerk')).toEqual(plain);
    }
    const back = loops(found(told(expected, undone()), again), 'clerk');
    expect(pages(back).length).toBeGreaterThan(0);
  });

  it('is taken back from under another that stands on it', () => {
    const over = { kind: 'rate-burst', detector: 'rate', feature: 'calls in 1 min', finding: null } as const;
    const one = said({ ...over, verdict: 'expected', level: 400 });
    const two = said({ ...over, verdict: 'expected', level: 900, id: 'v-2' });
    const plain = profileOf(told(), 'clerk');
    expect(profileOf(told(one, two, undone('v-1'), undone('v-2')), 'clerk')).toEqual(plain);
    expect(profileOf(told(one, two, undone('v-2'), undone('v-1')), 'clerk')).toEqual(plain);
    const upper = told(one, two, undone('v-1'));
    const means = (engine: PartitionEngine) => numbersOf(profileOf(engine, 'clerk'), 'windowMean', 'f64', 4);
    expect(means(upper)).toEqual(means(told(one, two)));
  });

  it('puts back only what it touched: what was learned meanwhile of other things stays', () => {
    const engine = told(said({ verdict: 'expected', kind: 'session-spend', detector: 'session', finding: null }));
    outcomeOf(engine, timeline(since));
    const untouched = told();
    outcomeOf(untouched, timeline(since));
    outcomeOf(engine, [undone()]);
    const windows = (one: PartitionEngine) => numbersOf(profileOf(one, 'clerk'), 'windowMean', 'f64', 4);
    expect(windows(engine)).toEqual(windows(untouched));
  });

  it('touches the profile of nobody else, nor the laws of the fleet', () => {
    const engine = told(expected);
    expect(profileOf(engine, 'scribe')).toEqual(profileOf(told(), 'scribe'));
    expect(engine.inside.settings).toEqual(told().inside.settings);
  });

  it('reaches a profile on the shelf, and is taken back there', () => {
    const open = (...controls: readonly EngineRecord[]): Uint8Array => {
      const engine = engineOf({ settings: { agentsMax: 1 }, shelf: new ListShelf() });
      const other = recordOf(eventOf({ agent: 'other', timeMs: SAID - 1 }));
      const knocks = Array.from({ length: 20 }, (_, at) => recordOf({ ...other.event, id: `knock-${at}` }));
      const mine = before.filter((record) => record.type !== 'event' || record.event.agent === 'clerk');
      outcomeOf(engine, [...mine, ...knocks, ...controls]);
      const { shelved, shelf, table } = engine.inside;
      expect(table.find('', 'clerk', true)).toBe(-1);
      return shelf.read([...shelved.values()][0]);
    };
    expect(open(expected)).not.toEqual(open());
    expect(open(expected, undone())).toEqual(open());
  });
});

describe('a true positive', () => {
  const confirmed = said({ verdict: 'true-positive', id: 'v-2' });

  it('mutes nothing', () => {
    expect(mutes(loops(found(told(confirmed), again), 'clerk'))).toEqual([undefined]);
  });

  it('ends what muted the like of it, with all that it taught', () => {
    const engine = told(said({ verdict: 'expected' }), confirmed);
    const plain = told(confirmed);
    expect(profileOf(engine, 'clerk')).toEqual(profileOf(plain, 'clerk'));
    expect(pages(loops(found(engine, again), 'clerk')).length).toBeGreaterThan(0);
    expect(engine.inside.verdicts.all.map(({ record }) => record.id)).toEqual(['v-2']);
    const other = told(said({ endpoint: 'pay', id: 'v-3' }), confirmed);
    expect(other.inside.verdicts.size).toBe(2);
  });

  it('forgets what was first seen since, unless it was adopted, and takes that back', () => {
    const has = (engine: PartitionEngine): boolean => {
      const p = new Profile();
      p.aim(profileOf(engine, 'clerk').buffer as ArrayBuffer, 0);
      const [low, high] = hashNames('mail.send', null, 1).endpoint;
      return findKnown(p, ENDPOINTS, low, high) !== -1;
    };
    expect(has(told())).toBe(true);
    expect(has(told(confirmed))).toBe(false);
    expect(has(told(said({ verdict: 'true-positive', id: 'v-2', finding: null, sinceMs: AT + HOUR_MS })))).toBe(true);
    expect(profileOf(told(confirmed, undone('v-2')), 'clerk')).toEqual(profileOf(told(), 'clerk'));
  });
});

describe('a verdict', () => {
  it('that is told twice counts once, also after it was taken back or the agent was reset', () => {
    const verdict = said({ verdict: 'expected' });
    const twice = told(verdict, verdict);
    expect(profileOf(twice, 'clerk')).toEqual(profileOf(told(verdict), 'clerk'));
    expect(twice.inside.verdicts.size).toBe(1);
    const late = told(verdict, undone(), verdict);
    expect(late.inside.verdicts.size).toBe(0);
    expect(profileOf(late, 'clerk')).toEqual(profileOf(told(), 'clerk'));
    const reset = { type: 'reset', timeMs: SAID, tenant: '', agent: 'clerk', actor: 'person:ann' } as const;
    const anew = told(verdict, reset, verdict);
    expect(anew.inside.verdicts.size).toBe(0);
    expect(profileOf(anew, 'clerk')).toEqual(profileOf(told(reset), 'clerk'));
  });

  it('is one of a bounded number', () => {
    const many = Array.from({ length: VERDICTS_MAX + 5 }, (_, at) => said({ id: `v-${at}` }));
    expect(told(...many).inside.verdicts.size).toBe(VERDICTS_MAX);
  });

  it('is over before it begins where its time has gone', () => {
    expect(told(said({ untilMs: AT })).inside.verdicts.size).toBe(0);
  });
});

describe('snapshot and restore with verdicts', () => {
  it('give the same lines and the same bytes, wherever they cut in', () => {
    const records = [
      ...before,
      said({ verdict: 'expected' }),
      said({ id: 'v-2', kind: 'rate-burst', detector: 'rate', feature: 'calls in 1 min', verdict: 'expected' }),
      ...again,
      { ...undone(), timeMs: AGAIN + HOUR_MS },
    ];
    const settings = { policy: policyOf([RULE]) };
    const uncut = engineOf({ settings });
    const lines = linesOf(uncut, records);
    const end = engineOf({ settings, snapshot: uncut.snapshot() }).snapshot();
    for (const cut of [AT + MINUTE_MS, SAID, AGAIN + MINUTE_MS].map((timeMs) => positionOf(records, timeMs))) {
      const engine = engineOf({ settings });
      const head = linesOf(engine, records.slice(0, cut));
      const rest = engineOf({ settings, snapshot: engine.snapshot() });
      expect([...head, ...linesOf(rest, records.slice(cut), cut)]).toEqual(lines);
      expect(engineOf({ settings, snapshot: rest.snapshot() }).snapshot()).toEqual(end);
    }
  });
});

function positionOf(records: readonly EngineRecord[], timeMs: number): number {
  return records.findIndex((record) => (record.type === 'event' ? record.event.timeMs : record.timeMs) > timeMs);
}
