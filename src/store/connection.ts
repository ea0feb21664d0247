/**
 * One ClickHouse over HTTP, be it a server or the embedded child: statements in, rows out, and every failure as one of
 * our errors. No message carries a password, and none carries rows: they may name people.
 */
import { setMaxListeners } from 'node:events';
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { KilldeerError } from '../errors.js';

/** Where ClickHouse is and as whom. */
export interface StoreAccess {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export type Parameter = string | number | boolean | null | readonly string[] | readonly number[];
export type Parameters = Readonly<Record<string, Parameter>>;
export type Settings = Readonly<Record<string, string | number>>;

export interface Connection {
  /** Where, in words: without a password. */
  readonly name: string;
  /** Rows of a query as objects by column. Integers of 64 bits come as text. */
  select<T>(sql: string, parameters?: Parameters, settings?: Settings): Promise<T[]>;
  /** The result in the format that the statement names, as text in pieces. */
  stream(sql: string, parameters: Parameters, settings: Settings): Promise<AsyncIterable<Uint8Array>>;
  /** A statement without a result. */
  command(sql: string, settings?: Settings): Promise<void>;
  insert(table: string, columns: readonly string[], rows: readonly object[], settings?: Settings): Promise<void>;
  /** Cuts off what still runs. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** Longest wait for an answer, ms. */
  readonly timeoutMs?: number;
  /** Whose tables need no other name. */
  readonly database?: string;
}

/** Long enough for a batch on a busy server; what is slower is repeated, which does no harm. */
const TIMEOUT_MS = 60_000;
const CONNECTIONS_MAX = 16;

/**
 * What a server says while it cannot, though the statement is right: too slow, too busy, out of memory, a replica
 * without its keeper, a disk that is full. Numbers of ClickHouse's own table of errors.
 */
const BUSY_CODES: readonly string[] = [
  ...['159', '160', '164', '173', '198', '202', '203', '209', '210', '225', '236', '241', '242', '243', '252'],
  ...['279', '285', '286', '289', '290', '297', '305', '319', '394', '425', '439', '473', '516', '517', '999'],
];
/** What it says of a value that does not fit its column. */
const DATA_CODES: readonly string[] = [
  ...['6', '26', '27', '33', '38', '41', '53', '69', '70', '72', '117', '130', '131', '321', '349', '407', '457'],
];

/** Whether the rows themselves were refused: fewer of them may fit. */
export function isRefusedData(error: unknown): boolean {
  return codeOf(error) !== null && DATA_CODES.includes(codeOf(error) as string);
}

export function openConnection({ url, username, password }: StoreAccess, options: ConnectionOptions = {}): Connection {
  const client = createClient({
    url: plainUrl(url),
    username,
    password,
    application: 'killdeer',
    ...(options.database === undefined ? {} : { database: options.database }),
    request_timeout: options.timeoutMs ?? TIMEOUT_MS,
    max_open_connections: CONNECTIONS_MAX,
    compression: { request: !isLocal(url), response: false },
    log: { level: ClickHouseLogLevel.OFF },
  });
  return createConnection(client, plainUrl(url));
}

function createConnection(client: ClickHouseClient, name: string): Connection {
  const closing = new AbortController();
  const { signal } = closing;
  setMaxListeners(0, signal);
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw storeError(error, name, what);
    }
  };
  return {
    name,
    select: (sql, parameters = {}, settings = {}) =>
      attempt('a query', async () => {
        const result = await client.query({
          abort_signal: signal,
          query: sql,
          format: 'JSONEachRow',
          query_params: parameters,
          clickhouse_settings: { ...settings, output_format_json_quote_64bit_integers: 1 },
        });
        return await result.json();
      }),
    stream: (sql, parameters, settings) =>
      attempt('a query', async () => {
        const query = { query: sql, query_params: parameters, abort_signal: signal };
        return (await client.exec({ ...query, clickhouse_settings: { ...settings } })).stream;
      }),
    command: (sql, settings = {}) =>
      attempt('a statement', async () => {
        await client.command({ query: sql, abort_signal: signal, clickhouse_settings: { ...settings } });
      }),
    insert: (table, columns, rows, settings = {}) =>
      attempt(`rows for ${table}`, async () => {
        await client.insert({
          abort_signal: signal,
          table,
          columns: columns as [string, ...string[]],
          values: rows,
          format: 'JSONEachRow',
          clickhouse_settings: { ...settings },
        });
      }),
    close: async () => {
      closing.abort();
      await client.close();
    },
  };
}

/** One of our errors, whatever went wrong with `what`. */
export function storeError(error: unknown, name: string, what: string): KilldeerError {
  if (error instanceof KilldeerError) return error;
  if (error instanceof ClickHouseError) {
    const code = BUSY_CODES.includes(error.code) ? 'store.unreachable' : 'store.refused';
    const { code: number, type } = error;
    // Of refused rows the server quotes some: its code and its word for it must do, in the cause too.
    const isData = DATA_CODES.includes(number);
    const reason = isData ? '' : `: ${error.message.slice(0, 300)}`;
    const cause = isData
      ? new ClickHouseError({ message: 'rows refused', code: number, ...(type && { type }) })
      : error;
    return new KilldeerError(code, `${name} refused ${what}: ${type ?? 'error'} (${number})${reason}`, cause);
  }
  const reason = error instanceof Error ? error.message || ((error as { code?: string }).code ?? '') : String(error);
  return new KilldeerError('store.unreachable', `${name} cannot be reached: ${reason.slice(0, 300)}`, error);
}

function codeOf(error: unknown): string | null {
  if (error instanceof ClickHouseError) return error.code;
  return error instanceof KilldeerError && error.cause instanceof ClickHouseError ? error.cause.code : null;
}

/** An address may carry a user and a password, which no message may show. */
function plainUrl(url: string): string {
  try {
    const { origin, pathname } = new URL(url);
    return `${origin}${pathname === '/' ? '' : pathname}`;
  } catch (error) {
    throw new KilldeerError('config.invalid', 'store.url is not a URL such as http://127.0.0.1:8123', error);
  }
}

function isLocal(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
