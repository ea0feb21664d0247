/** What the store notes beside its rows: what never came into the tables, and how far a quiet place was read. */
import type { ProjectedPlace, Skipped } from './batch.js';
import type { Position, Store } from './store.js';
import type { FedTable } from './tables.js';

/** Never in the log any more; could not be read; its row was refused by the engine. */
export const GAP_KINDS = ['missing', 'malformed', 'refused'] as const;
export type GapKind = (typeof GAP_KINDS)[number];

type Named = ProjectedPlace['as'];

export interface Notes {
  /** Notes what is missing from the tables. Told again it is the same row. */
  gaps(of: Named, kind: GapKind, gaps: readonly Skipped[]): Promise<void>;
  /** Notes that a place was read up to `next`, its table holding what it held. */
  note(table: FedTable, of: Named, held: Position, next: number): Promise<void>;
  /** Where to read on for a table that holds so much. */
  next(table: FedTable, of: Named, held: Position): Promise<number>;
}

interface Note {
  readonly at: string;
  readonly stored: number;
  readonly next: string;
}

export function createNotes(store: Store, clock: () => number): Notes {
  const told = new Map<string, number>();
  const stored = () => Math.floor(clock() / 1000);
  return {
    gaps: async ({ topic, partition }, kind, gaps) => {
      if (gaps.length === 0) return;
      const rows = gaps.map((gap) => ({ topic, partition, kind, ...gap, stored: stored() }));
      await store.insert('gaps', rows, null);
    },
    note: async (table, { topic, partition }, { at, storedS }, next) => {
      const key = `${table} ${topic} ${partition}`;
      if (next <= at || told.get(key) === next) return;
      await store.insert('positions', [{ table, topic, partition, at, stored: storedS, next }], null);
      told.set(key, next);
    },
    next: async (table, { topic, partition }, { at }) => {
      const [note] = await store.select<Note>(
        `SELECT at, toUnixTimestamp(stored) AS stored, next FROM ${store.database}.positions FINAL
         WHERE table = {table:String} AND topic = {topic:String} AND partition = {partition:UInt16}
         ORDER BY next DESC LIMIT 1`,
        { table, topic, partition },
      );
      if (note === undefined) return at;
      // Beside other rows than it was noted with it says nothing, unless those were kept long enough and went.
      const expired = at === 0 && note.stored * 1000 + store.keepMs(table) <= clock();
      return Number(note.at) === at || expired ? Math.max(at, Number(note.next)) : at;
    },
  };
}
