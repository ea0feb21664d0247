/**
 * The tables as DDL, for one server or for a cluster. Every statement may be repeated and may run in two processes at
 * once: that is what makes migrations safe without a lock, which ClickHouse does not have.
 */
import { createHash } from 'node:crypto';
import type { StoreConfig } from '../config.js';
import { type Column, isFed, TABLE_NAMES, TABLES, type Table, TOKENS_KEPT } from './tables.js';

/** Where and how the tables are made; names were checked by the configuration. */
export interface Layout {
  readonly database: string;
  /** null: one server. */
  readonly cluster: string | null;
  /** ms. */
  readonly keep: StoreConfig['keep'];
}

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: (layout: Layout) => string[];
}

const TOKENS_KEPT_S = 604_800;

/** In order, never changed once released: a change of a table is a further row. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'tables',
    statements: (layout) => TABLE_NAMES.flatMap((name) => createTable(TABLES[name], layout)),
  },
  {
    version: 2,
    name: 'types of failures',
    statements: (layout) => addColumns(2, layout),
  },
];

export function createDatabase({ database, cluster }: Layout): string {
  return `CREATE DATABASE IF NOT EXISTS ${database}${onCluster(cluster)}`;
}

/** The table as it was first made, and on a cluster the one that spreads over it and is what everybody uses. */
export function createTable(table: Table, layout: Layout): string[] {
  const { database, cluster } = layout;
  const columns = table.columns.filter(({ since }) => since === undefined).map((column) => `  ${columnText(column)}`);
  const lines = [
    `CREATE TABLE IF NOT EXISTS ${database}.${localName(table, layout)}${onCluster(cluster)} (`,
    [...columns, ...table.parts.map((part) => `  ${part}`)].join(',\n'),
    `) ENGINE = ${engineText(table, cluster)}`,
    ...(table.partitionBy === undefined ? [] : [`PARTITION BY ${table.partitionBy}`]),
    `ORDER BY ${table.orderBy}`,
    ...(table.keep === null ? [] : [`TTL ${ttlText(layout.keep[table.keep])}`]),
    `SETTINGS ${[...table.settings, ...tokenSettings(table, cluster)].join(', ')}`,
  ];
  const local = lines.join('\n');
  return cluster === null ? [local] : [local, distributed(table, layout)];
}

/** The columns of one migration, in every table that has any: where rows are first, because what spreads them reads these. */
function addColumns(version: number, layout: Layout): string[] {
  const { database, cluster } = layout;
  return TABLE_NAMES.map((name): Table => TABLES[name]).flatMap((table) => {
    const added = table.columns.filter(({ since }) => since === version);
    const places = cluster === null ? [table.name] : [localName(table, layout), table.name];
    return places.flatMap((place) =>
      added.map(
        (column) =>
          `ALTER TABLE ${database}.${place}${onCluster(cluster)} ADD COLUMN IF NOT EXISTS ${columnText(column)}`,
      ),
    );
  });
}

function columnText({ name, type, more }: Column): string {
  return `${name} ${type}${more === undefined ? '' : ` ${more}`}`;
}

/** Rows go by the time since they were stored: the newest of a partition then go last, and with them its position. */
export function ttlText(keepMs: number): string {
  return `stored + toIntervalSecond(${Math.ceil(keepMs / 1000)})`;
}

/** The table that holds rows: the one of this name, or on a cluster each server's own. */
export function localName(table: Table, { cluster }: Layout): string {
  return cluster === null ? table.name : `${table.name}_local`;
}

export function onCluster(cluster: string | null): string {
  return cluster === null ? '' : ` ON CLUSTER ${cluster}`;
}

/** Of what a migration does to one server, whatever its names and spans: a changed migration is a different one. */
export function checksum(migration: Migration): string {
  const keep = { events: 1000, findings: 1000, decisions: 1000, minutes: 1000 };
  const text = migration.statements({ database: 'killdeer', cluster: null, keep }).join(';\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** One word for how the tables are laid out; one database holds one layout. */
export function layoutWord({ cluster }: Layout): string {
  return cluster === null ? 'single' : `cluster ${cluster}`;
}

function engineText({ engine, engineOf, name }: Table, cluster: string | null): string {
  if (cluster === null) return engineOf === undefined ? engine : `${engine}(${engineOf})`;
  const place = `'/clickhouse/tables/{shard}/{database}/${name}', '{replica}'`;
  return `Replicated${engine}(${place}${engineOf === undefined ? '' : `, ${engineOf}`})`;
}

function tokenSettings(table: Table, cluster: string | null): string[] {
  if (!isFed(table.name)) return [];
  return cluster === null
    ? [`non_replicated_deduplication_window = ${TOKENS_KEPT}`]
    : [
        `replicated_deduplication_window = ${TOKENS_KEPT}`,
        `replicated_deduplication_window_seconds = ${TOKENS_KEPT_S}`,
      ];
}

/** All rows of a log's partition stand on one shard: an insert of them is one part there. */
function distributed(table: Table, layout: Layout): string {
  const { database, cluster } = layout;
  const local = localName(table, layout);
  return [
    `CREATE TABLE IF NOT EXISTS ${database}.${table.name}${onCluster(cluster)} AS ${database}.${local}`,
    `ENGINE = Distributed(${cluster}, ${database}, ${local}, ${table.shardBy})`,
  ].join('\n');
}
