import { describe, expect, it } from 'vitest';
import { F } from '../../src/agent/layout.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import { createRandom } from '../../src/math/random.js';
import { traffic } from './traffic.js';
import {
  agentRecord,
  engineOf,
  eventOf,
  HOUR_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  withTicks,
} from './world.js';

const WATCHED = 'agent-0';
const policy = policyOf([RULE]);

/** What one agent's records led to, without positions in the log, and its profile. */
function told(engine: PartitionEngine, records: readonly EngineRecord[], bound = true): string {
  const { findings, proposals, sightings, samples } = outcomeOf(engine, records);
  const mine = [
    findings.filter((f) => f.root === WATCHED && f.bound === bound),
    proposals.filter((p) => p.agent === WATCHED),
    sightings.filter((s) => s.agent === WATCHED),
    samples.filter((s) => s.agent === `\u0000${WATCHED}${bound ? '' : '\u0000unbound'}`),
  ];
  return JSON.stringify(mine).replace(/"offset":\d+/g, '') + profileOf(engine, bound);
}

function profileOf(engine: PartitionEngine, bound: boolean): string {
  const { table } = engine.inside;
  const slot = table.find('', WATCHED, bound);
  return slot === -1 ? 'none' : Buffer.from(table.raw(slot)).toString('base64');
}

/** Shuffles the other agents' events between the same ticks; the watched agent's keep their order. */
function shuffleOthers(records: readonly EngineRecord[], seed: string): EngineRecord[] {
  const random = createRandom(seed);
  const out: EngineRecord[] = [];
  let own: EngineRecord[] = [];
  let others: EngineRecord[] = [];
  const flush = (): void => {
    random.shuffle(others);
    while (own.length + others.length > 0) {
      const takesOwn = random.next() * (own.length + others.length) < own.length;
      out.push((takesOwn ? own.shift() : others.shift()) as EngineRecord);
    }
    own = [];
    others = [];
  };
  for (const record of records) {
    if (record.type !== 'event') {
      flush();
      out.push(record);
    } else if (record.event.agent.startsWith(WATCHED) && !/^agent-0\d/.test(record.event.agent)) own.push(record);
    else others.push(record);
  }
  flush();
  return out;
}

describe('one agent among others', () => {
  const work = traffic({ seed: 21, agents: 10, hours: 60, sessionsPerHour: 3 });
  const budget = agentRecord(WATCHED, START_MS, { dayUsd: 1 });
  const records = [budget, ...withTicks(work)];
  const alone = withTicks(work).filter((r) => r.type !== 'event' || r.event.agent.split('/')[0] === WATCHED);
  const reference = told(engineOf({ settings: { policy } }), records);

  it('says something', () => {
    expect(reference).toContain('"severity"');
    expect(reference).toContain('"kind":"day"');
  });

  it('is told the same, bit for bit, whatever order the others come in', () => {
    for (const seed of ['a', 'b']) {
      expect(told(engineOf({ settings: { policy } }), shuffleOthers(records, seed))).toBe(reference);
    }
  });

  it('is told the same as if it were alone', () => {
    expect(told(engineOf({ settings: { policy } }), [budget, ...alone])).toBe(reference);
  });

  it('does not notice control records about others', () => {
    const about = (agent: string): EngineRecord[] => [
      agentRecord(agent, START_MS, { dayUsd: 0.01, sessionUsd: 0.01 }),
      { type: 'reset', timeMs: START_MS, tenant: '', agent, actor: 'person:ann' },
      { type: 'reset', timeMs: START_MS, tenant: 'acme', agent: WATCHED, actor: 'person:ann' },
    ];
    const half = records.length >> 1;
    const disturbed = [...records.slice(0, half), ...about('agent-4'), ...records.slice(half)];
    expect(told(engineOf({ settings: { policy } }), disturbed)).toBe(reference);
  });
});

describe('senders that are not bound', () => {
  const work = traffic({ seed: 22, agents: 1, hours: 48, sessionsPerHour: 4 });
  const attack: EventRecord[] = Array.from({ length: 400 }, (_, at) => {
    const timeMs = START_MS + 40 * HOUR_MS + at * 200;
    const what = { endpoint: 'iam:CreateAccessKey', target: `user/${at}`, status: 'error', costUsd: 50 } as const;
    return recordOf(eventOf({ agent: WATCHED, id: `attack-${at}`, session: 'x', timeMs, ...what }), false);
  });
  const mixed = withTicks([...work, ...attack].sort((a, b) => a.event.timeMs - b.event.timeMs));
  const budget = agentRecord(WATCHED, START_MS, { dayUsd: 1000, sessionUsd: 100 });

  it('are heard: they raise findings that say so', () => {
    const { findings } = outcomeOf(engineOf({ settings: { policy } }), [budget, ...mixed]);
    expect(findings.filter((f) => !f.bound).length).toBeGreaterThan(0);
  });

  it('never propose, not even past a budget', () => {
    const { proposals } = outcomeOf(engineOf({ settings: { policy } }), [budget, ...mixed]);
    const attacked = new Set(attack.map(({ event }) => event.id));
    expect(proposals.filter((p) => p.evidence.some((e) => e.event !== null && attacked.has(e.event)))).toEqual([]);
    const { proposals: none } = outcomeOf(engineOf({ settings: { policy } }), [budget, ...attack]);
    expect(none).toEqual([]);
  });

  it('never touch the bound profile, its findings or its proposals', () => {
    const clean = mixed.filter((record) => record.type !== 'event' || record.bound);
    expect(told(engineOf({ settings: { policy } }), [budget, ...mixed])).toBe(
      told(engineOf({ settings: { policy } }), [budget, ...clean]),
    );
  });

  it('cannot make a bound event a duplicate', () => {
    const event = eventOf({ agent: WATCHED, timeMs: START_MS });
    const engine = engineOf();
    outcomeOf(engine, [recordOf(event, false), recordOf(event), recordOf(event, false), recordOf(event)]);
    expect(engine.counts).toMatchObject({ events: 4, scored: 2, duplicates: 2 });
  });
});

describe('sub-agents', () => {
  const spawn = (agent: string, at: number): EventRecord =>
    recordOf(eventOf({ agent, parent: 'crew', session: `of-${agent}`, timeMs: START_MS + at * 1000 }));

  it('share the profile of their root, and are named as those who acted', () => {
    const engine = engineOf();
    const root = recordOf(eventOf({ agent: 'crew', timeMs: START_MS }));
    const { sightings } = outcomeOf(engine, [
      root,
      ...Array.from({ length: 9 }, (_, at) => spawn(`crew/sub-${at}`, at)),
    ]);
    expect(engine.inside.table.size).toBe(1);
    expect(engine.counts.agents).toBe(1);
    expect(sightings.map(({ agent, parent }) => [agent, parent])).toContainEqual(['crew/sub-3', 'crew']);
    const { table, observation } = engine.inside;
    table.aim(observation.profile, table.find('', 'crew', true));
    expect(observation.profile.f64[observation.profile.at8 + F.events]).toBe(10);
  });

  it('are stopped through their root', () => {
    const engine = engineOf({ settings: { policy } });
    const costly = { agent: 'crew/sub-1', parent: 'crew', costUsd: 5, timeMs: START_MS + 1000 };
    const { findings, proposals } = outcomeOf(engine, [
      agentRecord('crew', START_MS, { dayUsd: 1 }),
      recordOf(eventOf({ agent: 'crew', timeMs: START_MS })),
      recordOf(eventOf(costly)),
    ]);
    expect(findings).toMatchObject([{ agent: 'crew/sub-1', root: 'crew', kind: 'budget' }]);
    expect(proposals).toMatchObject([{ agent: 'crew', finding: findings[0].id }]);
  });
});
