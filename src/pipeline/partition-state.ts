/** What a partition keeps on disk: its checkpoint, the daily copies of it, and where they stand. */
import { join } from 'node:path';
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import type { Files } from '../log/files.js';
import {
  type Checkpoint,
  readCheckpoint,
  readCheckpointHeader,
  requireBelongs,
  sectionOf,
  writeCheckpoint,
} from './checkpoint.js';
import type { Failpoint } from './failpoint.js';
import { EMPTY_SHELF, type ShelfMark } from './numbered-shelf.js';
import { parseStoredSettings } from './stored-settings.js';

/** Changes with PartitionHeader. */
const FORMAT = 3;
const ENGINE = 'engine';
const ENDING = '.ckpt';
const DAY = /^\d{4}-\d{2}-\d{2}\.ckpt$/;

/** Everything of a partition that its engine's snapshot does not hold. */
export interface PartitionHeader {
  readonly format: typeof FORMAT;
  /** Of `log:events`, next to read. */
  readonly offset: number;
  /** Where each output stands, records before `offset` counted. */
  readonly findings: number;
  readonly deadLetter: number;
  readonly samples: number;
  readonly signals: number;
  readonly shelf: ShelfMark;
  /** Time of the last tick, ms; 0 before the first. */
  readonly nowMs: number;
  /** Version of the model in force. */
  readonly model: string;
  /** Settings in force. */
  readonly settings: Settings;
  /** Records that went to the dead letter since the partition began. */
  readonly deadLettered: number;
}

export interface PartitionFiles {
  readonly files: Files;
  /** Of the checkpoint. */
  readonly path: string;
  readonly dailyDirectory: string;
  /** Daily copies kept. */
  readonly dailyMax: number;
}

/** What its checkpoints belong to. */
export function belongsTo(partition: number): Readonly<Record<string, string>> {
  return { partition: String(partition) };
}

/** Where a partition begins: before its first record. */
export function firstHeader(settings: Settings, model: string): PartitionHeader {
  const outputs = { findings: 0, deadLetter: 0, samples: 0, signals: 0 };
  return { format: FORMAT, offset: 0, ...outputs, shelf: EMPTY_SHELF, nowMs: 0, model, settings, deadLettered: 0 };
}

export class PartitionState {
  /** Oldest first; null: of a daily copy that cannot be read. */
  private dailies: { readonly name: string; readonly shelf: number | null }[] = [];

  constructor(
    private readonly place: PartitionFiles,
    private readonly belongs: Readonly<Record<string, string>>,
    private readonly pass?: Failpoint,
  ) {}

  /** The checkpoint, or null where the partition has none. Rejects with 'checkpoint.corrupt' or 'checkpoint.mismatch'. */
  async read(): Promise<{ header: PartitionHeader; engine: Uint8Array } | null> {
    const { files, path, dailyDirectory } = this.place;
    await files.mkdir(dailyDirectory);
    for (const name of await dailyNames(this.place)) {
      const header = (await readCheckpointHeader(files, join(dailyDirectory, name))) as PartitionHeader | null;
      this.dailies.push({ name, shelf: header?.shelf?.number ?? null });
    }
    return readPartitionCheckpoint(files, path, this.belongs);
  }

  /** Numbers of the shelves that daily copies name. */
  get shelves(): ReadonlySet<number> {
    return new Set(this.dailies.flatMap(({ shelf }) => shelf ?? []));
  }

  /** Replaces the checkpoint, and keeps a copy of the first one of each UTC day of the partition's time. */
  async write(header: PartitionHeader, engine: Uint8Array): Promise<void> {
    const { files, path, dailyDirectory, dailyMax } = this.place;
    const checkpoint: Checkpoint = { belongs: this.belongs, header, sections: { [ENGINE]: engine } };
    await writeCheckpoint(files, path, checkpoint, this.pass);
    const name = `${new Date(header.nowMs).toISOString().slice(0, 10)}${ENDING}`;
    const newest = this.dailies.at(-1)?.name;
    if (header.nowMs === 0 || (newest !== undefined && newest >= name)) return;
    await writeCheckpoint(files, join(dailyDirectory, name), checkpoint, this.pass);
    this.dailies.push({ name, shelf: header.shelf.number });
    while (this.dailies.length > dailyMax) {
      await files.unlink(join(dailyDirectory, this.dailies[0].name));
      this.dailies.shift();
    }
  }
}

/** Names of the daily copies, oldest first. */
export async function dailyNames({
  files,
  dailyDirectory,
}: Pick<PartitionFiles, 'files' | 'dailyDirectory'>): Promise<string[]> {
  return ((await files.readdir(dailyDirectory)) ?? []).filter((name) => DAY.test(name)).sort();
}

/** A partition's checkpoint, or one of its daily copies; null where there is none. */
export async function readPartitionCheckpoint(
  files: Files,
  path: string,
  belongs: Readonly<Record<string, string>>,
): Promise<{ header: PartitionHeader; engine: Uint8Array } | null> {
  const checkpoint = await readCheckpoint(files, path);
  if (checkpoint === null) return null;
  requireBelongs(path, checkpoint, belongs);
  const header = checkpoint.header as PartitionHeader;
  if (header.format !== FORMAT || parseStoredSettings(header.settings) === null) {
    throw new KilldeerError('checkpoint.corrupt', `${path} holds no partition of format ${FORMAT}`);
  }
  return { header, engine: sectionOf(path, checkpoint, ENGINE) };
}
