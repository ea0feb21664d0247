/**
 * Files of rows, written by people or by other programs: a JSON array, JSON Lines, or CSV with a header. Every row keeps
 * the line that it stands on, and what is wrong is a list with lines and members, never an exception.
 */
import type * as z from 'zod';
import { parseJson, textOf } from '../event/json-document.js';
import { readCsv } from './csv-text.js';

export type RowFormat = 'json' | 'csv';

export interface RowProblem {
  readonly line: number;
  /** null: the row as a whole. */
  readonly member: string | null;
  readonly message: string;
}

export interface Row<T> {
  readonly line: number;
  readonly value: T;
}

export interface Rows<T> {
  readonly rows: readonly Row<T>[];
  /** In the order of their lines. */
  readonly problems: readonly RowProblem[];
}

export interface RowForm<T> {
  readonly schema: z.ZodType<T>;
  /** Columns that a CSV file may have. */
  readonly columns: readonly string[];
  /** The JSON of a CSV row, from its cells by column; columns that the header leaves out are absent. */
  fromCells(cells: ReadonlyMap<string, string>): unknown;
}

/** Longest list of problems; more of them are one mistake. */
export const PROBLEMS_MAX = 100;

/** Reads all rows; those that are good are there even where others are not. */
export function readRows<T>(form: RowForm<T>, bytes: Uint8Array, format: RowFormat, rowsMax: number): Rows<T> {
  const text = textOf(bytes);
  if (text === null) return problemAt(1, null, 'the file is not UTF-8');
  const raw = format === 'csv' ? csvRows(form, text) : jsonRows(text);
  if (raw.rows.length > rowsMax) return problemAt(1, null, `${raw.rows.length} rows, at most ${rowsMax} are read`);
  const rows: Row<T>[] = [];
  const problems: RowProblem[] = [...raw.problems];
  for (const { line, value } of raw.rows) {
    const parsed = form.schema.safeParse(value);
    if (parsed.success) rows.push({ line, value: parsed.data });
    else if (problems.length < PROBLEMS_MAX) problems.push(...parsed.error.issues.flatMap((one) => toldOf(one, line)));
  }
  return { rows, problems: problems.slice(0, PROBLEMS_MAX) };
}

function problemAt(line: number, member: string | null, message: string): Rows<never> {
  return { rows: [], problems: [{ line, member, message }] };
}

function toldOf(issue: z.core.$ZodIssue, line: number): RowProblem[] {
  const member = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      line,
      member: shown(member === '' ? key : `${member}.${key}`),
      message: 'unknown member',
    }));
  }
  const message = issue.message.replace(/^(Invalid input|Too small|Too big): /, '');
  return [{ line, member: member === '' ? null : shown(member), message: message.slice(0, 300) }];
}

function shown(member: string): string {
  return member.slice(0, 200);
}

function csvRows(form: Pick<RowForm<unknown>, 'columns' | 'fromCells'>, text: string): Rows<unknown> {
  const table = readCsv(text);
  const [header, ...body] = table.rows;
  if (header === undefined)
    return problemAt(1, null, table.problem?.message ?? 'the file is empty: a header is needed');
  const columns = header.cells.map((cell) => cell.trim());
  const unknown = columns.filter((name) => !form.columns.includes(name));
  if (unknown.length > 0) return problemAt(header.line, shown(unknown[0] as string), 'unknown column');
  const twice = columns.find((name, place) => columns.indexOf(name) !== place);
  if (twice !== undefined) return problemAt(header.line, twice, 'stands twice in the header');
  const problems: RowProblem[] = [];
  const rows: Row<unknown>[] = [];
  for (const { line, cells } of body) {
    if (cells.length === columns.length) {
      const byColumn = new Map(columns.map((name, place) => [name, cells[place] as string]));
      rows.push({ line, value: form.fromCells(byColumn) });
    } else problems.push({ line, member: null, message: `${cells.length} cells, the header has ${columns.length}` });
  }
  if (table.problem !== null) problems.push({ ...table.problem, member: null });
  return { rows, problems };
}

function jsonRows(text: string): Rows<unknown> {
  if (!text.trimStart().startsWith('[')) return jsonLines(text);
  const value = parseJson(text);
  if (!Array.isArray(value)) return problemAt(faultLine(text), null, 'the list is not JSON');
  const lines = elementLines(text);
  return { rows: value.map((one, place) => ({ line: lines[place] ?? 1, value: one })), problems: [] };
}

function jsonLines(text: string): Rows<unknown> {
  const rows: Row<unknown>[] = [];
  const problems: RowProblem[] = [];
  for (const [place, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parseJson(line);
    if (value !== undefined) rows.push({ line: place + 1, value });
    else problems.push({ line: place + 1, member: null, message: 'the line is not JSON' });
  }
  return { rows, problems };
}

/** Where the parser stopped, as far as its words tell. */
function faultLine(text: string): number {
  try {
    JSON.parse(text);
  } catch (error) {
    const place = /position (\d+)/.exec(String(error))?.[1];
    if (place !== undefined) return text.slice(0, Number(place)).split('\n').length;
  }
  return 1;
}

/** The line on which each element of an array of valid JSON begins. */
function elementLines(text: string): number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let isText = false;
  /** An element is awaited: after '[' and ',' of the outermost list. */
  let isDue = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text[at] as string;
    if (unit === '\n') line += 1;
    if (isText) {
      if (unit === '\\') at += 1;
      else if (unit === '"') isText = false;
      continue;
    }
    if (isDue && !/[\s\]]/.test(unit)) {
      lines.push(line);
      isDue = false;
    }
    if (unit === '"') isText = true;
    else if (unit === '[' || unit === '{') depth += 1;
    else if (unit === ']' || unit === '}') depth -= 1;
    if (depth === 1 && (unit === ',' || (unit === '[' && lines.length === 0))) isDue = true;
  }
  return lines;
}
