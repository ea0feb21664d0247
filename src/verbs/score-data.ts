/**
 * Plain data scored: a table goes through line by line and comes out with one more column. What stood in a line stays as
 * it was, byte for byte; a line without a number to score gets an empty score, an empty line nothing.
 */
import { KilldeerError } from '../errors.js';
import { type CsvLine, fieldsOf, readLines } from './csv.js';

/** Name of the column that is added. */
export const SCORE_COLUMN = 'anomaly_score';

/** Digits behind the point of a score. */
const DIGITS = 6;
/** Malformed lines of a table that are told one by one. */
const FAULTS_MAX = 5;
const BAD_QUOTES = 'a quote is not closed, or stands inside a field';

/** What a line of data comes to: its score, null where its number is missing, or why it is malformed. */
export type Verdict = number | null | { readonly fault: string };

/** A scorer of one table. */
export interface TableScorer {
  /** Whether the first line names the columns. */
  readonly header: boolean;
  score(fields: readonly string[]): Verdict;
  /** What a person should know of the table as a whole, if anything. */
  note(): string | null;
}

/** How tables are scored. */
export interface Method {
  /** Lines that `open` wants to see; until they are there nothing is written. */
  readonly sampleRows: number;
  /**
   * Begins a table by the fields of its first lines, the first one whole, null for those that cannot be split. Throws
   * 'csv.unreadable' for what cannot be scored.
   */
  open(name: string, first: readonly string[], more: readonly (readonly string[] | null)[]): TableScorer;
}

/** What became of one table. */
export interface TableSummary {
  /** Lines of data: scored, missing and malformed ones. */
  rows: number;
  scored: number;
  /** Without a score because the number is missing. */
  missing: number;
  malformed: number;
  /** The first malformed lines, a sentence each, and what else should be known. */
  readonly notes: string[];
}

/** Scores the table that `chunks` hold and hands its lines on, in order. `name` stands in messages. */
export async function scoreTable(
  name: string,
  chunks: AsyncIterable<unknown>,
  method: Method,
  write: (text: string) => Promise<void>,
): Promise<TableSummary> {
  const summary: TableSummary = { rows: 0, scored: 0, missing: 0, malformed: 0, notes: [] };
  let scorer: TableScorer | null = null;
  let waiting: CsvLine[] = [];
  const flush = async (last: boolean): Promise<void> => {
    let text = '';
    if (scorer === null) {
      const filled = waiting.filter((line) => !isBlank(line));
      if (!last && filled.length < method.sampleRows) return;
      scorer = openTable(name, filled.slice(0, method.sampleRows), method);
      if (scorer.header) text = headerOut(waiting);
    }
    for (const line of waiting) text += lineOut(line, scorer, summary);
    waiting = [];
    await write(text);
  };
  for await (const lines of readLines(name, chunks)) {
    waiting = waiting.length === 0 ? lines : [...waiting, ...lines];
    await flush(false);
  }
  await flush(true);
  const note = (scorer as TableScorer | null)?.note() ?? null;
  if (summary.malformed > FAULTS_MAX) summary.notes.push(`and ${summary.malformed - FAULTS_MAX} more malformed lines`);
  if (note !== null) summary.notes.push(note);
  return summary;
}

function openTable(name: string, lines: readonly CsvLine[], method: Method): TableScorer {
  if (lines.length === 0) throw new KilldeerError('csv.unreadable', `${name}: it is empty`);
  const [first, ...more] = lines.map(fieldsOf);
  if (first === null) throw new KilldeerError('csv.unreadable', `${name}: line ${lines[0].number}: ${BAD_QUOTES}`);
  if (first.some((field) => field.trim() === SCORE_COLUMN)) {
    throw new KilldeerError('csv.unreadable', `${name}: it has a column ${SCORE_COLUMN} already`);
  }
  return method.open(name, first, more);
}

/** Takes the header, and what is empty before it, off the lines. */
function headerOut(lines: CsvLine[]): string {
  const header = lines.findIndex((line) => !isBlank(line));
  return lines
    .splice(0, header + 1)
    .map((line, i) => line.text + (i === header ? `,${SCORE_COLUMN}` : '') + line.ending)
    .join('');
}

function lineOut(line: CsvLine, scorer: TableScorer, summary: TableSummary): string {
  if (isBlank(line)) return line.text + line.ending;
  const fields = fieldsOf(line);
  const verdict = fields === null ? { fault: BAD_QUOTES } : scorer.score(fields);
  summary.rows++;
  if (typeof verdict === 'number') {
    summary.scored++;
    return `${line.text},${verdict.toFixed(DIGITS)}${line.ending}`;
  }
  if (verdict === null) summary.missing++;
  else if (++summary.malformed <= FAULTS_MAX) summary.notes.push(`line ${line.number}: ${verdict.fault}`);
  return `${line.text},${line.ending}`;
}

function isBlank({ text }: CsvLine): boolean {
  return text.trim() === '';
}
