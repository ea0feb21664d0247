import { describe, expect, test } from 'vitest';
import { decodeLine } from '../../src/event/decode.js';
import type { AgentEvent } from '../../src/event/event.js';
import { AHEAD_MAX_MS, RecordingClock } from '../../src/pipeline/recording-clock.js';
import { LINES, PRICES } from './replay-world.js';

const MINUTE = 60_000;
const T0 = Date.parse('2025-06-02T00:00:30.000Z');
const plain = decodeLine(LINES[0], 0, PRICES) as AgentEvent;
const at = (timeMs: number, id = `e${timeMs}`): AgentEvent => ({ ...plain, timeMs, id });

function ticks(clock: RecordingClock, timeMs: number): number[] {
  const due: number[] = [];
  for (let tick = clock.nextTick(timeMs); tick !== null; tick = clock.nextTick(timeMs)) due.push(tick);
  return due;
}

describe('ticks', () => {
  test('begin at the grid point before the first event and fall due with the events', () => {
    const clock = new RecordingClock();
    expect(ticks(clock, T0)).toEqual([T0 - 30_000]);
    expect(ticks(clock, T0 + 29_999)).toEqual([]);
    expect(ticks(clock, T0 + 30_000)).toEqual([T0 + 30_000]);
    expect(ticks(clock, T0 - 5 * MINUTE)).toEqual([]);
    expect(ticks(clock, T0 + 30_000 + 3 * MINUTE)).toEqual([1, 2, 3].map((m) => T0 + 30_000 + m * MINUTE));
  });

  test('jump a gap of more than 31 days, and walk a gap of 31', () => {
    const clock = new RecordingClock();
    ticks(clock, T0);
    expect(ticks(clock, T0 + AHEAD_MAX_MS).length).toBe(31 * 1440);
    expect(ticks(clock, T0 + 2 * AHEAD_MAX_MS + MINUTE)).toEqual([T0 - 30_000 + 2 * AHEAD_MAX_MS + MINUTE]);
  });

  test('go on from a snapshot', () => {
    const clock = new RecordingClock();
    ticks(clock, T0);
    clock.see(T0);
    const restored = new RecordingClock(JSON.parse(JSON.stringify(clock.snapshot())));
    expect(ticks(restored, T0 + 2 * MINUTE)).toEqual(ticks(clock, T0 + 2 * MINUTE));
    expect(restored.snapshot()).toEqual(clock.snapshot());
  });
});

describe('a time far ahead', () => {
  test('needs an event that follows and is as far ahead', () => {
    const clock = new RecordingClock();
    clock.see(T0);
    const far = at(T0 + AHEAD_MAX_MS + 1);
    expect(clock.isAhead(at(T0 + AHEAD_MAX_MS))).toBe(false);
    expect(clock.isAhead(far)).toBe(true);
    expect(clock.confirms(far, at(T0 + AHEAD_MAX_MS))).toBe(false);
    expect(clock.confirms(far, at(T0 + AHEAD_MAX_MS + 2))).toBe(true);
  });

  test('is not confirmed by the same event sent twice', () => {
    const clock = new RecordingClock();
    clock.see(T0);
    const far = at(T0 + 2 * AHEAD_MAX_MS);
    expect(clock.confirms(far, { ...far })).toBe(false);
  });

  test('does not start the clock either', () => {
    const clock = new RecordingClock();
    expect(clock.isAhead(at(T0))).toBe(true);
    expect(clock.confirms(at(T0), at(T0 + 1))).toBe(true);
    expect(clock.confirms(at(T0), at(T0 - 1000))).toBe(true);
    expect(clock.confirms(at(T0 + 2 * AHEAD_MAX_MS), at(T0))).toBe(false);
  });
});
