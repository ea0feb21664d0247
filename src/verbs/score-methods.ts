/** The two ways in which `killdeer score` judges a table: as one series of numbers, or as rows of them. */
import { SeriesDetector } from '../detect/series.js';
import { KilldeerError } from '../errors.js';
import { PrequentialForest } from '../learn/prequential.js';
import { numberOf, shown, timeOf } from './csv.js';
import type { Method, TableScorer, Verdict } from './score-data.js';
import { count } from './terminal.js';

/** Lines that are read before it is said which columns hold numbers. */
const SAMPLE_ROWS = 101;

/** A column `value` in time, and `timestamp`; without such names the second column and the first. */
export const SERIES: Method = {
  sampleRows: 1,
  open: (_name, first) => {
    const names = first.map((field) => field.trim().toLowerCase());
    const only = first.length === 1;
    const named = names.indexOf('value');
    const value = named >= 0 ? named : only ? 0 : 1;
    const dated = names.indexOf('timestamp');
    const timestamp = dated >= 0 ? dated : only || value === 0 ? -1 : 0;
    return openSeries(first, value, timestamp);
  },
};

function openSeries(first: readonly string[], value: number, timestamp: number): TableScorer {
  const header = numberOf(first[value]) === null;
  const detector = new SeriesDetector();
  const columns = { width: first.length, name: (at: number) => columnName(first, at, header) };
  let undated = 0;
  return {
    header,
    score: (fields): Verdict => {
      const number = numberAt(fields, value, columns);
      if (typeof number !== 'number') return number;
      if (Number.isNaN(number)) return null;
      const field = timestamp < 0 ? '' : fields[timestamp];
      const timeMs = timeOf(field);
      // A plain number may count the values; it is a text that was meant as a time.
      if (Number.isNaN(timeMs) && numberOf(field) === null) undated++;
      return detector.score(timeMs, number);
    },
    note: () =>
      undated === 0 ? null : `${count(undated)} times are not ISO 8601: scored without time of day and of week`,
  };
}

/** Every column is a number of the row, but those ignored, given by name or, from 1, by place. */
export function rowsMethod(ignore: readonly string[], seed: number): Method {
  return {
    sampleRows: SAMPLE_ROWS,
    open: (name, first, more) => {
      const header = first.every((field) => numberOf(field) === null || field.trim() === '');
      const columns = { width: first.length, name: (at: number) => columnName(first, at, header) };
      const ignored = ignore.map((word) => columnAt(name, first, header, word));
      const taken = first.map((_, at) => at).filter((at) => !ignored.includes(at));
      if (taken.length === 0) throw new KilldeerError('csv.unreadable', `${name}: it has no column of numbers`);
      for (const at of taken) refuseText(name, at, header ? more : [first, ...more], columns);
      return openRows(taken, columns, header, seed);
    },
  };
}

function openRows(taken: readonly number[], columns: Columns, header: boolean, seed: number): TableScorer {
  const forest = new PrequentialForest(taken.length, seed);
  const row = new Float64Array(taken.length);
  return {
    header,
    score: (fields): Verdict => {
      for (let i = 0; i < taken.length; i++) {
        const number = numberAt(fields, taken[i], columns);
        if (typeof number !== 'number') return number;
        row[i] = number;
      }
      return row.every(Number.isNaN) ? null : forest.score(row);
    },
    note: () => null,
  };
}

interface Columns {
  readonly width: number;
  /** A column as messages call it. */
  name(at: number): string;
}

function numberAt(fields: readonly string[], at: number, { width, name }: Columns): number | { fault: string } {
  if (fields.length !== width) return { fault: `${fields.length} columns instead of ${width}` };
  return numberOf(fields[at]) ?? { fault: `column ${name(at)}: ${shown(fields[at])} is no number` };
}

/** A column of which most values are text was not meant as numbers. */
function refuseText(name: string, at: number, rows: readonly (readonly string[] | null)[], columns: Columns): void {
  const whole = rows.filter((row) => row !== null && row.length === columns.width) as (readonly string[])[];
  const texts = whole.filter((row) => numberOf(row[at]) === null);
  if (texts.length === 0 || 2 * texts.length <= whole.length) return;
  const told = `column ${columns.name(at)} holds no numbers but ${shown(texts[0][at])}`;
  throw new KilldeerError('csv.unreadable', `${name}: ${told}: leave it out by --ignore ${at + 1}`);
}

function columnAt(name: string, first: readonly string[], header: boolean, word: string): number {
  const wanted = Buffer.from(word).toString('latin1').trim();
  const named = header ? first.findIndex((field) => field.trim() === wanted) : -1;
  const at = named >= 0 ? named : /^\d{1,5}$/.test(word) ? Number(word) - 1 : -1;
  if (at >= 0 && at < first.length) return at;
  throw new KilldeerError('usage', `--ignore ${word}: ${name} has no such column`);
}

function columnName(first: readonly string[], at: number, header: boolean): string {
  return header ? `${shown(first[at])} (${at + 1})` : String(at + 1);
}
