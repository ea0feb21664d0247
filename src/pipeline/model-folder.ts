/** Cohort models by version, one file each: written before anything names them, read when something does. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { modelFromJson, modelToJson } from '../learn/model-file.js';
import { writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';

/** Model by version; throws where it is not there. */
export type ModelSource = (version: string) => CohortModel;

const ENDING = '.json';

function pathOf(directory: string, version: string): string {
  return join(directory, `${version}${ENDING}`);
}

/** The last write of each path that has not ended yet. */
const writing = new Map<string, Promise<void>>();

/**
 * Durable once resolved. The same version holds the same model, so writing it again changes nothing. Those who write
 * one at once take turns: two that activate it would else rename each other's half.
 */
export async function storeModel(files: Files, directory: string, model: CohortModel): Promise<void> {
  const path = pathOf(directory, model.version);
  const write = async () => {
    await files.mkdir(directory);
    await writeAtomic(files, path, Buffer.from(`${JSON.stringify(modelToJson(model))}\n`));
  };
  // Whether the one before succeeded is not ours to say.
  const turn = (writing.get(path) ?? Promise.resolve()).then(write, write);
  writing.set(path, turn);
  try {
    await turn;
  } finally {
    if (writing.get(path) === turn) writing.delete(path);
  }
}

/**
 * Synchronous, because an engine activates a model between two records. Throws 'model.invalid': a model that a record
 * names and that is not there is a fault of ours, and going on without it would change scores.
 */
export function loadModel(directory: string, version: string): CohortModel {
  return readModel(pathOf(directory, version));
}

/** Reads a model's file. Throws 'model.invalid', which names it. */
export function readModel(path: string): CohortModel {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('model.invalid', `${path} cannot be read: ${reason}`, error);
  }
  const model = modelFromJson(value);
  if (typeof model === 'string') throw new KilldeerError('model.invalid', `${path}: ${model}`);
  return model;
}

/** Removes models written before `beforeMs` but those named; returns how many went. */
export async function forgetModels(
  files: Files,
  directory: string,
  beforeMs: number,
  keep: ReadonlySet<string>,
): Promise<number> {
  let removed = 0;
  for (const name of (await files.readdir(directory)) ?? []) {
    if (!name.endsWith(ENDING) || keep.has(name.slice(0, -ENDING.length))) continue;
    const path = join(directory, name);
    if ((await stat(path)).mtimeMs >= beforeMs) continue;
    await files.unlink(path);
    removed += 1;
  }
  return removed;
}
