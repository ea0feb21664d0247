/** The state folder of a replay: its checkpoint, and the shelf of evicted profiles that the checkpoint points into. */
import { join } from 'node:path';
import { KilldeerError } from '../errors.js';
import { type ModelJson, modelFromJson, modelToJson } from '../learn/model-file.js';
import type { Files } from '../log/files.js';
import {
  type Checkpoint,
  jsonSection,
  readCheckpoint,
  readJsonSection,
  requireBelongs,
  sectionOf,
  writeCheckpoint,
} from './checkpoint.js';
import type { Failpoint } from './failpoint.js';
import { EMPTY_SHELF, NumberedShelf, type ShelfMark } from './numbered-shelf.js';
import type { ReplayerSnapshot } from './replayer.js';

/** Where a run stands: everything but the recording and the options. */
export interface Resumption {
  /** Lines taken. */
  readonly lines: number;
  /** Bytes written to each output. */
  readonly outputs: Readonly<Partial<Record<'findings' | 'decisions' | 'deadLetter', number>>>;
  readonly snapshot: ReplayerSnapshot;
}

export interface ReplayState {
  readonly shelf: NumberedShelf;
  /** Where an earlier run of the same kind was cut off; null: there was none, or it finished. */
  readonly resumption: Resumption | null;
  /** Writes a checkpoint; returns its bytes. */
  write(at: Resumption): Promise<number>;
  /** Says that the run is over, so that the next one starts anew. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

const CHECKPOINT_FILE = 'replay.checkpoint';

interface Header {
  readonly finished: boolean;
  readonly lines: number;
  readonly outputs: Resumption['outputs'];
  readonly shelf: ShelfMark;
}

/** Small, and read by people who look into a checkpoint: kept out of the binary part. */
type Plain = Pick<ReplayerSnapshot, 'clock' | 'tally' | 'firstModel'>;

/**
 * Makes the folder where needed. Rejects with 'checkpoint.corrupt', and with 'checkpoint.mismatch' where an
 * unfinished run of something else stands in it: throwing that away is for a person to decide.
 */
export async function openReplayState(
  files: Files,
  folder: string,
  belongs: Readonly<Record<string, string>>,
  pass: Failpoint,
  rewriteFromBytes?: number,
): Promise<ReplayState> {
  await files.mkdir(folder);
  const path = join(folder, CHECKPOINT_FILE);
  const checkpoint = await readCheckpoint(files, path);
  const header = (checkpoint?.header ?? null) as Header | null;
  const goesOn = checkpoint !== null && header !== null && !header.finished;
  if (goesOn) requireBelongs(path, checkpoint, belongs);
  const resumption = goesOn ? readResumption(path, checkpoint, header) : null;
  const place = { directory: folder, ...(rewriteFromBytes === undefined ? {} : { rewriteFromBytes }) };
  const shelf = new NumberedShelf(place, goesOn ? header.shelf : EMPTY_SHELF);
  const write = (head: Header, sections: Record<string, Uint8Array>) =>
    writeCheckpoint(files, path, { belongs, header: head, sections }, pass);
  return {
    shelf,
    resumption,
    write: async ({ lines, outputs, snapshot }) => {
      const head = { finished: false, lines, outputs, shelf: await shelf.mark() };
      const bytes = await write(head, sectionsOf(snapshot));
      shelf.settle(new Set(), pass);
      return bytes;
    },
    finish: async () => {
      await write({ finished: true, lines: 0, outputs: {}, shelf: EMPTY_SHELF }, {});
    },
    close: async () => shelf.close(),
  };
}

function sectionsOf(snapshot: ReplayerSnapshot): Record<string, Uint8Array> {
  const { clock, tally, firstModel, registry, learner, samples, fleet, model, engine } = snapshot;
  const plain: Plain = { clock, tally, firstModel };
  return {
    plain: jsonSection(plain),
    registry: jsonSection(registry),
    learner: jsonSection(learner),
    samples: jsonSection(samples),
    fleet: jsonSection(fleet),
    model: jsonSection(modelToJson(model)),
    engine,
  };
}

function readResumption(path: string, checkpoint: Checkpoint, header: Header): Resumption {
  const section = (name: string) => readJsonSection(path, checkpoint, name);
  const model = modelFromJson(section('model') as ModelJson);
  if (typeof model === 'string')
    throw new KilldeerError('checkpoint.corrupt', `${path}: its model is not one: ${model}`);
  const snapshot: ReplayerSnapshot = {
    ...(section('plain') as Plain),
    registry: section('registry'),
    learner: section('learner'),
    samples: section('samples') as ReplayerSnapshot['samples'],
    fleet: section('fleet') as ReplayerSnapshot['fleet'],
    model,
    engine: sectionOf(path, checkpoint, 'engine'),
  };
  return { lines: header.lines, outputs: header.outputs, snapshot };
}
