import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/math/random.js';
import { RejectionMeter } from '../../src/pipeline/rejection-meter.js';
import { NOW_MS } from './source-world.js';

const JUNK = { code: 'event.bad-json', reason: 'line is not JSON: x' };
const STRANGER = { code: 'event.not-bound', reason: 'the source is not bound to clerk' };

describe('the meter of rejections', () => {
  it('knows too much from enough: above the share, of at least so many', () => {
    const meter = new RejectionMeter(0.5, 200);
    for (let i = 0; i < 199; i++) meter.note(NOW_MS, JUNK);
    expect(meter.isOver(NOW_MS)).toBe(false);
    meter.note(NOW_MS, null);
    expect(meter.isOver(NOW_MS)).toBe(true);
    for (let i = 0; i < 198; i++) meter.note(NOW_MS, null);
    expect(meter.isOver(NOW_MS)).toBe(false);
    meter.note(NOW_MS, JUNK);
    expect(meter.isOver(NOW_MS)).toBe(true);
  });

  it('never finds a share of one too much', () => {
    const meter = new RejectionMeter(1, 1);
    for (let i = 0; i < 1_000; i++) meter.note(NOW_MS, JUNK);
    expect(meter.isOver(NOW_MS)).toBe(false);
  });

  it('holds a minute: the same as counting again', () => {
    const random = createRandom('meter');
    const meter = new RejectionMeter(0.3, 1);
    const notes: { second: number; refusal: typeof JUNK | null }[] = [];
    let nowMs = NOW_MS;
    for (let i = 0; i < 3_000; i++) {
      nowMs += random.next() < 0.01 ? random.below(90_000) : random.below(600);
      const refusal = random.next() < 0.3 ? (random.next() < 0.7 ? JUNK : STRANGER) : null;
      meter.note(nowMs, refusal);
      notes.push({ second: Math.floor(nowMs / 1000), refusal });
      const held = notes.filter(({ second }) => second > Math.floor(nowMs / 1000) - 60);
      const rejected = held.filter((note) => note.refusal !== null);
      expect(meter.tally).toMatchObject({ of: held.length, rejections: rejected.length });
      expect(meter.isOver(nowMs)).toBe(rejected.length > 0.3 * held.length);
    }
  });

  it('is empty after a pause, and stands still where the clock goes back', () => {
    const meter = new RejectionMeter(0.5, 1);
    meter.note(NOW_MS, JUNK);
    meter.note(NOW_MS - 30_000, JUNK);
    expect(meter.tally).toEqual({ of: 2, rejections: 2, reason: 'event.bad-json: line is not JSON: x' });
    expect(meter.isOver(NOW_MS + 60_000)).toBe(false);
    expect(meter.tally).toEqual({ of: 0, rejections: 0, reason: '' });
  });

  it('names the code met most often, with its last reason', () => {
    const meter = new RejectionMeter(0.5, 1);
    meter.note(NOW_MS, JUNK);
    for (const reason of ['first', 'second']) meter.note(NOW_MS, { ...STRANGER, reason });
    expect(meter.tally.reason).toBe('event.not-bound: second');
  });
});
