/** What an engine says of one agent: true to its traffic, without a trace in the state, on the shelf too. */
import { describe, expect, it } from 'vitest';
import { DETECTORS, WINDOW_MS } from '../../src/agent/layout.js';
import { windowLaws } from '../../src/detect/window-law.js';
import { bandRows } from '../../src/engine/bands.js';
import type { Inspection } from '../../src/engine/contract.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EventRecord } from '../../src/engine/record.js';
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
  ticks,
  withTicks,
} from './world.js';

function inspected(engine: PartitionEngine, agent: string): Inspection {
  const inspection = engine.inspect('', agent);
  if (inspection === null) throw new Error(`${agent} is not known`);
  return inspection;
}

/** A call a minute in office hours, every second one costing a cent, for so many days. */
function officeWork(days: number): EventRecord[] {
  const records: EventRecord[] = [];
  for (let day = 0; day < days; day++) {
    for (let minute = 8 * 60; minute < 18 * 60; minute++) {
      const timeMs = START_MS + day * DAY_MS + minute * MINUTE_MS + ((minute * 7_919) % 50_000);
      const session = `s-${day}-${Math.floor(minute / 30)}`;
      const costUsd = minute % 2 === 0 ? 0.01 : null;
      records.push(recordOf(eventOf({ timeMs, session, costUsd, target: `account-${minute % 3}` })));
    }
  }
  return records;
}

describe('an inspection', () => {
  it('says what the traffic was, and changes nothing', () => {
    const engine = engineOf();
    const events = officeWork(10);
    outcomeOf(engine, [agentRecord('clerk', START_MS, { dayUsd: 20 }), ...withTicks(events)]);
    const before = Buffer.from(engine.snapshot());
    const clerk = inspected(engine, 'clerk');
    expect(Buffer.from(engine.snapshot()).equals(before)).toBe(true);

    const last = events.at(-1)?.event.timeMs ?? 0;
    expect(clerk).toMatchObject({
      ...{ tenant: '', agent: 'clerk', bound: true, shelved: false, standing: 'calibrated' },
      ...{ events: events.length, sessions: 200, lastMs: last, atMs: last },
      endpoints: { remembered: 1, adopted: 1, slots: 48 },
      targets: { remembered: 3, adopted: 3 },
    });
    expect(clerk.windows.map(({ windowMs }) => windowMs)).toEqual([...WINDOW_MS]);
    const hour = clerk.windows.find(({ stream, windowMs }) => stream === 'events' && windowMs === HOUR_MS);
    expect(hour?.count).toBeCloseTo(60, -1);
    // Of ten days with ten hours of sixty calls, or as much of them as the memory holds.
    expect(hour?.mean).toBeGreaterThan(20);
    expect(hour?.mean).toBeLessThan(32);
    expect(hour?.band.low).toBeLessThan(hour?.band.expected ?? 0);
    expect(hour?.band.high).toBeGreaterThan(60);

    expect(clerk.cost).toMatchObject({ dayBudgetUsd: 20, sessionBudgetUsd: null });
    expect(clerk.cost.session.usual?.expected).toBeCloseTo(0.15, 2);
    expect(clerk.cost.lastHourUsd).toBeCloseTo(0.3, 1);
    expect(clerk.cost.dayUsd).toBeCloseTo(3, 1);
    expect(clerk.cost.dayProjectedUsd).toBeCloseTo(3 + 6 * clerk.cost.lastHourUsd, 0);
    const [running] = clerk.cost.running;
    expect(running).toMatchObject({ lastMs: last, events: 30 });
    expect(running?.projectedUsd).toBeGreaterThan(running?.costUsd ?? 0);
    expect(clerk.drift.anchorUsd).toBeCloseTo(0.15, 2);
  });

  it('moves to the clock of the partition: what is over is not counted, the day begins anew', () => {
    const engine = engineOf();
    outcomeOf(engine, withTicks(officeWork(2)));
    const nowMs = START_MS + 2 * DAY_MS + 2 * HOUR_MS;
    outcomeOf(engine, ticks(START_MS + 2 * DAY_MS - HOUR_MS, nowMs));
    const clerk = inspected(engine, 'clerk');
    expect(clerk).toMatchObject({ atMs: nowMs, closedDays: 2, standing: 'learning' });
    expect(clerk.windows.filter(({ stream }) => stream === 'events').map(({ count }) => count)).toEqual([0, 0, 0, 0]);
    expect(clerk.cost).toMatchObject({ dayUsd: 0, lastHourUsd: 0, dayProjectedUsd: 0, running: [] });
  });

  it('names the law that counts are judged by: what a burst was held against', () => {
    const engine = engineOf();
    outcomeOf(engine, withTicks(traffic({ seed: 5, agents: 1, hours: 60, sessionsPerHour: 4 })));
    const { observation, readings, prior, table } = engine.inside;
    const heard = { rate: 0, delegation: 0 };
    const startMs = START_MS + 61 * HOUR_MS;
    for (let i = 0; i < 40; i++) {
      const operation = i % 2 === 0 ? 'invoke_agent' : 'http';
      const event = eventOf({ agent: 'agent-0', session: 'burst', operation, timeMs: startMs + i * 9_000 });
      outcomeOf(engine, [recordOf(event)], 90_000 + i);
      table.aim(observation.profile, table.find('', 'agent-0', true));
      const laws = windowLaws(observation.profile, prior, -1);
      for (const [name, first] of [['rate', 0] as const, ['delegation', 7] as const]) {
        const at = DETECTORS.indexOf(name);
        // Behind the windows of calls stands their pace, which has a law of its own.
        if (readings.score[at] === 0 || (name === 'rate' && readings.feature[at] === 4)) continue;
        heard[name]++;
        expect(laws[first + readings.feature[at]].mean).toBe(readings.expected[at]);
      }
    }
    expect(Math.min(heard.rate, heard.delegation)).toBeGreaterThan(0);
  });

  it('finds an agent on the shelf and leaves it there; nobody else', () => {
    const shelf = new ListShelf();
    const engine = engineOf({ shelf, settings: { agentsMax: 1 } });
    outcomeOf(engine, withTicks(officeWork(1)));
    const alive = inspected(engine, 'clerk');
    const later = START_MS + DAY_MS;
    const others = Array.from({ length: 20 }, (_, i) =>
      recordOf(eventOf({ agent: 'other', session: 'o', timeMs: later + i * 5_000 })),
    );
    outcomeOf(engine, withTicks(others));
    const before = Buffer.from(engine.snapshot());
    expect(inspected(engine, 'clerk')).toMatchObject({ shelved: true, events: alive.events, lastMs: alive.lastMs });
    expect(inspected(engine, 'other')).toMatchObject({ shelved: false });
    expect(Buffer.from(engine.snapshot()).equals(before)).toBe(true);
    expect(engine.inspect('', 'nobody')).toBeNull();
    expect(engine.inspect('acme', 'clerk')).toBeNull();
  });

  it('prefers what senders vouch for', () => {
    const engine = engineOf();
    outcomeOf(engine, [recordOf(eventOf({ timeMs: START_MS }), false)]);
    expect(inspected(engine, 'clerk')).toMatchObject({ bound: false, events: 1 });
    outcomeOf(engine, [
      recordOf(eventOf({ timeMs: START_MS + 1_000 })),
      recordOf(eventOf({ timeMs: START_MS + 2_000 })),
    ]);
    expect(inspected(engine, 'clerk')).toMatchObject({ bound: true, events: 2 });
  });

  it('is plain: it crosses threads, and is JSON without a gap', () => {
    const engine = engineOf();
    outcomeOf(engine, [recordOf(eventOf({ timeMs: START_MS }))]);
    const clerk = inspected(engine, 'clerk');
    expect(structuredClone(clerk)).toEqual(clerk);
    expect(JSON.parse(JSON.stringify(clerk))).toEqual(clerk);
    expect(clerk.cost.hour.usual).toBeNull();
  });
});

describe('bands', () => {
  const engine = engineOf();
  outcomeOf(engine, withTicks(officeWork(10)));
  const clerk = inspected(engine, 'clerk');

  it('follow the hour of the day where that tells more than the mean', () => {
    expect(clerk.hours).toHaveLength(24);
    const rows = bandRows(clerk, HOUR_MS);
    expect(rows).toHaveLength(24);
    const [night, noon] = [rows[3], rows[12]];
    expect(noon.calls.expected).toBeGreaterThan(5 * (night.calls.expected + 1));
    expect(noon.calls.low).toBeLessThanOrEqual(60);
    expect(noon.calls.high).toBeGreaterThanOrEqual(60);
    expect(noon.costUsd?.high).toBeGreaterThan(noon.costUsd?.expected ?? 0);
  });

  it('grow with the step: a day is the sum of its hours, wherever it begins', () => {
    const hours = bandRows(clerk, HOUR_MS).reduce((sum, { calls }) => sum + calls.expected, 0);
    const day = bandRows(clerk, DAY_MS);
    for (const { calls } of day) expect(calls.expected).toBeCloseTo(hours, 3);
    for (const step of [MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS, 28 * DAY_MS]) {
      for (const { calls, errors, costUsd } of bandRows(clerk, step)) {
        for (const { low, expected, high } of [calls, errors, costUsd ?? calls]) {
          expect(low).toBeLessThanOrEqual(expected);
          expect(high).toBeGreaterThanOrEqual(Math.floor(expected));
          expect(Number.isFinite(high)).toBe(true);
        }
      }
    }
  });
});
