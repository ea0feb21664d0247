import { describe, expect, it } from 'vitest';
import { F, WINDOW_COUNT, WINDOW_STEP_4 } from '../../src/agent/layout.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { traffic } from './traffic.js';
import {
  agentRecord,
  DAY_MS,
  engineOf,
  eventOf,
  HOUR_MS,
  ListShelf,
  MINUTE_MS,
  outcomeOf,
  recordOf,
  START_MS,
  withTicks,
} from './world.js';

const AGENT = 'own-0';

function slotOf(engine: PartitionEngine, agent: string): number {
  return engine.inside.table.find('', agent, true);
}

/** What was said of the agent, and its profile. Nobody listens for the silence of an agent that is not in the table. */
function told(engine: PartitionEngine, records: readonly EngineRecord[]): string {
  const { findings, samples } = outcomeOf(engine, records);
  const mine = [
    findings.filter(({ root, kind }) => root === AGENT && kind !== 'quiet').map((f) => ({ ...f, evidence: [] })),
    samples.filter(({ agent }) => agent === `\u0000${AGENT}`),
  ];
  return JSON.stringify(mine) + Buffer.from(engine.inside.table.raw(slotOf(engine, AGENT))).toString('hex');
}

/** Two strangers who knock until they have the places of a table for two, and then leave it. */
function strangers(fromMs: number): EventRecord[] {
  return Array.from({ length: 60 }, (_, at) =>
    recordOf(eventOf({ id: `f-${at}`, agent: `other-${at % 2}`, session: 'f', timeMs: fromMs + at * 5000 })),
  );
}

/** Work with an absence in the middle of it, long enough for strangers to take the place. */
function workWithAbsence(seed: number, absentMs: number, afterMs = 40 * HOUR_MS): EngineRecord[] {
  const fromMs = START_MS + afterMs;
  const hours = afterMs / HOUR_MS + 20;
  const work = traffic({ seed, agents: 1, hours, sessionsPerHour: 3, prefix: 'own' }).map(({ event, bound }) => {
    return recordOf(event.timeMs < fromMs ? event : { ...event, timeMs: event.timeMs + absentMs }, bound);
  });
  return withTicks([...work, ...strangers(fromMs + 11 * MINUTE_MS)].sort((a, b) => a.event.timeMs - b.event.timeMs));
}

const ABSENCES: readonly (readonly [string, number])[] = [
  ['20 minutes', 20 * MINUTE_MS],
  ['an hour', HOUR_MS],
  ['five hours', 5 * HOUR_MS],
  ['over midnight', 30 * HOUR_MS],
  ['three days', 72 * HOUR_MS],
  ['a month', 30 * DAY_MS],
];

describe('eviction', () => {
  it.each(ABSENCES)(
    'brings back what it put on the shelf, bit for bit, after %s of hourly looks',
    (_name, absentMs) => {
      let reloads = 0;
      for (let seed = 1; seed <= 6; seed++) {
        const records = workWithAbsence(seed, absentMs);
        const roomy = engineOf();
        const narrow = engineOf({ settings: { agentsMax: 2 } });
        expect(told(narrow, records) === told(roomy, records), `work ${seed}`).toBe(true);
        expect(roomy.counts.reloads).toBe(0);
        reloads += narrow.counts.reloads;
      }
      expect(reloads).toBeGreaterThanOrEqual(4);
    },
  );

  it.each(ABSENCES)('brings it back the same, whatever models were activated in %s', (_name, absentMs) => {
    const neutral = neutralModel();
    const models = Array.from({ length: 17 }, (_, at): CohortModel => {
      const days = neutral.days.map((law) => ({ ...law, mean: law.mean * (1 + at / 100) }));
      return { ...neutral, version: `m-${at}`, days };
    });
    for (const seed of [1, 2]) {
      const records = workWithAbsence(seed, absentMs, 10 * DAY_MS).flatMap((record): EngineRecord[] => {
        if (record.type !== 'tick' || record.timeMs % HOUR_MS !== 0) return [record];
        const version = `m-${(record.timeMs / HOUR_MS) % models.length}`;
        return [record, { type: 'model', timeMs: record.timeMs, version }];
      });
      const narrow = engineOf({ settings: { agentsMax: 2 }, models });
      expect(told(narrow, records) === told(engineOf({ models }), records), `work ${seed}`).toBe(true);
      expect(narrow.counts.reloads).toBeGreaterThan(0);
    }
  });

  it('brings a known agent back with its first event', () => {
    const engine = engineOf({ settings: { agentsMax: 1 } });
    const calls = (agent: string, fromMs: number, count: number): EventRecord[] =>
      Array.from({ length: count }, (_, at) => recordOf(eventOf({ agent, timeMs: fromMs + at * 1000 })));
    outcomeOf(engine, [...calls('a', START_MS, 20), ...calls('b', START_MS + HOUR_MS, 20)]);
    const { scored } = engine.counts;
    outcomeOf(engine, calls('a', START_MS + 2 * HOUR_MS, 5));
    expect(engine.counts.scored).toBe(scored + 5);
    expect(engine.counts.reloads).toBe(1);
  });

  it('keeps the bound on sessions when an agent comes back with its own', () => {
    const engine = engineOf({ settings: { agentsMax: 2, sessionsMax: 12 } });
    const calls = (agent: string, fromMs: number, sessions: number): EventRecord[] =>
      Array.from({ length: 20 }, (_, at) => {
        return recordOf(eventOf({ agent, session: `${agent}-${at % sessions}`, timeMs: fromMs + at * 1000 }));
      });
    let reloads = 0;
    for (let round = 0; round < 30; round++) {
      outcomeOf(engine, calls(`a-${round % 5}`, START_MS + round * 15 * MINUTE_MS, 10));
      expect(engine.inside.sessions.size).toBeLessThanOrEqual(12);
      reloads = engine.counts.reloads;
    }
    expect(reloads).toBeGreaterThan(10);
  });

  it('keeps what was spent today through a reset, wherever the profile is', () => {
    const spent = (agentsMax: number): string[] => {
      const engine = engineOf({ settings: { agentsMax } });
      const { findings } = outcomeOf(engine, [
        agentRecord(AGENT, START_MS, { dayUsd: 10 }),
        recordOf(eventOf({ id: 'a', agent: AGENT, session: 'one', costUsd: 9, timeMs: START_MS })),
        ...strangers(START_MS + 11 * MINUTE_MS),
        { type: 'reset', timeMs: START_MS + HOUR_MS, tenant: '', agent: AGENT, actor: 'person:ann' },
        recordOf(eventOf({ id: 'b', agent: AGENT, session: 'two', costUsd: 2, timeMs: START_MS + HOUR_MS })),
      ]);
      const profile = Buffer.from(engine.inside.table.raw(slotOf(engine, AGENT))).toString('hex');
      return [...findings.filter(({ kind }) => kind === 'budget').map(({ title }) => title), profile];
    };
    const roomy = spent(100);
    expect(roomy).toHaveLength(2);
    expect(roomy[0]).toContain('has used up');
    expect(spent(2)).toEqual(roomy);
  });

  it('forgets the oldest on the shelf beyond what it may hold', () => {
    const engine = engineOf({ settings: { agentsMax: 1, shelvedMax: 2 } });
    for (let at = 0; at < 6; at++) {
      const fromMs = START_MS + at * HOUR_MS;
      const knocks = Array.from({ length: 30 }, (_, k) =>
        recordOf(eventOf({ agent: `a-${at}`, session: 's', timeMs: fromMs + k * 1000 })),
      );
      outcomeOf(engine, knocks);
    }
    expect(engine.counts.evictions).toBe(5);
    expect([...engine.inside.shelved.keys()]).toEqual(['\u0000a-3', '\u0000a-4']);
  });

  it('needs no more of the shelf than what it wrote there', () => {
    const shelf = new ListShelf();
    const engine = engineOf({ settings: { agentsMax: 2 }, shelf });
    outcomeOf(engine, workWithAbsence(1, HOUR_MS));
    expect(shelf.size()).toBe(engine.counts.evictions);
  });
});

describe('a flood of agents', () => {
  const small: Partial<Settings> = { agentsMax: 20, sessionsMax: 60, idsMax: 2000, shelvedMax: 30 };
  const work = traffic({ seed: 51, agents: 15, hours: 6, sessionsPerHour: 12 });
  const flood = Array.from({ length: 20_000 }, (_, at) =>
    recordOf(eventOf({ agent: `flood-${at % 3000}`, session: `s-${at}`, timeMs: START_MS + 2 * HOUR_MS + at * 500 })),
  );
  const records = withTicks([...work, ...flood].sort((a, b) => a.event.timeMs - b.event.timeMs));

  it('stays inside its bounds: agents, sessions, ids, shelf', () => {
    const engine = engineOf({ settings: small });
    const { inside } = engine;
    for (let from = 0; from < records.length; from += 500) {
      outcomeOf(engine, records.slice(from, from + 500));
      expect(inside.table.size).toBeLessThanOrEqual(20);
      expect(inside.ids.size).toBeLessThanOrEqual(4000);
      expect(inside.shelved.size).toBeLessThanOrEqual(30);
      expect(inside.sessions.size).toBeLessThanOrEqual(60 + 32);
    }
    const { events, scored, duplicates, notAdmitted } = engine.counts;
    expect(scored + duplicates + notAdmitted).toBe(events);
    expect(notAdmitted).toBeGreaterThan(10_000);
  });

  it('pushes out nobody who is at work', () => {
    const busy = Array.from({ length: 10 }, (_, at) => `busy-${at}`);
    const beat = Array.from({ length: 2400 }, (_, at) =>
      recordOf(eventOf({ agent: busy[at % 10], session: 'beat', timeMs: START_MS + at * 10_000 })),
    );
    const engine = engineOf({ settings: { ...small, agentsMax: 12 } });
    outcomeOf(engine, withTicks([...beat, ...flood].sort((a, b) => a.event.timeMs - b.event.timeMs)));
    const { table, observation } = engine.inside;
    for (const agent of busy) {
      expect(slotOf(engine, agent)).not.toBe(-1);
      table.aim(observation.profile, slotOf(engine, agent));
      expect(observation.profile.f64[observation.profile.at8 + F.events]).toBe(240);
    }
  });

  it('is told to people once while it lasts', () => {
    const { findings } = outcomeOf(engineOf({ settings: small }), records);
    const told = findings.filter(({ kind }) => kind === 'agent-flood');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ agent: 'fleet', root: 'fleet', severity: 'medium', proposal: null });
  });
});

describe('late events', () => {
  it('are counted, scored and kept out of the windows', () => {
    const work = traffic({ seed: 52, agents: 1, hours: 20, sessionsPerHour: 6 });
    const engine = engineOf();
    outcomeOf(engine, withTicks(work));
    const { table, observation, nowMs } = engine.inside;
    table.aim(observation.profile, slotOf(engine, 'agent-0'));
    const p = observation.profile;
    const windows = (): number[] =>
      Array.from({ length: WINDOW_COUNT }, (_, w) => p.f32[p.at4 + F.windowCurrent + WINDOW_STEP_4 * w]);
    const lastMs = p.f64[p.at8 + F.lastMs];
    const before = windows();
    outcomeOf(engine, [recordOf(eventOf({ agent: 'agent-0', session: 'late', timeMs: lastMs - HOUR_MS }))]);
    expect(engine.counts).toMatchObject({ late: 1, scored: work.length + 1 });
    expect(windows()).toEqual(before);
    expect(p.f64[p.at8 + F.lastMs]).toBe(lastMs);
    expect(p.f64[p.at8 + F.events]).toBe(work.length + 1);
    expect(engine.inside.nowMs).toBe(nowMs);
    outcomeOf(engine, [recordOf(eventOf({ agent: 'agent-0', session: 'late', timeMs: lastMs - 1000 }))]);
    expect(engine.counts.late).toBe(1);
    expect(windows()[0]).toBe(before[0] + 1);
  });

  it('are judged per agent: another agent far ahead makes nobody late', () => {
    const engine = engineOf();
    outcomeOf(engine, [
      recordOf(eventOf({ agent: 'ahead', timeMs: START_MS + 10 * HOUR_MS })),
      { type: 'tick', timeMs: START_MS + 10 * HOUR_MS },
      recordOf(eventOf({ agent: 'behind', timeMs: START_MS })),
      recordOf(eventOf({ agent: 'behind', timeMs: START_MS + 1 })),
    ]);
    expect(engine.counts.late).toBe(0);
  });
});
