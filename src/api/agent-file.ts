/**
 * The registry as a file: what `agent export` writes and what `agent import`, a replay and the demo read. One form for
 * all of them: a JSON array or JSON Lines with the members of a registration, or CSV with the columns below.
 */
import { csvLine } from '../render/csv-cells.js';
import { listCell, listOf } from './csv-text.js';
import type { WholeRow } from './registration.js';
import { type AgentRow, agentRow } from './registration-schema.js';
import {
  PROBLEMS_MAX,
  type Row,
  type RowForm,
  type RowFormat,
  type RowProblem,
  type Rows,
  readRows,
} from './row-file.js';

type Cell = 'text' | 'names' | 'limits' | 'number' | 'flag';

interface Column {
  readonly name: string;
  readonly cell: Cell;
  /** Member, and within it; the file has no nesting. */
  readonly path: readonly [string] | readonly [string, string];
}

const column = (name: string, cell: Cell = 'text', ...path: [string, string] | []): Column => ({
  name,
  cell,
  path: path.length === 0 ? [name] : path,
});

/** 'names' are empty where none is given, 'limits' are then none: an empty cell limits nothing. */
const COLUMNS: readonly Column[] = [
  ...['agent', 'tenant', 'parent', 'owner', 'technical_owner', 'purpose', 'role'].map((name) => column(name)),
  column('labels', 'names'),
  column('environment'),
  column('trust'),
  column('scopes', 'names'),
  ...['operations', 'endpoints', 'targets', 'data_classes'].map((name) => column(name, 'limits')),
  column('session_usd', 'number', 'budgets', 'session_usd'),
  column('day_usd', 'number', 'budgets', 'day_usd'),
  column('delegation_depth', 'number', 'delegation', 'depth_max'),
  column('delegation_breadth', 'number', 'delegation', 'breadth_max'),
  column('delegate_to', 'limits', 'delegation', 'agents'),
  column('credential_kind', 'text', 'credential', 'kind'),
  column('credential_issued', 'text', 'credential', 'issued'),
  column('credential_expires', 'text', 'credential', 'expires'),
  column('credential_rotated', 'text', 'credential', 'rotated'),
  column('agent_version'),
  column('review_on'),
  column('protected', 'flag'),
  column('if_version', 'number'),
];
/** Of an export: a version is a condition, not a fact about the agent. */
const WRITTEN = COLUMNS.filter(({ name }) => name !== 'if_version');
const NUMBER = /^\d{1,16}(\.\d{1,30})?(e[+-]?\d{1,3})?$/i;

export const AGENT_COLUMNS: readonly string[] = COLUMNS.map(({ name }) => name);

const FORM: RowForm<AgentRow> = { schema: agentRow, columns: AGENT_COLUMNS, fromCells };

/** Every agent of a file, in steps. An agent that stands in it twice is a problem. */
export function* readAgentFile(bytes: Uint8Array, format: RowFormat, rowsMax: number): Generator<void, Rows<AgentRow>> {
  const { rows, problems } = yield* readRows(FORM, bytes, format, rowsMax);
  const lines = new Map<string, number>();
  const once: Row<AgentRow>[] = [];
  const doubled: RowProblem[] = [];
  for (const row of rows) {
    const key = JSON.stringify([row.value.tenant, row.value.agent]);
    const before = lines.get(key);
    if (before === undefined) once.push(row);
    else doubled.push({ line: row.line, member: 'agent', message: `stands on line ${before} already` });
    lines.set(key, before ?? row.line);
  }
  return { rows: once, problems: [...problems, ...doubled].slice(0, PROBLEMS_MAX) };
}

/** First lines of an export, with their ending. */
export function exportHead(format: RowFormat): string {
  return format === 'csv' ? `${csvLine(WRITTEN.map(({ name }) => name))}\r\n` : '';
}

/** One agent of an export, with its ending. */
export function exportLine(row: WholeRow, format: RowFormat): string {
  return format === 'csv' ? `${csvLine(WRITTEN.map((one) => cellOf(row, one)))}\r\n` : `${JSON.stringify(row)}\n`;
}

function cellOf(row: WholeRow, { cell, path: [member, part] }: Column): string {
  const whole = (row as Readonly<Record<string, unknown>>)[member];
  const value = part === undefined ? whole : (whole as Readonly<Record<string, unknown>> | null)?.[part];
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return cell === 'names' && value.length === 0 ? '' : listCell(value as string[]);
  return String(value);
}

function fromCells(cells: ReadonlyMap<string, string>): unknown {
  const row: Record<string, unknown> = {};
  for (const { name, cell, path } of COLUMNS) {
    const text = cells.get(name);
    if (text === undefined) continue;
    const value = partOf(cell, text);
    const [member, part] = path;
    if (part !== undefined) row[member] = { ...(row[member] as object | undefined), [part]: value };
    else if (value !== undefined) row[member] = value;
  }
  // The empty text is the nameless tenant, and the one member that is not null for nothing.
  if (cells.get('tenant') === '') row['tenant'] = '';
  return { ...row, ...credentialOf(row['credential']) };
}

/** undefined: as good as no column. */
function partOf(cell: Cell, text: string): unknown {
  if (text === '') return cell === 'names' ? [] : cell === 'flag' ? undefined : null;
  if (cell === 'names' || cell === 'limits') return listOf(text);
  if (cell === 'number') return NUMBER.test(text) ? Number(text) : text;
  if (cell === 'flag') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

/** An empty kind says nothing where other cells of the credential do, and takes it away where none does. */
function credentialOf(given: unknown): object {
  if (given === undefined) return {};
  const { kind, ...times } = given as Record<string, unknown>;
  const isNothing = Object.values(times).every((one) => one === null);
  if (kind === null && isNothing) return { credential: null };
  return { credential: kind === null ? times : given };
}
