import { describe, expect, it } from 'vitest';
import { isZone, OpenHours } from '../../src/decide/hours.js';
import { DAYS, type Day } from '../../src/decide/intent.js';

const at = (iso: string) => Date.parse(iso);

function openAt(from: number, to: number, zone: string, days: readonly Day[], ...times: string[]): boolean[] {
  const hours = new OpenHours({ days, fromMinute: from * 60, toMinute: to * 60, zone });
  return times.map((time) => hours.isOpen(at(time)));
}

describe('opening hours', () => {
  it('begin and end on the minute, in their own zone', () => {
    const times = ['2026-01-05T06:59:59Z', '2026-01-05T07:00:00Z', '2026-01-05T16:59:59Z', '2026-01-05T17:00:00Z'];
    expect(openAt(8, 18, 'Europe/Berlin', ['mon'], ...times)).toEqual([false, true, true, false]);
    expect(openAt(8, 18, 'Europe/Berlin', ['tue'], ...times)).toEqual([false, false, false, false]);
  });

  it('follow summer time', () => {
    // The clocks go forward on 2026-03-29: 08:00 in Berlin is 07:00 UTC before, 06:00 UTC after.
    expect(
      openAt(8, 18, 'Europe/Berlin', DAYS, '2026-03-28T06:30:00Z', '2026-03-29T06:30:00Z', '2026-03-29T16:30:00Z'),
    ).toEqual([false, true, false]);
  });

  it('go past midnight, counted by the day on which they began', () => {
    const times = ['2026-01-05T21:59:00Z', '2026-01-05T22:00:00Z', '2026-01-06T05:59:00Z', '2026-01-06T22:30:00Z'];
    expect(openAt(22, 6, 'UTC', ['mon'], ...times)).toEqual([false, true, true, false]);
  });

  it('may be the whole day', () => {
    expect(
      openAt(0, 24, 'UTC', ['mon'], '2026-01-05T00:00:00Z', '2026-01-05T23:59:59Z', '2026-01-06T00:00:00Z'),
    ).toEqual([true, true, false]);
  });

  it('know zones by name', () => {
    expect(['UTC', 'Asia/Kathmandu', 'Europe/Nowhere', ''].map(isZone)).toEqual([true, true, false, false]);
  });
});
