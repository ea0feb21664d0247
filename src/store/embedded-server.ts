/**
 * The part of ClickHouse's HTTP interface that its client uses, before an embedded engine: statements by POST or GET,
 * settings and parameters in the address, rows in the body, `/ping`. On loopback only, and only for whoever knows the
 * password that was drawn at the start. Limits stand here: statements at once, statements that wait, bytes, seconds.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { KilldeerError } from '../errors.js';
import { type EmbeddedEngine, EngineFault, type Statement } from './embedded.js';
import { embeddedRefusalOf, formatOf } from './statement.js';
import { createTurnstile, type Turnstile } from './turnstile.js';

export interface EmbeddedServerParts {
  readonly engine: EmbeddedEngine;
  /** 0: any free one. */
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface EmbeddedServer {
  readonly url: string;
  /** Takes no more, ends what runs, and closes the engine. */
  close(): Promise<void>;
}

/** Two, so that a long query does not hold up the rows, and one more for what is short. */
const AT_ONCE = 3;
const WAITING_MAX = 128;
const BODY_BYTES_MAX = 96 * 1024 * 1024;
const TURN_MAX_MS = 60_000;
/** Of every statement, where its sender sets nothing stricter. */
const LIMITS: Readonly<Record<string, string>> = {
  max_execution_time: '60',
  max_memory_usage: '3000000000',
  max_result_bytes: '268435456',
  result_overflow_mode: 'throw',
};
/** Of the protocol, not of the engine. */
const NOT_SETTINGS = new Set([
  ...['query', 'query_id', 'database', 'default_format', 'user', 'password', 'compress', 'decompress'],
  ...[
    'wait_end_of_query',
    'buffer_size',
    'enable_http_compression',
    'http_zlib_compression_level',
    'client_protocol_version',
  ],
  ...['send_progress_in_http_headers', 'http_headers_progress_interval_ms', 'http_write_exception_in_output_format'],
  'cancel_http_readonly_queries_on_client_close',
]);

/** Listens. Rejects with 'config.invalid' where the port is taken. */
export async function serveEmbedded(parts: EmbeddedServerParts): Promise<EmbeddedServer> {
  const turnstile = createTurnstile(AT_ONCE, WAITING_MAX);
  const server = createServer((request, response) => {
    answer(parts, turnstile, request, response).catch((error: unknown) => refuse(response, error));
  });
  server.keepAliveTimeout = 30_000;
  server.listen(parts.port, '127.0.0.1');
  await listening(server, parts.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await turnstile.emptied();
      server.closeAllConnections();
      await parts.engine.close();
    },
  };
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('config.invalid', `--port ${port}: ${reason}`, error);
  }
}

async function answer(
  parts: EmbeddedServerParts,
  turnstile: Turnstile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/ping') {
    response.end('Ok.\n');
    return;
  }
  if (!isAllowed(request, parts)) throw fault(516, 'Authentication failed', 'AUTHENTICATION_FAILED');
  if (url.pathname !== '/') throw fault(36, 'There is no handler for this path', 'BAD_ARGUMENTS');
  const statement = statementOf(request, url.searchParams, await bodyOf(request));
  const leave = await turnstile.enter(TURN_MAX_MS);
  if (leave === null) throw fault(202, 'Too many statements wait', 'TOO_MANY_SIMULTANEOUS_QUERIES');
  try {
    const queryId = url.searchParams.get('query_id');
    if (queryId !== null && /^[\w-]{1,100}$/.test(queryId)) response.setHeader('X-ClickHouse-Query-Id', queryId);
    await send(parts.engine.run(statement), response);
  } finally {
    leave();
  }
}

/** A failure after the first piece can only be told by cutting the connection. */
async function send(pieces: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (piece.length > 0 && !response.write(piece)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }
  response.end();
}

function refuse(response: ServerResponse, error: unknown): void {
  const { code, message } = error instanceof EngineFault ? error : fault(1002, 'Internal fault', 'UNKNOWN_EXCEPTION');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = statusOf(code);
  response.setHeader('X-ClickHouse-Exception-Code', String(code));
  response.end(`${message}\n`);
}

function statementOf(request: IncomingMessage, search: URLSearchParams, body: Buffer): Statement {
  const query = search.get('query') ?? '';
  // With a query in the address the body holds rows.
  const head = query === '' ? body.toString('utf8') : query;
  const refusal = query === '' ? refusalOfWhole(head) : embeddedRefusalOf(head);
  if (refusal !== null) throw fault(62, refusal, 'SYNTAX_ERROR');
  const settings = new Map<string, string>(Object.entries(LIMITS));
  const parameters: [string, string][] = [];
  for (const [name, value] of search) {
    if (name.startsWith('param_')) parameters.push([name.slice('param_'.length), value]);
    else if (!NOT_SETTINGS.has(name)) settings.set(name, value);
  }
  // A GET only reads, there as here.
  if (request.method !== 'POST' && settings.get('readonly') !== '1') settings.set('readonly', '2');
  const sql = query === '' || body.length === 0 ? head : `${head}\n${body.toString('utf8')}`;
  return {
    sql,
    database: search.get('database'),
    settings: [...settings],
    parameters,
    format: search.get('default_format') ?? 'TabSeparated',
    inPieces: /^\s*(SELECT|WITH)\b/i.test(head) && formatOf(head) === 'JSONEachRow',
  };
}

/** An insert may carry its rows behind itself: they are no statement, and so are not looked at. */
function refusalOfWhole(sql: string): string | null {
  const insert = /^\s*INSERT\s+INTO\s+[^;'"]*?\bFORMAT\s+\w+\s/i.exec(sql);
  return embeddedRefusalOf(insert === null ? sql : insert[0]);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) throw fault(307, `Body is longer than ${BODY_BYTES_MAX} bytes`, 'TOO_MANY_BYTES');
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces);
  if (request.headers['content-encoding'] !== 'gzip') return body;
  try {
    return gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch {
    throw fault(354, 'Body is not gzip, or too long', 'ZLIB_INFLATE_FAILED');
  }
}

function isAllowed({ headers }: IncomingMessage, { username, password }: EmbeddedServerParts): boolean {
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const sent = headers['x-clickhouse-key'];
  if (typeof sent === 'string') return isSame(`${headers['x-clickhouse-user']}:${sent}`, `${username}:${password}`);
  return isSame(headers.authorization ?? '', basic);
}

/** Compared as digests, which are of one length and tell nothing by the time that it takes. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function fault(code: number, message: string, word: string): EngineFault {
  return new EngineFault(code, `Code: ${code}. DB::Exception: ${message}. (${word})`);
}

/** As ClickHouse has it, as far as anybody looks. */
function statusOf(code: number): number {
  if (code === 516) return 403;
  if (code === 497) return 403;
  if ([60, 81, 47].includes(code)) return 404;
  if ([62, 36, 115, 164, 456, 457].includes(code)) return 400;
  if (code === 307) return 413;
  return code === 202 ? 503 : 500;
}
