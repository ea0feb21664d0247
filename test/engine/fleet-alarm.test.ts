import { describe, expect, it } from 'vitest';
import { isPage } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { FleetRecord } from '../../src/engine/fleet-record.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { placeOf } from '../../src/engine/record-place.js';
import type { AgentSignal, TurnSignal } from '../../src/engine/signal.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { hash64, hex64 } from '../../src/math/hash.js';
import { firstEngine } from './fleet-engine.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, outcomeOf, policyOf, RULE, recordOf, START_MS, ticks } from './world.js';

const HEAD = { type: 'fleet', timeMs: START_MS, n: 0, tenant: '', finding: 'f-00000000000000aa' } as const;
const OUTAGE: FleetRecord = {
  ...{ ...HEAD, state: 'outage', fromMs: START_MS, endpoints: ['gpt'], isWide: false, agents: 3, active: 5, p: 1e-8 },
};
const SHARING: FleetRecord = {
  ...{ ...HEAD, state: 'shared-credential', agent: 'thief', root: 'thief', credential: 'c0ffee00c0ffee00' },
  ...{ others: ['clerk'], bound: true, seenMs: START_MS },
};
const TREE: FleetRecord = {
  ...{ ...HEAD, state: 'delegation-tree', how: 'broader', agent: 'chief', observed: 60, expected: 5, other: null },
  ...{ bound: true, seenMs: START_MS },
};

function hashOf(endpoint: string): string {
  const words = new Uint32Array(2);
  hash64(endpoint, 1, words);
  return hex64(words[0], words[1]);
}

function deployOf(endpoint: string): FleetRecord {
  const what = { state: 'deploy', fromMs: START_MS, cohort: 'role::clerk', members: 6, endpoint } as const;
  return { ...HEAD, ...what, hash: hashOf(endpoint), agents: 4 };
}

function raised(records: readonly EngineRecord[], partition = 0) {
  return outcomeOf(firstEngine({}, partition), records).findings;
}

describe('a record of the fleet stage', () => {
  it('leads to one finding about the fleet, written by the first partition', () => {
    expect(raised([OUTAGE])).toMatchObject([
      { id: OUTAGE.finding, agent: 'fleet', root: 'fleet', kind: 'provider-outage', severity: 'medium', bound: true },
    ]);
    expect(raised([OUTAGE])[0].title).toBe(
      'calls of gpt fail for 3 of 5 agents since 2025-06-02 00:00 UTC: the provider is likely out',
    );
    expect(raised([OUTAGE], 1)).toEqual([]);
    expect(raised([deployOf('get_weather')])).toMatchObject([{ agent: 'fleet', kind: 'deploy', severity: 'low' }]);
  });

  it('about one agent names it, in its own partition, and the policy may answer', () => {
    for (const partition of [0, 3]) {
      expect(raised([SHARING], partition)).toMatchObject([
        { agent: 'thief', root: 'thief', kind: 'shared-credential', severity: 'medium' },
      ]);
    }
    expect(isPage(raised([TREE], 3)[0].severity)).toBe(false);
    expect([SHARING, TREE, OUTAGE].map((record) => placeOf(record, 8) === null)).toEqual([false, false, true]);
    const settings = { policy: policyOf([RULE]) };
    expect(outcomeOf(firstEngine({ settings }), [SHARING]).proposals).toMatchObject([{ agent: 'thief' }]);
    const unbound = { ...SHARING, bound: false } as FleetRecord;
    expect(outcomeOf(firstEngine({ settings }), [unbound]).proposals).toEqual([]);
    expect(outcomeOf(firstEngine({ settings }), [OUTAGE]).proposals).toEqual([]);
  });

  it('that comes again is known by its time and number', () => {
    expect(raised([OUTAGE, OUTAGE, { ...OUTAGE, n: 1, finding: 'f-00000000000000bb' }])).toHaveLength(2);
    const first = firstEngine();
    outcomeOf(first, [OUTAGE]);
    expect(outcomeOf(firstEngine({ snapshot: first.snapshot() }), [OUTAGE]).findings).toEqual([]);
  });
});

const clerks: CohortModel = {
  ...neutralModel(),
  cohortOf: new Map([['\u0000clerk', 0]]),
  cohorts: [{ id: 'role::clerk', members: 6, adopters: new Map(), forest: null, law: null }],
};

/** An agent that has worked for five days, and what it looks like when it meets an endpoint. */
function surpriseAt(endpoint: string, before: readonly EngineRecord[]): number {
  const engine = firstEngine({ model: clerks });
  outcomeOf(engine, [...daysOf(5), ...before]);
  const timeMs = START_MS + 5 * DAY_MS + MINUTE_MS;
  outcomeOf(engine, [recordOf(eventOf({ timeMs, endpoint, session: 'new' }))]);
  return engine.inside.observation.addedSurprise;
}

function daysOf(days: number): EngineRecord[] {
  const hours = Array.from({ length: days * 24 }, (_, hour) => START_MS + hour * HOUR_MS);
  return hours.flatMap((timeMs): EngineRecord[] => [
    { type: 'tick', timeMs },
    recordOf(eventOf({ timeMs: timeMs + 1, session: `s-${timeMs}` })),
  ]);
}

describe('a deploy', () => {
  it('makes its endpoint milder for the cohort, and no other', () => {
    const deploy = deployOf('get_weather');
    const plain = surpriseAt('get_weather', []);
    expect(plain).toBeGreaterThan(1);
    expect(surpriseAt('get_weather', [deploy])).toBeLessThan(plain / 2);
    expect(surpriseAt('get_news', [deploy])).toBe(surpriseAt('get_news', []));
    expect(surpriseAt('get_weather', [{ ...deploy, cohort: 'role::chief' } as FleetRecord])).toBe(plain);
  });

  it('never makes milder what can do lasting harm', () => {
    expect(surpriseAt('delete_account', [deployOf('delete_account')])).toBe(surpriseAt('delete_account', []));
  });
});

function signalsOf(records: readonly EngineRecord[], partition = 0) {
  const { signals } = outcomeOf(firstEngine({ model: clerks }, partition), records);
  return {
    agents: signals.filter((signal): signal is AgentSignal => signal.type === 'signal'),
    turns: signals.filter((signal): signal is TurnSignal => signal.type === 'turn'),
  };
}

describe('what an engine tells the fleet stage', () => {
  const call = (agent: string, atMs: number, changes = {}) =>
    recordOf(eventOf({ timeMs: START_MS + atMs, agent, operation: 'chat', endpoint: 'gpt', ...changes }));

  it('is a turn for every tick, with the agent-minutes in which a model was called', () => {
    const { turns } = signalsOf(
      [
        call('a', 1),
        call('a', 2),
        call('b', 3),
        call('a', MINUTE_MS + 1),
        ...ticks(START_MS + HOUR_MS, START_MS + HOUR_MS),
      ],
      5,
    );
    expect(turns).toEqual([
      { type: 'turn', partition: 5, timeMs: START_MS + HOUR_MS, models: [{ tenant: '', minutes: 3, agents: 2 }] },
    ]);
  });

  it('names the models that failed, of bound senders', () => {
    const bad = { status: 'error' } as const;
    const unbound = recordOf(eventOf({ timeMs: START_MS + 9, agent: 'x', operation: 'chat', status: 'error' }), false);
    const tool = recordOf(eventOf({ timeMs: START_MS + 9, agent: 'y', status: 'error' }));
    const records = [call('b', 1, bad), call('a', 2, bad), call('a', 3, bad), unbound, tool];
    expect(signalsOf([...records, ...ticks(START_MS + HOUR_MS, START_MS + HOUR_MS)]).agents).toMatchObject([
      { agent: 'a', failedMs: START_MS + 2, failed: [{ endpoint: 'gpt', failures: 2 }] },
      { agent: 'b', failedMs: START_MS + 1, failed: [{ endpoint: 'gpt', failures: 1 }] },
    ]);
  });

  it('names endpoints that are new to an agent that is not, and to its cohort', () => {
    const timeMs = START_MS + 5 * DAY_MS + MINUTE_MS;
    const met = recordOf(eventOf({ timeMs, endpoint: 'get_weather', session: 'new' }));
    const { agents } = signalsOf([...daysOf(5), met, ...ticks(timeMs + HOUR_MS, timeMs + HOUR_MS)]);
    expect(agents).toMatchObject([
      {
        agent: 'clerk',
        cohort: 'role::clerk',
        members: 6,
        fresh: [{ endpoint: 'get_weather', hash: hashOf('get_weather'), timeMs }],
      },
    ]);
  });

  it('is in the snapshot until it was told', () => {
    const records = [call('a', 1), call('a', 2, { status: 'error' })];
    const first = firstEngine();
    outcomeOf(first, records);
    const tick = ticks(START_MS + HOUR_MS, START_MS + HOUR_MS);
    const { signals } = outcomeOf(firstEngine({ snapshot: first.snapshot() }), tick);
    expect(signals).toEqual(outcomeOf(first, tick).signals);
    expect(signals).toHaveLength(2);
  });
});
