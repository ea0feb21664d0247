import { describe, expect, it } from 'vitest';
import { DEDUPE_MS, SeenIds } from '../../src/engine/dedupe.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { createRandom } from '../../src/math/random.js';
import { traffic } from './traffic.js';
import { DAY_MS, engineOf, eventOf, HOUR_MS, outcomeOf, recordOf, START_MS, ticks, withTicks } from './world.js';

const ROOM = 1 << 20;

/** Whether an id was there; from now on it is. */
function meet(ids: SeenIds, hi: number, lo: number): boolean {
  const seen = ids.has(hi, lo);
  if (!seen) ids.add(hi, lo);
  return seen;
}

describe('ids seen', () => {
  it('are told from ids not seen, zero words included', () => {
    const random = createRandom('ids');
    const ids = new SeenIds(ROOM);
    const known = new Set<string>();
    for (let at = 0; at < 20_000; at++) {
      const [hi, lo] = at < 4 ? [at >> 1, at & 1] : [random.uint32(), random.below(3000)];
      const key = `${hi} ${hi === 0 && lo === 0 ? 1 : lo}`;
      expect(meet(ids, hi, lo)).toBe(known.has(key));
      known.add(key);
    }
    expect(ids.size).toBe(known.size);
  });

  it('are remembered for an hour at least, and forgotten after two turns', () => {
    for (const notedMs of [0, 1, DEDUPE_MS / 2, DEDUPE_MS - 1]) {
      const ids = new SeenIds(ROOM);
      ids.advance(START_MS);
      ids.advance(START_MS + notedMs);
      meet(ids, 1, 2);
      for (let gapMs = 60_000; gapMs <= DEDUPE_MS; gapMs += 60_000) {
        ids.advance(START_MS + notedMs + gapMs);
        expect(meet(ids, 1, 2)).toBe(true);
      }
      ids.advance(START_MS + notedMs + 2 * DEDUPE_MS);
      ids.advance(START_MS + notedMs + 3 * DEDUPE_MS);
      expect(ids.size).toBe(0);
    }
  });

  it('outlive one jump of the clock, however far: what was sent before an outage may be sent again after it', () => {
    const ids = new SeenIds(ROOM);
    ids.advance(START_MS);
    ids.add(1, 2);
    ids.advance(START_MS + 100 * DEDUPE_MS);
    expect(ids.has(1, 2)).toBe(true);
    ids.advance(START_MS + 101 * DEDUPE_MS);
    expect(ids.has(1, 2)).toBe(false);
  });

  it('are kept by the first turn of the clock', () => {
    const ids = new SeenIds(ROOM);
    ids.add(1, 2);
    ids.advance(START_MS);
    ids.advance(START_MS + DEDUPE_MS - 1);
    expect(ids.has(1, 2)).toBe(true);
  });

  it('are not noted by being asked for', () => {
    const ids = new SeenIds(ROOM);
    expect(ids.has(1, 2)).toBe(false);
    expect(ids.has(1, 2)).toBe(false);
    expect(ids.size).toBe(0);
  });

  it('that turn before their time are counted', () => {
    const ids = new SeenIds(10);
    for (let at = 1; at <= 10; at++) ids.add(at, at);
    expect(ids.earlyTurns).toBe(0);
    for (let at = 11; at <= 25; at++) ids.add(at, at);
    expect(ids.earlyTurns).toBe(2);
  });

  it('never take more than two generations of room, and keep the latest', () => {
    const ids = new SeenIds(100);
    for (let at = 1; at <= 10_000; at++) {
      meet(ids, at, at);
      expect(ids.size).toBeLessThanOrEqual(200);
      if (at > 100) expect(meet(ids, at - 99, at - 99)).toBe(true);
    }
  });

  it('come back from a snapshot', () => {
    const ids = new SeenIds(500);
    for (let at = 1; at <= 800; at++) meet(ids, at * 7919, at);
    const { turnedMs, current, previous } = ids.snapshot();
    const restored = new SeenIds(500);
    restored.restore(turnedMs, current, previous);
    for (let at = 301; at <= 800; at++) expect(meet(restored, at * 7919, at)).toBe(true);
    for (let at = 801; at <= 1200; at++) expect(meet(restored, at * 7919, at)).toBe(meet(ids, at * 7919, at));
    expect(restored.size).toBe(ids.size);
  });
});

describe('events sent again', () => {
  it('are scored once: the second copy changes nothing but the count', () => {
    const work = traffic({ seed: 31, agents: 3, hours: 30, sessionsPerHour: 3 });
    const random = createRandom('again');
    const once = withTicks(work);
    const twice: EngineRecord[] = [];
    const waiting: [number, EngineRecord][] = [];
    once.forEach((record, at) => {
      twice.push(record);
      if (record.type === 'event' && random.next() < 0.3) waiting.push([at + random.below(40), record]);
      for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i][0] <= at) twice.push(waiting.splice(i, 1)[0][1]);
    });
    const plain = engineOf();
    const repeated = engineOf();
    const strip = (outcome: unknown): string => JSON.stringify(outcome).replace(/"offset":\d+/g, '');
    expect(strip(outcomeOf(repeated, twice))).toBe(strip(outcomeOf(plain, once)));
    expect(repeated.counts.duplicates).toBe(twice.length - once.length);
    expect(repeated.counts.duplicates).toBeGreaterThan(100);
    expect(repeated.counts.scored).toBe(plain.counts.scored);
  });

  it('are found across generations within the hour, and scored again after three', () => {
    const event = eventOf({ timeMs: START_MS + DAY_MS });
    const engine = engineOf();
    outcomeOf(engine, [
      { type: 'tick', timeMs: START_MS + DAY_MS - 50 * 60_000 },
      recordOf(event),
      ...ticks(START_MS + DAY_MS, START_MS + DAY_MS + HOUR_MS - 60_000),
      recordOf(event),
    ]);
    expect(engine.counts).toMatchObject({ scored: 1, duplicates: 1 });
    outcomeOf(engine, [...ticks(START_MS + DAY_MS + HOUR_MS, START_MS + DAY_MS + 3 * HOUR_MS), recordOf(event)]);
    expect(engine.counts).toMatchObject({ scored: 2, duplicates: 1 });
  });

  it('are the same tenant: one id of two tenants is two events', () => {
    const engine = engineOf();
    const same = { id: 'same', timeMs: START_MS };
    outcomeOf(
      engine,
      ['acme', 'beta', '', 'acme', ''].map((tenant) => recordOf(eventOf({ ...same, tenant }))),
    );
    expect(engine.counts).toMatchObject({ scored: 3, duplicates: 2 });
  });

  it('are scored where the first copy was refused a place', () => {
    const engine = engineOf({ settings: { agentsMax: 1 } });
    outcomeOf(engine, [recordOf(eventOf({ agent: 'a', timeMs: START_MS }))]);
    const event = recordOf(eventOf({ agent: 'b', timeMs: START_MS + HOUR_MS }));
    outcomeOf(engine, new Array(20).fill(event));
    const { scored, duplicates, notAdmitted } = engine.counts;
    expect(scored).toBe(2);
    expect(notAdmitted).toBeGreaterThan(0);
    expect(scored + duplicates + notAdmitted).toBe(21);
  });

  it('are the same agent: one id of two agents is two events', () => {
    const engine = engineOf();
    const same = { id: 'same', timeMs: START_MS };
    outcomeOf(
      engine,
      ['a', 'b', 'a'].map((agent) => recordOf(eventOf({ ...same, agent }))),
    );
    expect(engine.counts).toMatchObject({ scored: 2, duplicates: 1 });
  });
});
