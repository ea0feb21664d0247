/**
 * Writes one place's items into one table, each once, whoever else writes the same ones (docs/store.md says why it
 * holds). In short: a table's position is one more than its largest offset of the place; a batch begins at the
 * position, its insert carries a token made of the position, and the engine takes each token once. So of two writers
 * at one position one is taken and the other, whatever it sent, changes nothing. After each insert the position is
 * read anew: what the table says is what happened.
 */
import { KilldeerError } from '../errors.js';
import { isRefusedData } from './connection.js';
import type { Item } from './item.js';
import type { Feed, Origin } from './row.js';
import type { Position, Store } from './store.js';
import { BUCKET_OFFSETS, type FedTable } from './tables.js';

/**
 * Tokens tried at one position. More than one is needed where the engine was killed after it had noted a token and
 * before it had stored the rows.
 */
const ATTEMPTS_MAX = 8;
/** A position read longer ago is read again: a process that slept meanwhile must not send what it wanted to then. */
const KNOWN_MAX_MS = 5_000;

export interface ChainParts {
  readonly store: Store;
  readonly feed: Feed;
  readonly topic: string;
  readonly partition: number;
  /** Wall clock, ms. */
  readonly clock: () => number;
  readonly onInsert: (rows: number, seconds: number) => void;
  /** The engine refuses this one item's row for good. Must resolve before the chain goes on behind it. */
  readonly onRefused: (item: Item, error: unknown) => Promise<void>;
}

export class Chain {
  /** What the table holds, as last read; null: to be read. */
  private known: Position | null = null;
  private knownAtMs = 0;
  /** What it held when it held most: a table does not go back by itself, but for what is kept no longer. */
  private most: Position = { at: 0, storedS: 0 };
  private attempt = 0;

  constructor(private readonly parts: ChainParts) {}

  get table(): FedTable {
    return this.parts.feed.table;
  }

  /** What the table held when it was last looked at. */
  get held(): Position {
    return this.most;
  }

  /** The next attempt asks the table how far it is. */
  forget(): void {
    this.known = null;
  }

  /** Begins anew with what the table holds now. */
  async open(): Promise<Position> {
    this.most = { at: 0, storedS: 0 };
    this.attempt = 0;
    return await this.look();
  }

  /**
   * Resolves once the table holds all of these items, ascending by offset. Any rejection may be tried again with the
   * same items after `forget`. Rejects with 'log.offset-out-of-range' where the table lost rows that it had.
   */
  async write(items: readonly Item[]): Promise<void> {
    let rest = items;
    let most = items.length;
    for (;;) {
      const { at } = this.recent() ?? (await this.look());
      rest = from(rest, at);
      if (rest.length === 0) return;
      const piece = cut(rest.slice(0, most));
      try {
        await this.insert(at, piece);
        most *= 2;
      } catch (error) {
        this.forget();
        if (!isRefusedData(error)) throw error;
        // One row that does not fit must not hold up the others: ever fewer, until it stands alone.
        if (piece.length > 1) most = piece.length >> 1;
        else {
          await this.parts.onRefused(piece[0], error);
          rest = rest.slice(1);
        }
      }
    }
  }

  private async insert(at: number, piece: readonly Item[]): Promise<void> {
    const { feed, topic, partition, store, clock } = this.parts;
    const startMs = performance.now();
    const origin: Origin = { topic, partition, stored: Math.floor(clock() / 1000) };
    const rows = feed.rows(piece, origin);
    await store.insert(feed.table, rows, `${topic}/${partition}/${at}/${this.attempt}`);
    const now = await this.look();
    if (now.at === at) return this.tryAnother(at);
    this.attempt = 0;
    const isOurs = now.at === (piece.at(-1) as Item).offset + 1;
    if (isOurs) this.parts.onInsert(rows.length, (performance.now() - startMs) / 1000);
  }

  private async look(): Promise<Position> {
    const { store, topic, partition } = this.parts;
    const position = await store.position(this.table, topic, partition);
    if (position.at < this.most.at && !this.hasExpired(position)) {
      const words = `${this.table} was at ${this.most.at} of ${topic}/${partition} and is at ${position.at}`;
      throw new KilldeerError('log.offset-out-of-range', `${words}: rows were removed`);
    }
    this.most = position.at < this.most.at ? this.most : position;
    this.known = position;
    this.knownAtMs = this.parts.clock();
    return position;
  }

  private recent(): Position | null {
    const ageMs = this.parts.clock() - this.knownAtMs;
    return ageMs >= 0 && ageMs <= KNOWN_MAX_MS ? this.known : null;
  }

  /** Nothing is left of the place, and what it had is kept no longer. */
  private hasExpired({ at }: Position): boolean {
    const { store, clock } = this.parts;
    return at === 0 && this.most.storedS * 1000 + store.keepMs(this.table) <= clock();
  }

  /** The insert was acknowledged and its rows are not there: its token had been noted without them. */
  private tryAnother(at: number): void {
    const { store, topic, partition } = this.parts;
    // A copy that lags shows the rows later: another token would store them twice.
    if (!store.replicated && this.attempt < ATTEMPTS_MAX) {
      this.attempt += 1;
      return;
    }
    const words = `${this.table} does not show what was inserted at ${at} of ${topic}/${partition}`;
    throw new KilldeerError('store.unreachable', words);
  }
}

/** The items at or above an offset. */
function from(items: readonly Item[], offset: number): readonly Item[] {
  if (items.length === 0 || items[0].offset >= offset) return items;
  const first = items.findIndex((item) => item.offset >= offset);
  return first < 0 ? [] : items.slice(first);
}

/** What may go in one insert: no part spans two buckets. */
function cut(items: readonly Item[]): readonly Item[] {
  const end = (Math.floor(items[0].offset / BUCKET_OFFSETS) + 1) * BUCKET_OFFSETS;
  const first = items.findIndex((item) => item.offset >= end);
  return first < 0 ? items : items.slice(0, first);
}
