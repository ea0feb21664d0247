import { describe, expect, it } from 'vitest';
import { REST_MAX_MS, SourceGate } from '../../src/pipeline/source-gate.js';
import { NOW_MS } from './source-world.js';

const JUNK = { code: 'event.bad-json', reason: 'line is not JSON: x' };
const OPTIONS = { rejectionsMax: 0.5, rejectionsOf: 10, restMs: 60_000 };
const GOOD = { rejections: 1, of: 100, reason: 'event.bad-json: x' };
const BAD = { rejections: 51, of: 100, reason: 'event.bad-json: x' };
const NONE = { rejections: 0, of: 0, reason: '' };

function refusedGate(partitions: readonly number[] = [0]): SourceGate {
  const gate = new SourceGate(OPTIONS);
  for (const partition of partitions) gate.join(partition);
  for (let i = 0; i < 10; i++) gate.note(NOW_MS, JUNK);
  gate.judge(NOW_MS);
  return gate;
}

describe('the gate of a source', () => {
  it('closes with the reason, rests, and is tried again', () => {
    const gate = refusedGate();
    expect(gate.drain()).toEqual([
      { timeMs: NOW_MS, state: 'refused', rejections: 10, of: 10, reason: 'event.bad-json: line is not JSON: x' },
    ]);
    expect([gate.isRefused, gate.refusals, gate.phaseAt(NOW_MS + 59_999)]).toEqual([true, 1, 'resting']);
    expect(gate.restLeftMs(NOW_MS + 59_000)).toBe(1_000);
    expect(gate.phaseAt(NOW_MS + 60_000)).toBe('probing');
    gate.sample(0, NOW_MS + 60_000, GOOD);
    expect(gate.drain()).toEqual([{ timeMs: NOW_MS + 60_000, state: 'accepted', ...GOOD }]);
    expect([gate.isRefused, gate.openings]).toEqual([false, 1]);
  });

  it('rests twice as long after every failed trial, an hour at most, and says so each time', () => {
    const gate = refusedGate();
    let nowMs = NOW_MS;
    const rests: number[] = [];
    for (let trial = 0; trial < 9; trial++) {
      rests.push(gate.restLeftMs(nowMs));
      nowMs += gate.restLeftMs(nowMs);
      expect(gate.phaseAt(nowMs)).toBe('probing');
      gate.sample(0, nowMs, BAD);
    }
    expect(rests.slice(0, 4)).toEqual([60_000, 120_000, 240_000, 480_000]);
    expect(rests.at(-1)).toBe(REST_MAX_MS);
    expect(gate.drain().map(({ state }) => state)).toEqual(Array.from({ length: 10 }, () => 'refused'));
    expect(gate.refusals).toBe(1);
  });

  it('hears every partition before it judges, and waits where nothing came in', () => {
    const gate = refusedGate([0, 1, 2]);
    gate.drain();
    const nowMs = NOW_MS + 60_000;
    expect(gate.phaseAt(nowMs)).toBe('probing');
    for (const partition of [0, 1, 2]) gate.sample(partition, nowMs, NONE);
    expect(gate.phaseAt(nowMs)).toBe('probing');
    gate.sample(0, nowMs, BAD);
    expect(gate.phaseAt(nowMs)).toBe('resting');
    const laterMs = nowMs + gate.restLeftMs(nowMs);
    expect(gate.phaseAt(laterMs)).toBe('probing');
    gate.sample(0, laterMs, BAD);
    gate.sample(1, laterMs, GOOD);
    expect(gate.isRefused).toBe(true);
    gate.sample(2, laterMs, GOOD);
    expect(gate.isRefused).toBe(false);
  });

  it('rests longer where it is refused again at once, and as before where it did well for a while', () => {
    const open = (): SourceGate => {
      const gate = refusedGate();
      gate.phaseAt(NOW_MS + 60_000);
      gate.sample(0, NOW_MS + 60_000, GOOD);
      return gate;
    };
    const refuse = (gate: SourceGate, nowMs: number): number => {
      for (let i = 0; i < 10; i++) gate.note(nowMs, JUNK);
      gate.judge(nowMs);
      return gate.restLeftMs(nowMs);
    };
    expect(refuse(open(), NOW_MS + 61_000)).toBe(120_000);
    expect(refuse(open(), NOW_MS + 600_000)).toBe(60_000);
  });

  it('says once that a source is accepted, for a process that does not know what was before it', () => {
    const gate = new SourceGate(OPTIONS);
    for (let i = 0; i < 30; i++) {
      gate.note(NOW_MS, i % 3 === 0 ? JUNK : null);
      gate.judge(NOW_MS);
      expect(gate.drain().map(({ state }) => state)).toEqual(i === 9 ? ['accepted'] : []);
    }
  });
});
