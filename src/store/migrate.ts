/**
 * Brings a database to this program's schema: the migrations that it has not seen, in order, once. Two processes that
 * start together both run them, which does no harm, because every statement may be repeated; each is recorded only
 * after it is done. A database that is newer, or was made otherwise, is refused and left as it is.
 */
import { KilldeerError } from '../errors.js';
import type { Connection } from './connection.js';
import {
  checksum,
  createDatabase,
  createTable,
  type Layout,
  layoutWord,
  localName,
  MIGRATIONS,
  type Migration,
  onCluster,
  ttlText,
} from './schema.js';
import { TABLE_NAMES, TABLES, type Table } from './tables.js';

interface Applied {
  readonly version: number;
  readonly checksum: string;
  readonly layout: string;
}

/** Rejects with 'store.schema' where this program must not use the database; answers with the versions it applied. */
export async function migrate(connection: Connection, layout: Layout, migrations = MIGRATIONS): Promise<number[]> {
  await connection.command(createDatabase(layout));
  for (const statement of createTable(TABLES.migrations, layout)) await connection.command(statement);
  const applied = await readApplied(connection, layout);
  refuseStrange(applied, layout, migrations);
  const missing = migrations.filter(({ version }) => !applied.some((row) => row.version === version));
  for (const migration of missing) await apply(connection, layout, migration);
  await keepAsConfigured(connection, layout);
  return missing.map(({ version }) => version);
}

async function apply(connection: Connection, layout: Layout, migration: Migration): Promise<void> {
  for (const statement of migration.statements(layout)) await connection.command(statement);
  const { version, name } = migration;
  const row = { version, name, checksum: checksum(migration), layout: layoutWord(layout), applied: new Date() };
  await connection.insert(
    `${layout.database}.migrations`,
    Object.keys(row),
    [{ ...row, applied: row.applied.toISOString() }],
    { date_time_input_format: 'best_effort', async_insert: 0, distributed_foreground_insert: 1 },
  );
}

async function readApplied(connection: Connection, { database }: Layout): Promise<Applied[]> {
  return await connection.select<Applied>(
    `SELECT version, any(checksum) AS checksum, any(layout) AS layout FROM ${database}.migrations
     GROUP BY version ORDER BY version`,
  );
}

function refuseStrange(applied: readonly Applied[], layout: Layout, migrations: readonly Migration[]): void {
  const where = `database ${layout.database}`;
  for (const row of applied) {
    const known = migrations.find(({ version }) => version === row.version);
    if (known === undefined) {
      const newest = Math.max(0, ...migrations.map(({ version }) => version));
      throw new KilldeerError('store.schema', `${where} has schema ${row.version}, this program knows up to ${newest}`);
    }
    if (checksum(known) !== row.checksum) {
      throw new KilldeerError('store.schema', `${where}: schema ${row.version} was made otherwise (${row.checksum})`);
    }
    if (row.layout !== layoutWord(layout)) {
      const words = `${where} is laid out for '${row.layout}', store.cluster says '${layoutWord(layout)}'`;
      throw new KilldeerError('store.schema', words);
    }
  }
}

/** How long rows are kept may change with any start; rows that are stored already follow as they are merged. */
async function keepAsConfigured(connection: Connection, layout: Layout): Promise<void> {
  const { database, cluster } = layout;
  const rows = await connection.select<{ name: string; engine: string }>(
    'SELECT name, engine_full AS engine FROM system.tables WHERE database = {database:String}',
    { database },
  );
  for (const table of TABLE_NAMES.map((name): Table => TABLES[name])) {
    if (table.keep === null) continue;
    const local = localName(table, layout);
    const ttl = ttlText(layout.keep[table.keep]);
    const engine = rows.find(({ name }) => name === local)?.engine;
    if (engine === undefined || engine.includes(`TTL ${ttl} `)) continue;
    const change = `ALTER TABLE ${database}.${local}${onCluster(cluster)} MODIFY TTL ${ttl}`;
    await connection.command(change, { materialize_ttl_after_modify: 0 });
  }
}
