import { describe, expect, it } from 'vitest';
import { F } from '../../src/agent/layout.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { traffic } from './traffic.js';
import { engineOf, eventOf, HOUR_MS, ListShelf, MINUTE_MS, outcomeOf, recordOf, START_MS, withTicks } from './world.js';

const AGENT = 'own-0';
const ABSENT_MS = 14 * MINUTE_MS;

function slotOf(engine: PartitionEngine, agent: string): number {
  return engine.inside.table.find('', agent, true);
}

/** What was said of the agent, and its profile. */
function told(engine: PartitionEngine, records: readonly EngineRecord[]): string {
  const { findings, samples } = outcomeOf(engine, records);
  const mine = [
    findings.filter(({ root }) => root === AGENT),
    samples.filter(({ agent }) => agent === `\u0000${AGENT}`),
  ];
  return JSON.stringify(mine) + Buffer.from(engine.inside.table.raw(slotOf(engine, AGENT))).toString('hex');
}

/** Minute of the hour in which ticks look at the agent. */
function dueMinute(): number {
  const engine = engineOf();
  outcomeOf(engine, [recordOf(eventOf({ agent: AGENT, timeMs: START_MS }))]);
  return Array.from({ length: 60 }, (_, minute) => minute).find(
    (minute) => engine.inside.table.due(minute).length > 0,
  ) as number;
}

/** Two strangers who knock until they have the places of a table for two, and then leave it. */
function strangers(fromMs: number): EventRecord[] {
  return Array.from({ length: 60 }, (_, at) =>
    recordOf(eventOf({ agent: `other-${at % 2}`, session: 'f', timeMs: fromMs + at * 1000 })),
  );
}

const resets: EngineRecord[] = ['other-0', 'other-1'].map((agent) => {
  return { type: 'reset', timeMs: START_MS, tenant: '', agent, actor: 'person:ann' };
});

/** Work with an absence that begins just after the hour's look at the agent, so that it falls between two looks. */
function workWithAbsence(seed: number): EngineRecord[] {
  const fromMs = START_MS + 20 * HOUR_MS + (dueMinute() + 1) * MINUTE_MS;
  const work = traffic({ seed, agents: 1, hours: 50, sessionsPerHour: 4, prefix: 'own' }).map(({ event, bound }) => {
    return recordOf(event.timeMs < fromMs ? event : { ...event, timeMs: event.timeMs + ABSENT_MS }, bound);
  });
  const records = withTicks(
    [...work, ...strangers(fromMs + 11 * MINUTE_MS)].sort((a, b) => a.event.timeMs - b.event.timeMs),
  );
  const back = records.findIndex((record) => record.type === 'event' && record.event.timeMs >= fromMs + ABSENT_MS);
  return [...records.slice(0, back), ...resets, ...records.slice(back)];
}

describe('eviction', () => {
  it.each([1, 2, 3, 4, 5, 6])('brings back what it put on the shelf, bit for bit (work %i)', (seed) => {
    const records = workWithAbsence(seed);
    const roomy = engineOf();
    const narrow = engineOf({ settings: { agentsMax: 2 } });
    expect(told(narrow, records)).toBe(told(roomy, records));
    expect(narrow.counts.reloads).toBe(1);
    expect(roomy.counts.reloads).toBe(0);
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
    outcomeOf(engine, workWithAbsence(1));
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
    const windows = (): number[] => [...p.f32.slice(p.at4 + F.windowCurrent, p.at4 + F.windowCurrent + 11)];
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
