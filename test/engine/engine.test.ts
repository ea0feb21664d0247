import { describe, expect, it } from 'vitest';
import { F } from '../../src/agent/layout.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import { Learner } from '../../src/learn/learner.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { traffic } from './traffic.js';
import {
  agentRecord,
  DAY_MS,
  engineOf,
  eventOf,
  HOUR_MS,
  linesOf,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  settingsOf,
  withTicks,
} from './world.js';

const RESET = { type: 'reset', timeMs: START_MS, tenant: '', agent: 'clerk', actor: 'person:ann' } as const;

function field(engine: PartitionEngine, agent: string, read: (f64: Float64Array, u32: Uint32Array) => number): number {
  const { table, observation } = engine.inside;
  table.aim(observation.profile, table.find('', agent, true));
  const { f64, u32, at8, at4 } = observation.profile;
  return read(f64.subarray(at8), u32.subarray(at4));
}

describe('sessions', () => {
  it('without a name are enough for an agent to adopt what it uses every day', () => {
    const events = Array.from({ length: 40 }, (_, at) =>
      recordOf(eventOf({ session: null, timeMs: START_MS + at * 6 * HOUR_MS })),
    );
    const { samples } = outcomeOf(engineOf(), withTicks(events));
    expect(samples.filter(({ kind }) => kind === 'adopted')).toHaveLength(1);
  });

  it('that run are not ended by a full table for their own next event', () => {
    const engine = engineOf({ settings: { sessionsMax: 2 } });
    const events = Array.from({ length: 10 }, (_, at) =>
      recordOf(eventOf({ session: at % 2 ? 'a' : 'b', timeMs: START_MS + at * 1000 })),
    );
    outcomeOf(engine, events);
    expect(field(engine, 'clerk', (_, u32) => u32[F.sessions])).toBe(2);
  });
});

describe('sightings', () => {
  it('are one for each version, however they take turns', () => {
    const events = Array.from({ length: 100 }, (_, at) =>
      recordOf(eventOf({ version: at % 2 ? '1' : '2', timeMs: START_MS + at * 1000 })),
    );
    const { sightings } = outcomeOf(engineOf(), events);
    expect(sightings.map(({ agentVersion }) => agentVersion)).toEqual(['2', '1']);
  });

  it('are apart for each tenant', () => {
    const events = ['', 'acme', 'beta', 'acme'].map((tenant) => recordOf(eventOf({ tenant, timeMs: START_MS })));
    expect(outcomeOf(engineOf(), events).sightings.map(({ tenant }) => tenant)).toEqual(['', 'acme', 'beta']);
  });
});

describe('a reset', () => {
  it('makes an agent learn anew in its own place', () => {
    const engine = engineOf();
    const work = Array.from({ length: 50 }, (_, at) => recordOf(eventOf({ timeMs: START_MS + at * MINUTE_MS })));
    outcomeOf(engine, [...work, RESET]);
    expect(engine.counts).toMatchObject({ agents: 1, evictions: 0 });
    expect(field(engine, 'clerk', (f64) => f64[F.events])).toBe(0);
    expect(field(engine, 'clerk', (f64) => f64[F.lastMs])).toBe(START_MS + 49 * MINUTE_MS);
    expect(engine.inside.sessions.size).toBe(0);
  });

  it('leaves what was spent today spent', () => {
    const pay = (id: string) => recordOf(eventOf({ id, session: id, costUsd: 6, timeMs: START_MS }));
    const records = [agentRecord('clerk', START_MS, { dayUsd: 10 }), pay('a'), RESET, pay('b')];
    const { findings } = outcomeOf(engineOf(), records);
    expect(findings).toMatchObject([{ kind: 'budget', severity: 'critical', evidence: [{ event: 'b' }] }]);
  });

  it('of nobody does nothing', () => {
    const engine = engineOf();
    expect(linesOf(engine, [RESET])).toEqual(['']);
    expect(engine.counts).toMatchObject({ controls: 1, agents: 0 });
  });
});

describe('an id used again', () => {
  it('names other findings days later', () => {
    const events = [0, 24, 48].map((hour) =>
      recordOf(eventOf({ id: 'same', session: `s-${hour}`, costUsd: 2, timeMs: START_MS + hour * HOUR_MS })),
    );
    const { findings } = outcomeOf(engineOf(), [
      agentRecord('clerk', START_MS, { sessionUsd: 1 }),
      ...withTicks(events),
    ]);
    expect(findings).toHaveLength(3);
    expect(new Set(findings.map(({ id }) => id)).size).toBe(3);
  });
});

describe('a configuration record', () => {
  const resumed = (records: readonly EngineRecord[], cut: number, changes: Parameters<typeof settingsOf>[0]) => {
    const before = engineOf();
    const head = linesOf(before, records.slice(0, cut));
    const after = engineOf({ settings: changes ?? {}, config: 'changed', snapshot: before.snapshot() });
    return { lines: [...head, ...linesOf(after, records.slice(cut), cut)], counts: after.counts };
  };

  it('holds after a restore as before it', () => {
    const changes = { closeAfterMs: HOUR_MS };
    const events = [0, 3, 6].map((hour) =>
      recordOf(eventOf({ session: `s-${hour}`, id: `e-${hour}`, costUsd: 2, timeMs: START_MS + hour * HOUR_MS })),
    );
    const records: EngineRecord[] = [
      agentRecord('clerk', START_MS, { sessionUsd: 1 }),
      { type: 'config', timeMs: START_MS, settings: settingsOf(changes) },
      ...withTicks(events),
    ];
    const uncut = linesOf(engineOf(), records);
    for (const cut of [2, 3, 6, 200]) expect(resumed(records, cut, changes).lines).toEqual(uncut);
  });

  it('makes tables smaller, after a restore as before it', () => {
    const changes = { agentsMax: 2, sessionsMax: 3, shelvedMax: 4 };
    const call = (agent: string, at: number) =>
      recordOf(
        eventOf({ agent, id: `${agent}-${at}`, session: `${agent}-${at % 3}`, timeMs: START_MS + at * MINUTE_MS }),
      );
    const crowd = Array.from({ length: 90 }, (_, at) => call(`agent-${at % 10}`, at));
    const late = Array.from({ length: 30 }, (_, at) => call('new', 200 + at));
    const records: EngineRecord[] = [
      ...crowd,
      { type: 'config', timeMs: START_MS, settings: settingsOf(changes) },
      ...late,
      call('agent-3', 300),
    ];
    const engine = engineOf();
    const uncut = linesOf(engine, records);
    const { table, sessions, shelved } = engine.inside;
    expect(table.size).toBeLessThanOrEqual(2);
    expect(sessions.size).toBeLessThanOrEqual(3);
    expect(shelved.size).toBeLessThanOrEqual(4);
    for (const cut of [91, 95, 110]) {
      const { lines, counts } = resumed(records, cut, changes);
      expect(lines).toEqual(uncut);
      expect(counts).toEqual(engine.counts);
    }
  });
});

describe('any setting and any model', () => {
  it.each([0.15, 0.3, 0.5, 0.7, 1])('are borne: a budget of %f a day says only what it can explain', (budget) => {
    const settings = { pagesPerAgentDay: budget, noticesPerAgentDay: budget };
    for (const seed of [4, 5]) {
      const work = withTicks(traffic({ seed, agents: 8, hours: 24 * 6, sessionsPerHour: 4 }));
      for (const { p, attribution, title } of outcomeOf(engineOf({ settings }), work).findings) {
        expect(p > 0 && p <= 1).toBe(true);
        expect(attribution.length).toBeGreaterThan(0);
        expect(title).not.toContain('NaN');
      }
    }
  });

  it('are borne: p stays above 0 however strange the day', () => {
    const neutral = neutralModel();
    const tails = neutral.tails.map(() => ({ share: 0.1, from: Math.LN10, stretch: 0.7 }));
    const days = neutral.days.map(() => ({ share: 1, mean: 1, within: 0.1, between: 0.1 }));
    const calm = Array.from({ length: 3000 }, (_, at) => START_MS + at * MINUTE_MS);
    const storm = Array.from({ length: 20_000 }, (_, at) => START_MS + 3000 * MINUTE_MS + at);
    const events = [...calm, ...storm].map((timeMs) => recordOf(eventOf({ timeMs })));
    const { findings } = outcomeOf(engineOf({ model: { ...neutral, tails, days } }), events);
    expect(findings.length).toBeGreaterThan(0);
    for (const { p, risk } of findings) {
      expect(p).toBeGreaterThan(0);
      expect(risk).toBeLessThanOrEqual(100);
    }
  });
});

describe('senders that are not bound', () => {
  it('teach no cohort', () => {
    const call = (agent: string, at: number, bound: boolean): EventRecord => {
      const what = { endpoint: 'mail.send', target: 'mail/odd', session: `${agent}-${at}` };
      return recordOf(eventOf({ agent, ...what, timeMs: START_MS + at * 6 * HOUR_MS }), bound);
    };
    const learn = (bound: boolean) => {
      const events = Array.from({ length: 12 }, (_, at) => [call('one', at, bound), call('two', at, bound)]).flat();
      const { samples } = outcomeOf(engineOf({ settings: { policy: policyOf([RULE]) } }), withTicks(events));
      return new Learner({ start: neutralModel(), pagesPerAgentDay: 0.03 }).close(START_MS + 3 * DAY_MS, samples);
    };
    expect(learn(false)).toBe(null);
    expect(learn(true)?.cohorts.flatMap(({ adopters }) => [...adopters])).not.toEqual([]);
  });
});
