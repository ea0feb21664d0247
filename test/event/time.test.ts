import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTime, TIME_END_MS, TIME_MIN_MS, toUtc } from '../../src/event/time.js';

describe('parseTime', () => {
  it('agrees with the calendar for every instant of four-digit years', () => {
    const instants = fc.integer({
      min: Date.parse('0000-01-01T00:00:00Z'),
      max: Date.parse('9999-12-31T23:59:59.999Z'),
    });
    fc.assert(
      fc.property(instants, (timeMs) => {
        expect(parseTime(new Date(timeMs).toISOString())).toBe(timeMs);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it('cuts the fraction to the millisecond', () => {
    const base = Date.parse('2025-06-02T00:00:50Z');
    expect(parseTime('2025-06-02T00:00:50Z')).toBe(base);
    expect(parseTime('2025-06-02T00:00:50.4Z')).toBe(base + 400);
    expect(parseTime('2025-06-02T00:00:50.48Z')).toBe(base + 480);
    expect(parseTime('2025-06-02T00:00:50.4879Z')).toBe(base + 487);
    expect(parseTime('2025-06-02T00:00:50.999999999Z')).toBe(base + 999);
  });

  it.each([
    ['a day that the month lacks', '2025-04-31T00:00:00Z'],
    ['the 29th of February in a common year', '2025-02-29T00:00:00Z'],
    ['the 29th of February in 2100', '2100-02-29T00:00:00Z'],
    ['month 0', '2025-00-01T00:00:00Z'],
    ['month 13', '2025-13-01T00:00:00Z'],
    ['day 0', '2025-01-00T00:00:00Z'],
    ['hour 24', '2025-01-01T24:00:00Z'],
    ['minute 60', '2025-01-01T00:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['an offset', '2025-01-01T00:00:00+00:00'],
    ['no zone', '2025-01-01T00:00:00'],
    ['a small z', '2025-01-01T00:00:00z'],
    ['a space for the T', '2025-01-01 00:00:00Z'],
    ['a point without digits', '2025-01-01T00:00:00.Z'],
    ['ten digits', '2025-01-01T00:00:00.0123456789Z'],
    ['a letter in the fraction', '2025-01-01T00:00:00.12xZ'],
    ['a sign', '+2025-01-01T00:00:00Z'],
    ['a date alone', '2025-01-01'],
    ['digits of another script', '２０２５-01-01T00:00:00Z'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseTime(text)).toBeNaN();
  });

  it('names the range of years', () => {
    expect(TIME_MIN_MS).toBe(Date.UTC(2000, 0, 1));
    expect(TIME_END_MS).toBe(Date.UTC(2100, 0, 1));
    expect(parseTime('2000-02-29T00:00:00Z')).toBe(Date.UTC(2000, 1, 29));
  });
});

describe('toUtc', () => {
  it.each([
    ['2025-06-02T12:00:00Z', '2025-06-02T12:00:00.000Z'],
    ['2025-06-02t12:00:00.5z', '2025-06-02T12:00:00.500Z'],
    ['2025-06-02T14:30:00.123456789+02:30', '2025-06-02T12:00:00.123Z'],
    ['2025-06-02T14:30:00.12345678901234Z', '2025-06-02T14:30:00.123Z'],
    ['2025-12-31T23:30:00-01:00', '2026-01-01T00:30:00.000Z'],
    ['2024-03-01T00:10:00+00:20', '2024-02-29T23:50:00.000Z'],
  ])('%s is %s', (text, utc) => {
    expect(toUtc(text)).toBe(utc);
  });

  it.each([
    ...['', 'now', '2025-06-02', '2025-06-02 12:00:00Z', '2025-06-02T12:00:00', '2025-06-02T12:00:00.Z'],
    ...['2025-02-29T12:00:00Z', '2025-06-02T12:00:00+24:00', '2025-06-02T12:00:00+01:60', '2025-06-02T12:00:60Z'],
    ...['0000-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00', '2025-06-02T12:00:00+0200'],
    ...['2025-06-02T12:00:005Z'],
  ])('%s is none', (text) => {
    expect(toUtc(text)).toBeNull();
  });
});
