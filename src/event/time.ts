/** The one form of time that an event may carry, and its exact reading in milliseconds. */

/** First instant an event may carry: 2000-01-01T00:00:00Z, ms since the epoch. */
export const TIME_MIN_MS = 946_684_800_000;
/** First instant after the last year: 2100-01-01T00:00:00Z, ms since the epoch; an event must be earlier. */
export const TIME_END_MS = 4_102_444_800_000;

const DAY_MS = 86_400_000;
/** Up to nine digits after the point: nanoseconds are as fine as any sender's clock. */
const FRACTION_DIGITS_MAX = 9;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/**
 * Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z` (ISO 8601, UTC only, one to nine fraction digits where there is a point) as
 * ms since the epoch, cut (not rounded) to the millisecond. NaN for anything else: other zones, lower case, a date
 * that no calendar has, 24:00, a leap second. Years 0000 to 9999; the range that events may use is the caller's to
 * check. Works on character codes because Date.parse accepts far more than the format and is several times slower.
 */
export function parseTime(text: string): number {
  const length = text.length;
  if (length < 20 || length > 21 + FRACTION_DIGITS_MAX || text.charCodeAt(length - 1) !== 0x5a) return Number.NaN;
  // Two digits that are not both digits give NaN, and NaN fails every comparison below.
  const year = pair(text, 0) * 100 + pair(text, 2);
  const month = pair(text, 5);
  const day = pair(text, 8);
  const hour = pair(text, 11);
  const minute = pair(text, 14);
  const second = pair(text, 17);
  const fits =
    year >= 0 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59 && separated(text);
  if (!fits || day > daysInMonth(year, month)) return Number.NaN;
  const fractionMs = length === 20 ? 0 : fraction(text, length - 1);
  return daysSinceEpoch(year, month, day) * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000 + fractionMs;
}

/** The number of the two digits at `at`, NaN where one is no digit. */
function pair(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Whether the four signs of `YYYY-MM-DDTHH:MM:SS` stand where they must. */
function separated(text: string): boolean {
  return (
    text.charCodeAt(4) === 0x2d &&
    text.charCodeAt(7) === 0x2d &&
    text.charCodeAt(10) === 0x54 &&
    text.charCodeAt(13) === 0x3a &&
    text.charCodeAt(16) === 0x3a
  );
}

/** Whole ms of the digits between the point at 19 and `end`; NaN without a point, without digits or with others. */
function fraction(text: string, end: number): number {
  if (text.charCodeAt(19) !== 0x2e || end === 20) return Number.NaN;
  let ms = 0;
  let scale = 100;
  for (let i = 20; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    if (i < 23) {
      ms += digit * scale;
      scale /= 10;
    }
  }
  return ms;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : MONTH_DAYS[month - 1];
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, negative before. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const past = year - 1;
  // 719162 days lie between 0001-01-01 and 1970-01-01.
  const daysBeforeYear = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719_162;
  const leapDay = month > 2 && isLeap(year) ? 1 : 0;
  return daysBeforeYear + DAYS_BEFORE_MONTH[month - 1] + leapDay + day - 1;
}

const ZONED = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:(\.\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * A time of RFC 3339, in any zone and letter case, in the one form that an event may carry: UTC, ms. null where the
 * text is none, or its year is not one of 0000 to 9999.
 */
export function toUtc(text: string): string | null {
  const [, date, clock, fractionText = '', zone] = ZONED.exec(text) ?? [];
  if (zone === undefined) return null;
  const localMs = parseTime(`${date}T${clock}${fractionText}Z`);
  const utcMs = localMs - zoneMs(zone);
  return utcMs >= YEAR_0_MS && utcMs < YEAR_10000_MS ? new Date(utcMs).toISOString() : null;
}

const YEAR_0_MS = -62_167_219_200_000;
const YEAR_10000_MS = 253_402_300_800_000;

/** How far the zone's clocks are ahead of UTC; NaN for hours or minutes that no zone has. */
function zoneMs(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = pair(zone, 1);
  const minutes = pair(zone, 4);
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (zone.charCodeAt(0) === 0x2d ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
