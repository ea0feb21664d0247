/**
 * Room store/: history in ClickHouse, for people and for the API. Nothing that scores, decides or stops waits for it.
 *
 * Promises: every record of the log stands in its table once, whatever crashes, repeats or overlaps; what could not be
 * kept is a row in `gaps`. It may not build SQL out of data: values travel as parameters or as rows, and every name
 * in a statement comes from this file or was checked by the configuration.
 *
 * This file: the tables. Their columns are documented in docs/store.md.
 */
import type { StoreConfig } from '../config.js';

export type Keep = keyof StoreConfig['keep'];

export interface Column {
  readonly name: string;
  readonly type: string;
  /** Whatever follows the type: a codec. */
  readonly more?: string;
  /** Version of the migration that adds it to a table that was there before; left out: it came with the table. */
  readonly since?: number;
}

export interface Table {
  readonly name: TableName;
  readonly columns: readonly Column[];
  readonly engine: 'MergeTree' | 'AggregatingMergeTree' | 'ReplacingMergeTree';
  /** In brackets after the engine's name. */
  readonly engineOf?: string;
  readonly partitionBy?: string;
  readonly orderBy: string;
  /** Indexes and projections, one clause each. */
  readonly parts: readonly string[];
  /** How long after it was stored a row goes; null: never. */
  readonly keep: Keep | null;
  /** Where a table is spread over a cluster: the expression that picks the shard. */
  readonly shardBy: string;
  readonly settings: readonly string[];
}

export const TABLE_NAMES = [
  'migrations',
  'positions',
  'gaps',
  'events',
  'minutes',
  'findings',
  'decisions',
  'dead_letters',
] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Tables that are fed from the log, and the column that says how far. */
export const POSITION_COLUMNS = {
  events: 'offset',
  minutes: 'upto',
  findings: 'offset',
  decisions: 'offset',
  dead_letters: 'offset',
} as const;
export type FedTable = keyof typeof POSITION_COLUMNS;

/**
 * Rows of this many offsets share a part's partition, so that old rows go by whole parts. It must follow from the
 * offset alone: two writers of the same rows then always agree, and no insert has to be cut into two parts.
 */
export const BUCKET_OFFSETS = 67_108_864;
/** Inserts whose tokens are remembered, per table (on a cluster per table and shard). */
export const TOKENS_KEPT = 10_000;

const column = (name: string, type: string, more?: string): Column =>
  more === undefined ? { name, type } : { name, type, more };
const WORD = 'LowCardinality(String)';
const NUMBER = 'Nullable(Float64)';
const TIME = "DateTime64(3, 'UTC')";
const SECOND = "DateTime('UTC')";
const sum = (name: string, type: string): Column => column(name, `SimpleAggregateFunction(sum, ${type})`);
const texts = (...names: string[]): Column[] => names.map((name) => column(name, 'String'));
const words = (...names: string[]): Column[] => names.map((name) => column(name, WORD));
const numbers = (...names: string[]): Column[] => names.map((name) => column(name, NUMBER));

/** Where in the log a row comes from, and when it was stored. */
const ORIGIN = [
  column('topic', WORD),
  column('partition', 'UInt16'),
  column('offset', 'UInt64', 'CODEC(Delta, ZSTD)'),
  column('stored', SECOND),
];

const positions = (of: string): string =>
  `PROJECTION positions (SELECT topic, partition, count(), max(${of}), max(stored) GROUP BY topic, partition)`;
/** An acknowledged insert survives a power cut: the log may be cleared of what is stored here. */
const DURABLE = ['fsync_after_insert = 1', 'fsync_part_directory = 1'];
const FED = [...DURABLE, 'merge_with_ttl_timeout = 86400'];
const BY_BUCKET = `intDiv(offset, ${BUCKET_OFFSETS})`;

const EVENTS: Table = {
  name: 'events',
  columns: [
    ...ORIGIN,
    column('id', 'String'),
    column('time', TIME),
    column('tenant', WORD),
    ...texts('agent', 'root'),
    ...words('operation', 'endpoint'),
    ...texts('parent', 'session', 'target'),
    ...words('status'),
    ...numbers('latency_ms', 'input_tokens', 'output_tokens', 'cost_usd', 'bytes_out'),
    ...words('model', 'version'),
    ...texts('credential', 'source'),
    ...words('environment'),
    ...texts('scope', 'task', 'initiator'),
    column('on_behalf_of', 'Array(String)'),
    ...texts('approval'),
    ...words('data_class'),
    ...texts('trace', 'signature'),
    column('bound', 'Bool'),
    { name: 'error_type', type: WORD, since: 2 },
  ],
  engine: 'MergeTree',
  partitionBy: BY_BUCKET,
  orderBy: '(tenant, root, agent, time, offset)',
  parts: [
    positions('offset'),
    'INDEX by_time time TYPE minmax GRANULARITY 16',
    'INDEX by_id id TYPE bloom_filter GRANULARITY 4',
    'INDEX by_session session TYPE bloom_filter GRANULARITY 4',
  ],
  keep: 'events',
  shardBy: 'partition',
  settings: FED,
};

const MINUTES: Table = {
  name: 'minutes',
  columns: [
    column('topic', WORD),
    column('partition', 'UInt16'),
    column('upto', 'SimpleAggregateFunction(max, UInt64)'),
    column('stored', `SimpleAggregateFunction(max, ${SECOND})`),
    column('tenant', WORD),
    column('root', 'String'),
    column('minute', SECOND),
    sum('events', 'UInt64'),
    sum('errors', 'UInt64'),
    sum('denied', 'UInt64'),
    sum('input_tokens', 'Float64'),
    sum('output_tokens', 'Float64'),
    sum('cost_usd', 'Float64'),
    sum('bytes_out', 'Float64'),
    // Hashes of distinct names, not the names: minutes outlive the events that name people and hosts.
    column('endpoints', 'SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32))'),
    column('targets', 'SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32))'),
  ],
  engine: 'AggregatingMergeTree',
  orderBy: '(tenant, root, minute, topic, partition)',
  parts: [positions('upto')],
  keep: 'minutes',
  shardBy: 'partition',
  settings: [...FED, "deduplicate_merge_projection_mode = 'rebuild'"],
};

const FINDINGS: Table = {
  name: 'findings',
  columns: [
    ...ORIGIN,
    column('id', 'String'),
    column('time', TIME),
    column('tenant', WORD),
    ...texts('agent', 'root', 'session'),
    ...words('severity', 'kind'),
    column('title', 'String'),
    column('p', 'Float64'),
    column('risk', 'Float64'),
    ...words('model', 'config'),
    column('bound', 'Bool'),
    ...texts('proposal', 'json'),
  ],
  engine: 'MergeTree',
  partitionBy: BY_BUCKET,
  orderBy: '(time, tenant, id, offset)',
  parts: [positions('offset'), 'INDEX by_id id TYPE bloom_filter GRANULARITY 1'],
  keep: 'findings',
  shardBy: 'partition',
  settings: FED,
};

const DECISIONS: Table = {
  name: 'decisions',
  columns: [
    ...ORIGIN,
    column('time', TIME),
    ...words('type', 'actor'),
    ...texts('authority', 'parent'),
    column('tenant', WORD),
    column('agent', 'String'),
    ...words('action', 'mode'),
    ...texts('key', 'finding', 'reason'),
    ...words('effect', 'code'),
    ...texts('verdict', 'json'),
  ],
  engine: 'MergeTree',
  partitionBy: BY_BUCKET,
  orderBy: '(tenant, agent, time, offset)',
  parts: [positions('offset')],
  keep: 'decisions',
  shardBy: 'partition',
  settings: FED,
};

const DEAD_LETTERS: Table = {
  name: 'dead_letters',
  columns: [
    ...ORIGIN,
    ...words('code'),
    column('reason', 'String'),
    column('source_offset', 'UInt64'),
    ...texts('line'),
  ],
  engine: 'MergeTree',
  partitionBy: BY_BUCKET,
  orderBy: '(stored, topic, partition, offset)',
  parts: [positions('offset')],
  keep: 'events',
  shardBy: 'partition',
  settings: FED,
};

/** What never came into a table although it was, or had been, in the log. Repeated rows collapse. */
const GAPS: Table = {
  name: 'gaps',
  columns: [
    column('topic', WORD),
    column('partition', 'UInt16'),
    ...words('kind'),
    column('first', 'UInt64'),
    column('next', 'UInt64'),
    column('records', 'UInt64'),
    column('reason', 'String'),
    column('stored', SECOND),
  ],
  engine: 'ReplacingMergeTree',
  engineOf: 'stored',
  orderBy: '(topic, partition, kind, first, next)',
  parts: [],
  keep: 'decisions',
  shardBy: 'partition',
  settings: DURABLE,
};

/**
 * How far a place was read where its last records gave no row: it saves reading them again and tells them from lost
 * ones. It counts only beside the table position and time that it was noted with; it is never the proof of a row.
 */
const POSITIONS: Table = {
  name: 'positions',
  columns: [
    ...words('table', 'topic'),
    column('partition', 'UInt16'),
    column('at', 'UInt64'),
    column('stored', SECOND),
    column('next', 'UInt64'),
  ],
  engine: 'ReplacingMergeTree',
  engineOf: 'next',
  orderBy: '(table, topic, partition)',
  parts: [],
  keep: null,
  shardBy: 'partition',
  settings: DURABLE,
};

const MIGRATIONS: Table = {
  name: 'migrations',
  columns: [column('version', 'UInt32'), ...texts('name', 'checksum', 'layout'), column('applied', TIME)],
  engine: 'ReplacingMergeTree',
  engineOf: 'applied',
  orderBy: 'version',
  parts: [],
  keep: null,
  shardBy: 'version',
  settings: DURABLE,
};

export const TABLES: Readonly<Record<TableName, Table>> = {
  migrations: MIGRATIONS,
  positions: POSITIONS,
  gaps: GAPS,
  events: EVENTS,
  minutes: MINUTES,
  findings: FINDINGS,
  decisions: DECISIONS,
  dead_letters: DEAD_LETTERS,
};

export function columnNames(name: TableName): string[] {
  return TABLES[name].columns.map((column) => column.name);
}

export function isFed(name: TableName): name is FedTable {
  return name in POSITION_COLUMNS;
}
