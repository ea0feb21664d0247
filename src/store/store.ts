/**
 * The store as its users see it: tables to insert into, how far each is, and questions. What it holds is a copy of
 * what the log said; without it everything but history goes on.
 */
import type { StoreConfig } from '../config.js';
import { type Connection, openConnection, type Parameters, type Settings, type StoreAccess } from './connection.js';
import { migrate } from './migrate.js';
import type { Layout } from './schema.js';
import { columnNames, type FedTable, POSITION_COLUMNS, TABLES, type TableName } from './tables.js';

export interface Position {
  /** The offset after its last row's; 0: it has none. */
  readonly at: number;
  /** When its last row was stored, seconds since the epoch; 0: it has none. */
  readonly storedS: number;
}

export interface Store {
  readonly name: string;
  readonly database: string;
  /** Whether reads may come from a copy that lags behind what was acknowledged. */
  readonly replicated: boolean;
  /** Brings the schema up to date. Rejects with 'store.schema' where it must not be used, else it may be tried again. */
  prepare(): Promise<void>;
  select<T>(sql: string, parameters?: Parameters): Promise<T[]>;
  /** Inserts the rows as one block, at most once for each token that is not null. */
  insert(table: TableName, rows: readonly object[], token: string | null): Promise<void>;
  /** How much of a place the table holds. */
  position(table: FedTable, topic: string, partition: number): Promise<Position>;
  /** How long a row is kept after it was stored, ms. */
  keepMs(table: FedTable): number;
  close(): Promise<void>;
}

/** Any query of ours; a person's have limits of their own. Seconds and bytes. */
const QUERY_LIMITS: Settings = { max_execution_time: 20, max_memory_usage: 2_000_000_000, readonly: 2 };

/**
 * Far beyond any batch, so that no batch is cut: one block is one part, and a part is there whole or not at all. The
 * token makes it come once; waiting makes an answer mean that it is there.
 */
const ONE_BLOCK: Settings = {
  async_insert: 0,
  insert_deduplicate: 1,
  date_time_input_format: 'best_effort',
  input_format_parallel_parsing: 0,
  precise_float_parsing: 1,
  max_insert_block_size: 10_000_000,
  min_insert_block_size_rows: 10_000_000,
  min_insert_block_size_bytes: 4_000_000_000,
  max_insert_threads: 1,
};

/** Of a table that spreads over a cluster: the answer waits for the shard, and for most of its copies. */
const SPREAD: Settings = { distributed_foreground_insert: 1, insert_quorum: 'auto' };

/** The store, not yet looked at: nothing is sent before it is used. */
export function createStore(config: StoreConfig, access: StoreAccess): Store {
  const { database, cluster, keep } = config;
  const layout: Layout = { database, cluster, keep };
  const connection: Connection = openConnection(access);
  const spread = cluster === null ? {} : SPREAD;
  return {
    name: connection.name,
    database,
    replicated: cluster !== null,
    prepare: async () => {
      await migrate(connection, layout);
    },
    select: (sql, parameters) => connection.select(sql, parameters, QUERY_LIMITS),
    insert: (table, rows, token) =>
      connection.insert(`${database}.${table}`, columnNames(table), rows, {
        ...ONE_BLOCK,
        ...spread,
        ...(token === null ? {} : { insert_deduplication_token: token }),
      }),
    position: async (table, topic, partition) => {
      const column = POSITION_COLUMNS[table];
      const [row] = await connection.select<{ rows: string; last: string; latest: number }>(
        `SELECT count() AS rows, max(${column}) AS last, toUnixTimestamp(max(stored)) AS latest
         FROM ${database}.${table} WHERE topic = {topic:String} AND partition = {partition:UInt16}`,
        { topic, partition },
        QUERY_LIMITS,
      );
      if (row === undefined || row.rows === '0') return { at: 0, storedS: 0 };
      return { at: Number(row.last) + 1, storedS: row.latest };
    },
    keepMs: (table) => keep[TABLES[table].keep ?? 'events'],
    close: () => connection.close(),
  };
}

/** The store with its schema up to date. Rejects with 'store.unreachable', 'store.refused' or 'store.schema'. */
export async function openStore(config: StoreConfig, access: StoreAccess): Promise<Store> {
  const store = createStore(config, access);
  try {
    await store.prepare();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
