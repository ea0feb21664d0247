/** What the store holds and how far it is: for accounting, and for a person who wonders. */
import type { Store } from './store.js';
import { isFed, POSITION_COLUMNS, TABLE_NAMES, type TableName } from './tables.js';

export interface TableStatus {
  readonly table: TableName;
  readonly rows: number;
  readonly bytes: number;
}

export interface PlaceStatus {
  readonly table: TableName;
  readonly topic: string;
  readonly partition: number;
  readonly rows: number;
  /** Offset after its last row. */
  readonly position: number;
  /** When its last row was stored, ms since the epoch. */
  readonly storedMs: number;
}

export interface GapStatus {
  readonly topic: string;
  readonly partition: number;
  readonly kind: string;
  readonly first: number;
  readonly next: number;
  readonly records: number;
  readonly reason: string;
}

/** Rows and bytes of each table, on the disk of the server that answers. */
export async function tableStatus(store: Store): Promise<TableStatus[]> {
  const rows = await store.select<{ name: string; rows: string; bytes: string }>(
    `SELECT replaceRegexpOne(table, '_local$', '') AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
     FROM system.parts WHERE database = {database:String} AND active GROUP BY name`,
    { database: store.database },
  );
  return TABLE_NAMES.map((table) => {
    const found = rows.find(({ name }) => name === table);
    return { table, rows: Number(found?.rows ?? 0), bytes: Number(found?.bytes ?? 0) };
  });
}

/** By table and place: how many rows, and how far. */
export async function placeStatus(store: Store): Promise<PlaceStatus[]> {
  const places: PlaceStatus[] = [];
  for (const table of TABLE_NAMES) {
    if (!isFed(table)) continue;
    const rows = await store.select<{ topic: string; partition: number; rows: string; last: string; second: number }>(
      `SELECT topic, partition, count() AS rows, max(${POSITION_COLUMNS[table]}) AS last,
         toUnixTimestamp(max(stored)) AS second
       FROM ${store.database}.${table} GROUP BY topic, partition ORDER BY topic, partition`,
    );
    for (const { topic, partition, rows: count, last, second } of rows) {
      const position = Number(last) + 1;
      places.push({ table, topic, partition, rows: Number(count), position, storedMs: second * 1000 });
    }
  }
  return places;
}

/** What never came into the tables, the newest first. */
export async function gapStatus(store: Store, limit = 100): Promise<GapStatus[]> {
  const rows = await store.select<Record<keyof GapStatus, string>>(
    `SELECT topic, partition, kind, first, next, records, reason FROM ${store.database}.gaps FINAL
     ORDER BY stored DESC, topic, partition, first LIMIT {limit:UInt32}`,
    { limit },
  );
  return rows.map(({ topic, partition, kind, first, next, records, reason }) => ({
    topic,
    partition: Number(partition),
    kind,
    first: Number(first),
    next: Number(next),
    records: Number(records),
    reason,
  }));
}
