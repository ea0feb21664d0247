/** What the package brings along beside its code: policies, the cold-start model, recordings, its version. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of a file or folder of the package, from its root. */
export function shippedPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(shippedPath('package.json'), 'utf8')) as { version: string }).version;
}

/** The model that a new installation starts from. */
export const COLD_START = 'models/cold-start.json';
