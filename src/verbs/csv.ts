/**
 * Comma-separated text as `killdeer score` reads it: a line is a row, fields may be quoted, and what was read can be
 * written again byte for byte. Texts here hold one byte a character (latin1), so that no encoding is lost.
 */
import { KilldeerError } from '../errors.js';

/** Longest line; more than this is no table of numbers. */
const LINE_BYTES_MAX = 1024 * 1024;
/** Characters of a value shown in a message. */
const SHOWN_MAX = 40;
const MISSING: readonly string[] = ['', 'na', 'n/a', 'nan', 'null', 'none'];
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;
/** Plain numbers from here on are times: seconds since 1970 from 1973 on, milliseconds from the same day on. */
const SECONDS_MIN = 1e8;
const MS_MIN = 1e11;
const MS_MAX = 1e14;
/** Bytes EF BB BF of UTF-8 at the beginning of a file, one character each. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

export interface CsvLine {
  /** Counted from 1. */
  readonly number: number;
  /** Without its ending. */
  readonly text: string;
  /** As it stood: '\n', '\r\n', or '' at the end of the file. */
  readonly ending: string;
}

/** The lines of a file, as many at a time as a chunk of it completes. Throws 'csv.unreadable' for an endless line. */
export async function* readLines(name: string, chunks: AsyncIterable<unknown>): AsyncGenerator<CsvLine[]> {
  let rest = '';
  let number = 0;
  for await (const chunk of chunks) {
    const text = rest + Buffer.from(chunk as Uint8Array).toString('latin1');
    const lines: CsvLine[] = [];
    let start = 0;
    for (let feed = text.indexOf('\n'); feed >= 0; feed = text.indexOf('\n', start)) {
      const end = feed > start && text[feed - 1] === '\r' ? feed - 1 : feed;
      lines.push({ number: ++number, text: text.slice(start, end), ending: text.slice(end, feed + 1) });
      start = feed + 1;
    }
    rest = text.slice(start);
    if (rest.length > LINE_BYTES_MAX) {
      throw new KilldeerError('csv.unreadable', `${name}: line ${number + 1} is longer than ${LINE_BYTES_MAX} bytes`);
    }
    yield lines;
  }
  if (rest !== '') yield [{ number: number + 1, text: rest, ending: '' }];
}

/** The fields of a line, quotes taken off; null where a quote is not closed, or stands inside a field. */
export function fieldsOf({ number, text }: CsvLine): string[] | null {
  const line = number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(line);
    if (match === null) return null;
    fields.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}

/** A field as a number; NaN where none is given (empty, NA, NaN, null, none); null where it is something else. */
export function numberOf(field: string): number | null {
  const text = field.trim();
  if (!NUMBER.test(text)) return MISSING.includes(text.toLowerCase()) ? Number.NaN : null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/**
 * A time in milliseconds since 1970: ISO 8601 with or without a clock (UTC unless it names an offset), or seconds or
 * milliseconds as a plain number; NaN where it is none of these.
 */
export function timeOf(field: string): number {
  const text = field.trim();
  const value = numberOf(text);
  if (value !== null) {
    if (value >= SECONDS_MIN && value < MS_MIN) return value * 1000;
    return value >= MS_MIN && value < MS_MAX ? value : Number.NaN;
  }
  const match = DATE.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const fraction = match[7] === undefined ? 0 : Number(`0.${match[7]}`) * 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + fraction - offsetMs(match[8] ?? 'Z');
}

function offsetMs(zone: string): number {
  if (/^[zu]/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.replace(':', '').slice(3) || 0);
  return (zone[0] === '-' ? -1 : 1) * minutes * 60_000;
}

/** A field for a message: quoted, cut, its bytes read as UTF-8. */
export function shown(field: string): string {
  const text = Buffer.from(field, 'latin1').toString('utf8');
  return JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text);
}
