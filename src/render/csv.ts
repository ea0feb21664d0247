/** Findings as a table for a spreadsheet: RFC 4180, UTF-8, one row a finding; no cell is taken for a formula. */
import type { FindingState } from '../triage/triage.js';
import { csvLine } from './csv-cells.js';
import { FINDING_COLUMNS, type FindingColumn } from './finding-columns.js';
import { inertJson } from './inert.js';

/** The names of the columns, without an ending; rows are apart by CR LF. */
export const findingCsvHeader: string = csvLine(FINDING_COLUMNS.map(({ name }) => name));

/** One finding, without an ending. Times are ISO 8601 UTC; what is not there is empty. */
export function findingCsvRow(state: FindingState): string {
  return csvLine(FINDING_COLUMNS.map((column) => cellOf(column, column.of(state))));
}

function cellOf({ type }: FindingColumn, value: unknown): string {
  if (value === null) return '';
  if (type === 'time') return new Date(value as number).toISOString();
  return type === 'json' ? inertJson(value) : String(value);
}
