import { describe, expect, it } from 'vitest';
import { addCalibrations, CleanDays, calibrationOf, NOMINALS } from '../../src/tune/calibration.js';
import { poissonInterval } from '../../src/tune/intervals.js';
import type { Label } from '../../src/tune/labels.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const FROM_MS = Date.parse('2025-06-16T00:00:00Z');
const DETECTORS = ['rate', 'fused'];
const NOTHING = [0, 0];

const label = (agent: string | null, fromMs: number, toMs: number, kind = 'hijack'): Label => ({
  ...{ agent, session: null, sessions: null, fromMs, toMs, kind },
});
/** End of the day with this number after the training days. */
const endOf = (day: number) => FROM_MS + (day + 1) * DAY_MS;

function daysOf(days: CleanDays): number {
  return days.tally()['rate'].days;
}

describe('clean days', () => {
  it('leaves out days before the training ended', () => {
    const days = new CleanDays([], DETECTORS, FROM_MS);
    days.take('a', FROM_MS, NOTHING);
    days.take('a', endOf(0), NOTHING);
    expect(daysOf(days)).toBe(1);
  });

  it('leaves out what a label of any kind touches, of the agent, of who works for it, and of all', () => {
    const middle = FROM_MS + DAY_MS + HOUR_MS;
    const of = (agent: string | null) => {
      const days = new CleanDays([label(agent, middle, middle + HOUR_MS, 'negative:x')], DETECTORS, FROM_MS);
      for (let day = 0; day < 3; day++) days.take('a', endOf(day), NOTHING);
      return daysOf(days);
    };
    expect([of('a'), of('a/sub-01'), of(null), of('b')]).toEqual([2, 2, 2, 3]);
  });

  it('counts a day as marked while a page about the label would still be right', () => {
    const days = new CleanDays([label('a', FROM_MS + HOUR_MS, endOf(0) - 1)], DETECTORS, FROM_MS);
    for (let day = 0; day < 3; day++) days.take('a', endOf(day), NOTHING);
    expect(daysOf(days)).toBe(1);
  });

  it('counts what reached each stated probability, by detector', () => {
    const days = new CleanDays([], DETECTORS, FROM_MS);
    days.take('a', endOf(0), [-Math.log(1e-3), 0]);
    days.take('a', endOf(1), [-Math.log(0.02), -Math.log(1e-5)]);
    expect(days.tally()).toEqual({
      rate: { days: 2, held: 2, reached: [1, 1, 0] },
      fused: { days: 2, held: 1, reached: [1, 1, 1] },
    });
  });
});

describe('calibration', () => {
  const tally = { rate: { days: 1000, held: 400, reached: [20, 1, 0] } };

  it('is the share of days over what was stated, with the interval of a Poisson count', () => {
    const { days, held, at } = calibrationOf(tally)['rate'];
    expect({ days, held }).toEqual({ days: 1000, held: 400 });
    expect(at.map(({ p }) => p)).toEqual([...NOMINALS]);
    expect(at.map(({ share }) => share)).toEqual([0.02, 0.001, 0]);
    expect(at[0].ratio).toBeCloseTo(2, 12);
    const [low, high] = poissonInterval(20);
    expect(at[0].ratioInterval[0]).toBeCloseTo(low / 10, 12);
    expect(at[0].ratioInterval[1]).toBeCloseTo(high / 10, 12);
  });

  it('adds up over recordings, and leaves out what was never seen', () => {
    const more = { rate: { days: 500, held: 1, reached: [1, 1, 1] } };
    expect(addCalibrations([tally, more])).toEqual({ rate: { days: 1500, held: 401, reached: [21, 2, 1] } });
    expect(calibrationOf({ rate: { days: 0, held: 0, reached: [0, 0, 0] } })).toEqual({});
    expect(addCalibrations([])).toEqual({});
  });
});
