/** What the package brings along beside its code: policies, the cold-start model, recordings, its version. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { modelFromJson } from '../learn/model-file.js';

/** Path of a file or folder of the package, from its root. */
export function shippedPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(shippedPath('package.json'), 'utf8')) as { version: string }).version;
}

/** The model that a new installation starts from. */
export const COLD_START = 'models/cold-start.json';

/** Reads a model file. Throws 'model.invalid', which names the file. */
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
