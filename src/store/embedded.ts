/**
 * The embedded engine: chDB, which is ClickHouse as a library, run inside this process. Each statement has a connection
 * of its own, so that no setting and no parameter of one reaches another. It may run only in the child process: where
 * the engine aborts, it takes its process along.
 */
import { createRequire } from 'node:module';
import { KilldeerError } from '../errors.js';

export interface Statement {
  readonly sql: string;
  /** null: the engine's own. */
  readonly database: string | null;
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Values as they stand in ClickHouse's URLs, escaped as in tab-separated text. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Of the result where the statement names none. */
  readonly format: string;
  /** Whether the result may come in pieces; only queries whose format has neither head nor tail. */
  readonly inPieces: boolean;
}

export interface EmbeddedEngine {
  readonly version: string;
  /** The result's bytes. Rejects with an EngineFault. */
  run(statement: Statement): AsyncIterable<Uint8Array>;
  /** After the statements at work. */
  close(): Promise<void>;
}

/** What the engine answers instead of a result. */
export class EngineFault extends Error {
  constructor(
    /** Of ClickHouse's table of errors; 1002 where it gave none. */
    readonly code: number,
    message: string,
  ) {
    super(message);
    this.name = 'EngineFault';
  }
}

/** What of chDB is used. It is an optional dependency, so its own types may be missing. */
interface Chdb {
  readonly Session: new (path: string, options?: { connectionArgs?: readonly string[] }) => ChdbSession;
  drainPending(): Promise<void>;
}

interface ChdbSession {
  queryAsync(sql: string, options: { format: string }): Promise<{ bytes(): Uint8Array; text(): string }>;
  queryStream(sql: string, options: { format: string }): AsyncIterable<{ raw(): Uint8Array }>;
  close(): void;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const UNKNOWN = 1002;

/** Whether the optional dependency is there, without loading it. */
export function isEmbeddable(): boolean {
  try {
    createRequire(import.meta.url).resolve('chdb');
    return true;
  } catch {
    return false;
  }
}

/** Opens the engine on a directory, which must be this process's own. Throws 'store.absent'. */
export async function openEmbedded(directory: string): Promise<EmbeddedEngine> {
  const chdb = load();
  // Kept for the life of the process: the engine goes with its last connection.
  const first = new chdb.Session(directory);
  const version = (await first.queryAsync('SELECT version()', { format: 'TabSeparated' })).text().trim();
  return {
    version,
    run: (statement) => run(chdb, directory, statement),
    close: async () => {
      await chdb.drainPending();
      first.close();
    },
  };
}

function load(): Chdb {
  try {
    return createRequire(import.meta.url)('chdb') as Chdb;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new KilldeerError('store.absent', `the embedded ClickHouse cannot be loaded: ${reason}`, error);
  }
}

async function* run(chdb: Chdb, directory: string, statement: Statement): AsyncGenerator<Uint8Array> {
  const session = new chdb.Session(directory);
  try {
    const { sql, database, format } = statement;
    if (database !== null) await session.queryAsync(`USE ${checkedName(database)}`, { format });
    const setting = setText(statement);
    if (setting !== null) await session.queryAsync(setting, { format });
    if (!statement.inPieces) yield (await session.queryAsync(sql, { format })).bytes();
    else for await (const piece of session.queryStream(sql, { format })) yield piece.raw();
  } catch (error) {
    throw faultOf(error);
  } finally {
    session.close();
  }
}

/** Last of all read-only: nothing can be set after it. */
function setText({ settings, parameters }: Statement): string | null {
  const rank = ([name]: readonly [string, string]): number => (name === 'readonly' ? 1 : 0);
  const all = [...parameters.map(([name, value]) => [`param_${name}`, value] as const), ...settings];
  if (all.length === 0) return null;
  const sorted = all.toSorted((a, b) => rank(a) - rank(b));
  return `SET ${sorted.map(([name, value]) => `${checkedName(name)} = ${quoted(value)}`).join(', ')}`;
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw new EngineFault(
    36,
    `Code: 36. DB::Exception: not a name: ${JSON.stringify(name).slice(0, 80)}. (BAD_ARGUMENTS)`,
  );
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function faultOf(error: unknown): EngineFault {
  if (error instanceof EngineFault) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = /^Code: (\d+)/.exec(text)?.[1];
  if (code !== undefined) return new EngineFault(Number(code), text);
  return new EngineFault(UNKNOWN, `Code: ${UNKNOWN}. DB::Exception: ${text}. (UNKNOWN_EXCEPTION)`);
}
