/** Tables that people write in a spreadsheet, read: RFC 4180, UTF-8. How a row is written is said by render/csv-cells. */
import { plainCell } from '../render/csv-cells.js';

/** One row of a table. */
export interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A table, or where it cannot be read any further. */
export interface CsvTable {
  readonly rows: readonly CsvRow[];
  readonly problem: { readonly line: number; readonly message: string } | null;
}

/** Every row but empty lines. A cell in quotes may go over several lines. */
export function readCsv(text: string): CsvTable {
  const rows: CsvRow[] = [];
  const end = text.length;
  let at = 0;
  let line = 1;
  while (at < end) {
    const row = readRow(text, at, line);
    if ('problem' in row) return { rows, problem: row.problem };
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push({ line, cells: row.cells.map(plainCell) });
    at = row.next;
    line = row.nextLine;
  }
  return { rows, problem: null };
}

type Row =
  | { readonly cells: string[]; readonly next: number; readonly nextLine: number }
  | { readonly problem: { readonly line: number; readonly message: string } };

function readRow(text: string, from: number, line: number): Row {
  const cells: string[] = [];
  let at = from;
  let nextLine = line;
  for (;;) {
    let cell: string;
    if (text[at] === '"') {
      const close = closingQuote(text, at);
      if (close < 0) return { problem: { line: nextLine, message: 'a quote is not closed' } };
      cell = text.slice(at + 1, close).replaceAll('""', '"');
      nextLine += count(cell, '\n');
      at = close + 1;
    } else {
      const begin = at;
      while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at++;
      cell = text.slice(begin, at);
      if (cell.includes('"')) return { problem: { line: nextLine, message: 'a quote stands inside a cell' } };
    }
    cells.push(cell);
    const after = text[at];
    if (after === ',') at++;
    else if (after === undefined) return { cells, next: at, nextLine };
    else if (after === '\n') return { cells, next: at + 1, nextLine: nextLine + 1 };
    else if (after === '\r') return { cells, next: at + (text[at + 1] === '\n' ? 2 : 1), nextLine: nextLine + 1 };
    else return { problem: { line: nextLine, message: 'a quote is closed inside a cell' } };
  }
}

/** -1: there is none. */
function closingQuote(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return -1;
}

function count(text: string, of: string): number {
  return text.split(of).length - 1;
}

/** Names in one cell, apart by ';'. A backslash keeps a ';', a backslash or a space at an end; ';' alone: no name. */
export function listCell(names: readonly string[]): string {
  if (names.length === 0) return ';';
  return names.map((name) => name.replace(/[\\;]|^ +| +$/g, (part) => part.replace(/./g, '\\$&'))).join(';');
}

/** The names of a cell; spaces around them do not count. */
export function listOf(cell: string): string[] {
  const names: string[] = [];
  let name = '';
  /** Up to here the name is kept, spaces included. */
  let kept = 0;
  const end = () => {
    const whole = name.slice(0, kept) + name.slice(kept).replace(/ +$/, '');
    if (whole !== '') names.push(whole);
    name = '';
    kept = 0;
  };
  for (let i = 0; i < cell.length; i++) {
    const unit = cell[i] as string;
    if (unit === ';') end();
    else if (unit === '\\' && i + 1 < cell.length) {
      name += cell[++i];
      kept = name.length;
    } else if (name !== '' || unit !== ' ') name += unit;
  }
  end();
  return names;
}
