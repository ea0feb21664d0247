/**
 * A disk in memory that behaves as badly as a real one may. What was not synced is lost at a crash in any combination,
 * a write may be torn at any byte or sector, fsync may fail (and then, as on Linux, forget what it did not write), and
 * the disk may be full. Everything follows from the seed.
 */
import { dirname, join } from 'node:path';
import type { Files, OpenFile } from '../../src/log/files.js';

/** mulberry32: a small seeded generator, [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What every call rejects with between a crash and the restart. */
export class CrashedError extends Error {}

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly truncateTo: number };

interface Inode {
  readonly directory: boolean;
  seen: Uint8Array;
  kept: Uint8Array;
  /** Made since the last fsync, in order. */
  changes: Change[];
}

type NameChange = { readonly set: readonly (readonly [string, Inode])[]; readonly remove: readonly string[] };

const SECTOR_BYTES = 512;

export class FaultyFiles implements Files {
  /** Most bytes of all files together; beyond, a write stores what fits and fails with ENOSPC. */
  diskBytesMax = Number.POSITIVE_INFINITY;
  /** The fsync calls that fail next. */
  fsyncFailures = 0;
  /** Truncates that fail next. */
  truncateFailures = 0;
  /** Calls made so far. */
  calls = 0;
  /** Calls left until the machine goes down. */
  callsUntilCrash = Number.POSITIVE_INFINITY;
  private readonly random: () => number;
  private seenNames = new Map<string, Inode>();
  private keptNames = new Map<string, Inode>();
  private nameChanges = new Map<string, NameChange[]>();
  private epoch = 0;
  private down = false;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const root = createInode(true);
    this.seenNames.set('/', root);
    this.keptNames.set('/', root);
  }

  /** Loses what the disk may lose, and comes up again. */
  restart(): void {
    for (const inode of new Set([...this.seenNames.values(), ...this.keptNames.values()])) this.settle(inode);
    for (const changes of this.nameChanges.values()) {
      for (const change of changes) if (this.random() < 0.5) applyNames(this.keptNames, change);
    }
    this.nameChanges.clear();
    dropOrphans(this.keptNames);
    this.seenNames = new Map(this.keptNames);
    this.epoch += 1;
    this.down = false;
    this.callsUntilCrash = Number.POSITIVE_INFINITY;
  }

  /** The process dies and the system lives: nothing is lost, open files are closed. */
  restartProcess(): void {
    this.epoch += 1;
    this.down = false;
    this.callsUntilCrash = Number.POSITIVE_INFINITY;
  }

  /** A file's bytes as a process sees them; changing them is what a failing disk does. */
  bytesOf(path: string): Uint8Array {
    return this.find(path).seen;
  }

  /** Replaces a file's bytes behind the log's back. */
  spoil(path: string, bytes: Uint8Array): void {
    const inode = this.find(path);
    inode.seen = bytes.slice();
    inode.kept = bytes.slice();
    inode.changes = [];
  }

  async open(path: string, mode: 'read' | 'write' | 'create' | 'replace'): Promise<OpenFile> {
    await this.call();
    let inode = this.seenNames.get(path);
    if (mode === 'create' && inode !== undefined) throw systemError('EEXIST', path);
    if ((mode === 'read' || mode === 'write') && inode === undefined) throw systemError('ENOENT', path);
    if (inode === undefined) {
      if (!this.seenNames.has(dirname(path))) throw systemError('ENOENT', dirname(path));
      inode = createInode(false);
      this.changeNames(dirname(path), { set: [[path, inode]], remove: [] });
    } else if (mode === 'replace') {
      change(inode, { truncateTo: 0 });
    }
    return this.openInode(inode, path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.call();
    this.changeNames(dirname(to), { set: [[to, this.find(from)]], remove: [from] });
  }

  async unlink(path: string): Promise<void> {
    await this.call();
    this.find(path);
    this.changeNames(dirname(path), { set: [], remove: [path] });
  }

  async mkdir(path: string): Promise<void> {
    await this.call();
    if (this.seenNames.has(path)) return;
    if (!this.seenNames.has(dirname(path))) throw systemError('ENOENT', dirname(path));
    this.changeNames(dirname(path), { set: [[path, createInode(true)]], remove: [] });
  }

  async readdir(path: string): Promise<readonly string[] | null> {
    await this.call();
    if (!this.seenNames.has(path)) return null;
    const names = [...this.seenNames.keys()].filter((name) => name !== path && dirname(name) === path);
    return names.map((name) => name.slice(join(path, 'x').length - 1));
  }

  async fsyncDirectory(path: string): Promise<void> {
    await this.call();
    if (this.fsyncFailures > 0) {
      this.fsyncFailures -= 1;
      throw systemError('EIO', path);
    }
    for (const names of this.nameChanges.get(path) ?? []) applyNames(this.keptNames, names);
    this.nameChanges.delete(path);
  }

  private openInode(inode: Inode, path: string): OpenFile {
    const { epoch } = this;
    const use = async () => {
      if (epoch !== this.epoch) throw systemError('EBADF', path);
      await this.call();
    };
    return {
      write: async (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        const room = this.diskBytesMax - this.usedBytes() + Math.max(0, inode.seen.length - position);
        const fitting = Math.max(0, Math.min(bytes.length, room));
        // Applied before the crash is thrown: a write under way when the machine goes down may reach the disk.
        if (epoch === this.epoch && !this.down) change(inode, { at: position, bytes: bytes.subarray(0, fitting) });
        await use();
        if (fitting < bytes.length) throw systemError('ENOSPC', path);
      },
      read: async (target, position) => {
        await use();
        const found = inode.seen.subarray(position, position + target.length);
        target.set(found);
        return found.length;
      },
      fsync: async () => {
        await use();
        if (this.fsyncFailures > 0) {
          this.fsyncFailures -= 1;
          // The pages are clean from now on: seen, but never written out unless they are written to again.
          inode.changes = [];
          throw systemError('EIO', path);
        }
        for (const each of inode.changes) inode.kept = applied(inode.kept, each);
        inode.changes = [];
      },
      truncate: async (bytes) => {
        await use();
        if (this.truncateFailures > 0) {
          this.truncateFailures -= 1;
          throw systemError('EIO', path);
        }
        change(inode, { truncateTo: bytes });
      },
      bytes: async () => {
        await use();
        return inode.seen.length;
      },
      close: async () => {},
    };
  }

  private async call(): Promise<void> {
    this.calls += 1;
    this.callsUntilCrash -= 1;
    if (this.callsUntilCrash < 0) this.down = true;
    if (this.down) throw new CrashedError('the machine is down');
    // Every real call gives others their turn.
    await Promise.resolve();
  }

  private find(path: string): Inode {
    const inode = this.seenNames.get(path);
    if (inode === undefined) throw systemError('ENOENT', path);
    return inode;
  }

  private usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.seenNames.values())) used += inode.seen.length;
    return used;
  }

  private changeNames(directory: string, names: NameChange): void {
    applyNames(this.seenNames, names);
    const changes = this.nameChanges.get(directory) ?? [];
    changes.push(names);
    this.nameChanges.set(directory, changes);
  }

  /** What reached the disk of the changes since the last fsync: any of them, the last of those perhaps in part. */
  private settle(inode: Inode): void {
    for (const each of inode.changes) {
      const fate = this.random();
      if (fate < 0.4) inode.kept = applied(inode.kept, each);
      else if (fate < 0.7 && 'bytes' in each) inode.kept = this.torn(inode.kept, each.at, each.bytes);
    }
    inode.changes = [];
    inode.seen = inode.kept.slice();
  }

  /** A part of one write: cut at any byte, or any of its sectors, with noughts where one is missing. */
  private torn(kept: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
    if (this.random() < 0.5) {
      return applied(kept, { at, bytes: bytes.subarray(0, Math.floor(this.random() * (bytes.length + 1))) });
    }
    let result = kept;
    for (let sector = 0; sector < bytes.length; sector += SECTOR_BYTES) {
      const part = bytes.subarray(sector, sector + SECTOR_BYTES);
      if (this.random() < 0.5) result = applied(result, { at: at + sector, bytes: part });
    }
    return result;
  }
}

function createInode(directory: boolean): Inode {
  return { directory, seen: new Uint8Array(0), kept: new Uint8Array(0), changes: [] };
}

function change(inode: Inode, each: Change): void {
  inode.seen = applied(inode.seen, each);
  inode.changes.push(each);
}

function applied(bytes: Uint8Array, each: Change): Uint8Array {
  const length = 'truncateTo' in each ? each.truncateTo : Math.max(bytes.length, each.at + each.bytes.length);
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  if ('bytes' in each) result.set(each.bytes, each.at);
  return result;
}

function applyNames(names: Map<string, Inode>, { set, remove }: NameChange): void {
  for (const path of remove) names.delete(path);
  for (const [path, inode] of set) names.set(path, inode);
}

function dropOrphans(names: Map<string, Inode>): void {
  // Shorter paths first: a directory goes before what is in it.
  for (const path of [...names.keys()].sort((a, b) => a.length - b.length)) {
    if (!names.has(dirname(path))) names.delete(path);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
