import { describe, expect, it } from 'vitest';
import { DEDUPE_MS, SeenIds } from '../../src/engine/dedupe.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { createRandom } from '../../src/math/random.js';
import { traffic } from './traffic.js';
import { DAY_MS, engineOf, eventOf, HOUR_MS, outcomeOf, recordOf, START_MS, ticks, withTicks } from './world.js';

const ROOM = 1 << 20;

describe('ids seen', () => {
  it('are told from ids not seen, zero words included', () => {
    const random = createRandom('ids');
    const ids = new SeenIds(ROOM);
    const known = new Set<string>();
    for (let at = 0; at < 20_000; at++) {
      const [hi, lo] = at < 4 ? [at >> 1, at & 1] : [random.uint32(), random.below(3000)];
      const key = `${hi} ${hi === 0 && lo === 0 ? 1 : lo}`;
      expect(ids.seen(hi, lo)).toBe(known.has(key));
      known.add(key);
    }
    expect(ids.size).toBe(known.size);
  });

  it('are remembered for an hour at least, and forgotten after two turns', () => {
    for (const notedMs of [0, 1, DEDUPE_MS / 2, DEDUPE_MS - 1]) {
      const ids = new SeenIds(ROOM);
      ids.advance(START_MS);
      ids.advance(START_MS + notedMs);
      ids.seen(1, 2);
      for (let gapMs = 60_000; gapMs <= DEDUPE_MS; gapMs += 60_000) {
        ids.advance(START_MS + notedMs + gapMs);
        expect(ids.seen(1, 2)).toBe(true);
      }
      ids.advance(START_MS + notedMs + 2 * DEDUPE_MS);
      ids.advance(START_MS + notedMs + 3 * DEDUPE_MS);
      expect(ids.size).toBe(0);
    }
  });

  it('are forgotten by a jump over both generations', () => {
    const ids = new SeenIds(ROOM);
    ids.advance(START_MS);
    ids.seen(1, 2);
    ids.advance(START_MS + 2 * DEDUPE_MS);
    expect(ids.seen(1, 2)).toBe(false);
  });

  it('never take more than two generations of room, and keep the latest', () => {
    const ids = new SeenIds(100);
    for (let at = 1; at <= 10_000; at++) {
      ids.seen(at, at);
      expect(ids.size).toBeLessThanOrEqual(200);
      if (at > 100) expect(ids.seen(at - 99, at - 99)).toBe(true);
    }
  });

  it('come back from a snapshot', () => {
    const ids = new SeenIds(500);
    for (let at = 1; at <= 800; at++) ids.seen(at * 7919, at);
    const { turnedMs, current, previous } = ids.snapshot();
    const restored = new SeenIds(500);
    restored.restore(turnedMs, current, previous);
    for (let at = 301; at <= 800; at++) expect(restored.seen(at * 7919, at)).toBe(true);
    for (let at = 801; at <= 1200; at++) expect(restored.seen(at * 7919, at)).toBe(ids.seen(at * 7919, at));
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
