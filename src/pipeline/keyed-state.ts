/**
 * What a partition's owner remembers on a log that keeps the last record of each key: the parts of its engine's
 * snapshot, each written only when it changed. Keys:
 *
 *   position       how far outputs are committed, and by whom; in every transaction
 *   header         the position of the snapshot, and how many pages its parts have
 *   head/N         the snapshot's own header, in pages
 *   ids/N  old/N   remembered ids of the running and of the earlier generation, in pages
 *   door/N         the newcomers' door, in pages
 *   a/KEY          an agent: profile and sessions
 *
 * Whether a part changed is told by its digest (SHA-1: no one gains by a collision that he would have to put into his
 * own profile, and it is the fastest that Node has).
 */
import { createHash } from 'node:crypto';
import type { Engine } from '../engine/contract.js';
import { type BlobSource, joinSnapshot, type SnapshotParts, splitSnapshot } from '../engine/snapshot-parts.js';
import { KilldeerError } from '../errors.js';
import type { Failpoint } from './failpoint.js';
import type { Position } from './ledger.js';
import type { NumberedShelf } from './numbered-shelf.js';

/** Changes with the keys and with what stands under them. */
const FORMAT = 1;
const PAGE_BYTES = 256 * 1024;
/** Agents whose digests are taken before others get a turn. */
const SLICE = 500;
const AGENT = 'a/';
const PAGED = ['head', 'ids', 'old', 'door'] as const;
type Paged = (typeof PAGED)[number];

export interface StateRecord {
  readonly key: string;
  /** null: the key is needed no more. */
  readonly value: string | Uint8Array | null;
}

interface Header extends Position {
  readonly format: number;
  readonly pages: Readonly<Record<Paged, number>>;
}

export interface Restored {
  readonly position: Position;
  readonly engine: Uint8Array;
}

const digestOf = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('binary');
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class KeyedState {
  /** By key, of what is on the log; of evicted agents their place on the shelf, since their blobs change no more. */
  private readonly digests = new Map<string, string>();
  private readonly places = new Map<string, number>();

  constructor(private readonly shelf: NumberedShelf) {}

  /** Puts together what was read, by key; null: there is no snapshot. Throws 'checkpoint.corrupt'. */
  restore(read: ReadonlyMap<string, Uint8Array>): Restored | null {
    // Also of what cannot be used: the next snapshot has it removed.
    for (const [key, value] of read) if (key !== 'header' && key !== 'position') this.digests.set(key, digestOf(value));
    const bytes = read.get('header');
    if (bytes === undefined) return null;
    const header = parseHeader(bytes);
    const pages = (name: Paged): Uint8Array => joinPages(read, name, header.pages[name]);
    const source: BlobSource = {
      head: pages('head'),
      agent: (key) => read.get(AGENT + key),
      shelve: (key) => this.shelve(key, read.get(AGENT + key)),
      idsCurrent: pages('ids'),
      idsPrevious: pages('old'),
      door: pages('door'),
    };
    try {
      const { format, pages: _, ...position } = header;
      return { position, engine: joinSnapshot(source) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new KilldeerError(
        'checkpoint.corrupt',
        `the state of the partition does not fit together: ${reason}`,
        error,
      );
    }
  }

  /** What has to be written for the engine as it is now; whole or not at all. Others get turns meanwhile. */
  async changes(position: Position, engine: Engine): Promise<readonly StateRecord[]> {
    const parts = splitSnapshot(engine.snapshot());
    // Before anybody gets a turn: the shelf goes on.
    const evicted = this.evicted(parts);
    const records: StateRecord[] = [];
    const alive = new Set<string>();
    const offer = (key: string, value: Uint8Array): void => {
      alive.add(key);
      const digest = digestOf(value);
      if (this.digests.get(key) === digest) return;
      this.digests.set(key, digest);
      records.push({ key, value });
    };
    for (const [key, blob] of evicted) offer(AGENT + key, blob);
    for (const [key] of parts.shelved) alive.add(AGENT + key);
    for (const [i, key] of parts.agents.entries()) {
      offer(AGENT + key, parts.agent(i));
      if (i % SLICE === SLICE - 1) await turn();
    }
    const pages = {
      head: offerPages('head', parts.head, offer),
      ids: offerPages('ids', parts.idsCurrent, offer),
      old: offerPages('old', parts.idsPrevious, offer),
      door: offerPages('door', parts.door, offer),
    };
    for (const key of this.digests.keys()) {
      if (alive.has(key)) continue;
      this.digests.delete(key);
      records.push({ key, value: null });
    }
    const header: Header = { format: FORMAT, ...position, pages };
    records.push({ key: 'header', value: JSON.stringify(header) });
    return records;
  }

  /** Rewrites the shelf where most of it is garbage. To be called before `changes`, and not while that is under way. */
  rewriteShelf(engine: Engine, pass: Failpoint): void {
    const places = new Map<number, number>();
    let isMoved = false;
    const moving: Pick<Engine, 'shelved' | 'moveShelved'> = {
      shelved: engine.shelved,
      moveShelved: (move) => {
        engine.moveShelved((position) => {
          const next = move(position);
          places.set(position, next);
          return next;
        });
        isMoved = true;
      },
    };
    this.shelf.rewrite(moving, pass);
    // Where the disk is full the old one serves on.
    if (!isMoved) return;
    this.moved(places);
    this.shelf.settle(new Set(), pass);
  }

  private moved(places: ReadonlyMap<number, number>): void {
    for (const [key, place] of this.places) {
      const next = places.get(place);
      if (next === undefined) this.places.delete(key);
      else this.places.set(key, next);
    }
  }

  private shelve(key: string, blob: Uint8Array | undefined): number | undefined {
    if (blob === undefined) return undefined;
    const place = this.shelf.append(blob);
    this.places.set(key, place);
    return place;
  }

  /** Blobs of the agents that were evicted since the last time. */
  private evicted({ shelved }: SnapshotParts): [string, Uint8Array][] {
    const fresh: [string, Uint8Array][] = [];
    const before = new Map(this.places);
    this.places.clear();
    for (const [key, place] of shelved) {
      this.places.set(key, place);
      if (before.get(key) !== place) fresh.push([key, this.shelf.read(place)]);
    }
    return fresh;
  }
}

function offerPages(name: Paged, bytes: Uint8Array, offer: (key: string, value: Uint8Array) => void): number {
  const pages = Math.ceil(bytes.length / PAGE_BYTES);
  for (let i = 0; i < pages; i++) offer(`${name}/${i}`, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
  return pages;
}

function joinPages(read: ReadonlyMap<string, Uint8Array>, name: Paged, count: number): Uint8Array {
  const pages = Array.from({ length: count }, (_, i) => read.get(`${name}/${i}`));
  if (pages.includes(undefined)) {
    throw new KilldeerError('checkpoint.corrupt', `the state of the partition lacks a page of ${name}`);
  }
  return new Uint8Array(Buffer.concat(pages as Uint8Array[]));
}

function parseHeader(bytes: Uint8Array): Header {
  const header = JSON.parse(Buffer.from(bytes).toString('utf8')) as Header;
  if (header.format === FORMAT) return header;
  throw new KilldeerError('checkpoint.corrupt', `the state has format ${header.format}, this version reads ${FORMAT}`);
}
