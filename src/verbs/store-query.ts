/** `killdeer store query`: one question of a person, read-only by the engine's own mode and by our reading of it. */
import { KilldeerError } from '../errors.js';
import { type Connection, openConnection, type Settings } from '../store/connection.js';
import { formatOf, refusalOf } from '../store/statement.js';
import type { ReachedStore } from './store-access.js';
import { type Cell, count, type Terminal } from './terminal.js';

export interface QueryOptions {
  readonly param?: readonly string[];
  readonly format?: string;
}

/** Rows that a table on a terminal shows. */
const SHOWN_MAX = 1_000;
const FORMAT = /^[A-Za-z][A-Za-z0-9]{0,63}$/;
const PARAMETER = /^([A-Za-z_]\w{0,63})=(.*)$/s;
/** Seconds and bytes: whoever asks too much is told so, and nobody else waits for it. */
const LIMITS: Settings = { readonly: 2, max_execution_time: 60, max_memory_usage: 2_000_000_000 };

/** Rejects with 'store.query' where it does not only read, or the engine refuses it. */
export async function queryStore(
  terminal: Terminal,
  { access, config }: ReachedStore,
  sql: string,
  options: QueryOptions,
): Promise<void> {
  const parameters = parametersOf(options.param ?? []);
  const wanted = formatWanted(sql, options);
  const connection = openConnection(access, { database: config.database });
  try {
    const refusal = refusalOf(sql, await tableFunctions(connection).catch(asQueryError));
    if (refusal !== null) throw new KilldeerError('store.query', `not run: ${refusal}`);
    const isTable = wanted === null && terminal.rich;
    const format = wanted ?? (isTable ? 'JSONCompactEachRowWithNames' : 'JSONEachRow');
    const text = formatOf(sql) === null ? `${withoutSemicolon(sql)}\nFORMAT ${format}` : withoutSemicolon(sql);
    const pieces = await connection.stream(text, parameters, LIMITS).catch(asQueryError);
    if (isTable) await showTable(terminal, pieces);
    else await pipe(terminal, pieces);
  } finally {
    await connection.close();
  }
}

async function tableFunctions(connection: Connection): Promise<string[]> {
  const rows = await connection.select<{ name: string }>('SELECT name FROM system.table_functions');
  return rows.map(({ name }) => name);
}

/** null: the one that suits where the answer goes. */
function formatWanted(sql: string, { format }: QueryOptions): string | null {
  const named = formatOf(sql);
  if (format === undefined) return named;
  if (named !== null)
    throw new KilldeerError('usage', `--format ${format}: the query names the format ${named} itself`);
  if (FORMAT.test(format)) return format;
  throw new KilldeerError('usage', `--format ${format}: not a name of a format, as CSVWithNames`);
}

function parametersOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const match = PARAMETER.exec(word);
      if (match === null) throw new KilldeerError('usage', `--param ${word}: not name=value`);
      return [match[1], match[2]];
    }),
  );
}

function withoutSemicolon(sql: string): string {
  return sql.trimEnd().replace(/;+$/, '');
}

/** What the engine refuses of a person's own query is for that person to mend. */
function asQueryError(error: unknown): never {
  if (!(error instanceof KilldeerError) || error.code !== 'store.refused') throw error;
  throw new KilldeerError('store.query', error.message, error.cause);
}

async function pipe(terminal: Terminal, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const piece of pieces) terminal.print(decoder.decode(piece, { stream: true }));
  terminal.print(decoder.decode());
}

async function showTable(terminal: Terminal, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const rows: Cell[][] = [];
  let total = -1;
  for await (const line of lines(pieces)) {
    if (rows.length <= SHOWN_MAX) rows.push((JSON.parse(line) as unknown[]).map(cell));
    total += 1;
  }
  const [head = [], ...body] = rows;
  terminal.table(head.map(String), body);
  const shown = total > SHOWN_MAX ? `, of which ${count(SHOWN_MAX)} are shown` : '';
  terminal.say(`${count(Math.max(0, total))} rows${shown}`);
}

async function* lines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
  if (rest !== '') yield rest;
}

function cell(value: unknown): Cell {
  if (value === null || typeof value === 'number') return value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
