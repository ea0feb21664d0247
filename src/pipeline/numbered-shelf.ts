/**
 * The shelf of an engine that writes checkpoints. A file of it only grows; when most of what it holds is needed no
 * more, the rest is written into a file of the next number. A checkpoint says which file its positions are in (its
 * mark), and no file that a checkpoint names is removed, or changed but at its end: a crash anywhere finds what it needs.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, Shelf } from '../engine/contract.js';
import { isDiskFull, nodeFiles } from '../log/files.js';
import type { Failpoint } from './failpoint.js';
import { type FileShelf, openFileShelf, readFileShelf } from './shelf.js';

/** What a checkpoint says of the shelf. */
export interface ShelfMark {
  /** Of the file. */
  readonly number: number;
  readonly bytes: number;
  /** Profiles on it, also those that are needed no more. */
  readonly profiles: number;
}

/** Before anything was put on it. */
export const EMPTY_SHELF: ShelfMark = { number: 0, bytes: 0, profiles: 0 };

export interface ShelfPlace {
  /** Holds the files, and what else the checkpoint's owner keeps there. */
  readonly directory: string;
  /** A smaller file is not worth rewriting, bytes. Default 16 MiB. */
  readonly rewriteFromBytes?: number;
}

const REWRITE_FROM_BYTES = 16 * 1024 * 1024;
const NAME = /^shelf-(\d{1,15})$/;

function pathOf({ directory }: ShelfPlace, number: number): string {
  return join(directory, `shelf-${number}`);
}

export class NumberedShelf implements Shelf {
  private number: number;
  private profiles: number;
  private file: FileShelf;
  /** Whether the file's name survives a crash. */
  private isNamed = false;
  private rewriteFromBytes: number;

  /** Goes on from a mark and drops what came after it. Throws 'checkpoint.corrupt' where the file is shorter. */
  constructor(
    private readonly place: ShelfPlace,
    mark: ShelfMark,
  ) {
    this.number = mark.number;
    this.profiles = mark.profiles;
    this.rewriteFromBytes = place.rewriteFromBytes ?? REWRITE_FROM_BYTES;
    this.file = openFileShelf(pathOf(place, mark.number));
    try {
      this.file.truncate(mark.bytes);
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  append(profile: Uint8Array): number {
    const position = this.file.append(profile);
    this.profiles += 1;
    return position;
  }

  read(position: number): Uint8Array {
    return this.file.read(position);
  }

  size(): number {
    return this.file.size();
  }

  /** Rewrites the shelf where more than half of it is garbage. To be called before the engine's snapshot is made. */
  rewrite(engine: Pick<Engine, 'shelved' | 'moveShelved'>, pass: Failpoint): void {
    if (this.size() < this.rewriteFromBytes || this.profiles <= 2 * engine.shelved) return;
    const path = pathOf(this.place, this.number + 1);
    const next = openFileShelf(path);
    try {
      // A run that died may have left one.
      next.truncate(0);
      engine.moveShelved((position) => next.append(this.file.read(position)));
    } catch (error) {
      next.close();
      rmSync(path, { force: true });
      if (!isDiskFull(error)) throw error;
      // The old one still serves. Not tried again at every checkpoint.
      this.rewriteFromBytes = 2 * this.size();
      return;
    }
    this.file.close();
    this.file = next;
    this.number += 1;
    this.profiles = engine.shelved;
    this.isNamed = false;
    this.rewriteFromBytes = this.place.rewriteFromBytes ?? REWRITE_FROM_BYTES;
    pass('shelf-moved');
  }

  /** What a checkpoint written now has to say; everything put on the shelf so far then survives a crash. */
  async mark(): Promise<ShelfMark> {
    this.file.sync();
    if (!this.isNamed) await nodeFiles.fsyncDirectory(this.place.directory);
    this.isNamed = true;
    return { number: this.number, bytes: this.size(), profiles: this.profiles };
  }

  /** The checkpoint of the last mark is durable: removes every file but its own and those of the numbers kept. */
  settle(kept: ReadonlySet<number>, pass: Failpoint): void {
    const over = readdirSync(this.place.directory).filter((name) => {
      const match = NAME.exec(name);
      return match !== null && Number(match[1]) !== this.number && !kept.has(Number(match[1]));
    });
    for (const name of over) {
      try {
        rmSync(join(this.place.directory, name), { force: true });
      } catch {
        // Some systems keep what somebody reads; it goes after a later checkpoint.
      }
    }
    if (over.length > 0) pass('shelf-removed');
  }

  close(): void {
    this.file.close();
  }
}

/** The shelf as a checkpoint knew it, beside whoever goes on with it; what is put on it goes to `scratch`. */
export interface ShelfView extends Shelf {
  close(): void;
}

/** Throws where the file is not there any more. */
export function viewShelf(place: ShelfPlace, mark: ShelfMark, scratch: Shelf): ShelfView {
  const file = mark.bytes === 0 ? null : readFileShelf(pathOf(place, mark.number));
  return {
    append: (profile) => mark.bytes + scratch.append(profile),
    read: (position) =>
      file !== null && position < mark.bytes ? file.read(position) : scratch.read(position - mark.bytes),
    size: () => mark.bytes + scratch.size(),
    close: () => file?.close(),
  };
}
