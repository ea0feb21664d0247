/** The models that may score, as files of the data directory or as records of the brokers. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ModelRow, ModelsPort } from '../api/operations-contract.js';
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { modelFromJson } from '../learn/model-file.js';
import { nodeFiles } from '../log/files.js';
import type { ReadModels } from '../pipeline/keyed-models.js';
import { loadModel, readModel, storeModel } from '../pipeline/model-folder.js';
import { COLD_START, shippedPath } from './shipped.js';

/** The list and the looking-up; what is in force is for another to say. */
export type ModelRows = Pick<ModelsPort, 'list' | 'prepare'>;

const ENDING = '.json';
const CARD = '.card.json';
const KEY = 'model/';
/** A look at the brokers' topic is good for this long, ms. */
const FRESH_MS = 60_000;

/** Those of a data directory's folder, and the one that is shipped. */
export function createFolderModels(directory: string): ModelRows {
  return {
    list: async (limit, before) => {
      const all = await filesOf(directory);
      const from = before === null ? 0 : all.findIndex(({ version }) => version === before) + 1;
      const page = all.slice(from, from + limit);
      const models = await Promise.all(page.map(rowOfFile));
      return { models: models.filter((row) => row !== null), next: nextOf(page, from + limit < all.length) };
    },
    prepare: async (version) => {
      const file = (await filesOf(directory)).find((one) => one.version === version);
      if (file === undefined) return false;
      // Engines look into this folder, and its age keeps it there.
      const model = file.origin === 'shipped' ? readModel(file.path) : loadModel(directory, version);
      await storeModel(nodeFiles, directory, model);
      return true;
    },
  };
}

interface ModelFile extends Pick<ModelRow, 'version' | 'origin' | 'writtenMs' | 'bytes'> {
  readonly path: string;
}

/** Newest first. */
async function filesOf(directory: string): Promise<ModelFile[]> {
  const names = (await readdir(directory).catch(() => [])).filter(isModel);
  const learned = await Promise.all(names.map((name) => fileOf(join(directory, name), 'learned')));
  const all = learned.filter((file) => file !== null);
  const shipped = await shippedFile();
  if (shipped !== null && !all.some(({ version }) => version === shipped.version)) all.push(shipped);
  return all.sort((a, b) => (b.writtenMs ?? 0) - (a.writtenMs ?? 0) || (a.version < b.version ? -1 : 1));
}

function isModel(name: string): boolean {
  return name.endsWith(ENDING) && !name.endsWith(CARD);
}

/** null: it went meanwhile. */
async function fileOf(path: string, origin: ModelRow['origin']): Promise<ModelFile | null> {
  const known = await stat(path).catch(() => null);
  if (known === null) return null;
  const written = { writtenMs: Math.floor(known.mtimeMs), bytes: known.size };
  return { version: basename(path, ENDING), origin, path, ...written };
}

/** Its file is not named by its version. */
async function shippedFile(): Promise<ModelFile | null> {
  const path = shippedPath(COLD_START);
  const file = await fileOf(path, 'shipped');
  return file === null ? null : { ...file, version: readModel(path).version };
}

async function rowOfFile(file: ModelFile): Promise<ModelRow | null> {
  const { version, origin, writtenMs, bytes, path } = file;
  try {
    const card = (await cardAt(path)) ?? (await cardOfShipped(version));
    return { version, origin: card === null ? origin : 'shipped', writtenMs, bytes, ...factsOf(readModel(path)), card };
  } catch (error) {
    if (error instanceof KilldeerError) return null;
    throw error;
  }
}

async function cardOfShipped(version: string): Promise<unknown> {
  const shipped = await shippedFile();
  return shipped?.version === version ? cardAt(shipped.path) : null;
}

async function cardAt(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(dirname(path), `${basename(path, ENDING)}${CARD}`), 'utf8'));
  } catch {
    return null;
  }
}

function factsOf({ cohorts, cohortOf, bar }: CohortModel): Pick<ModelRow, 'cohorts' | 'agents' | 'bar'> {
  return { cohorts: cohorts.length, agents: cohortOf.size, bar };
}

function nextOf(page: readonly Pick<ModelRow, 'version'>[], isMore: boolean): string | null {
  return isMore ? (page.at(-1)?.version ?? null) : null;
}

/** Those of the brokers' topic, which keeps every one that ever was. */
export function createTopicModels(readAll: ReadModels, nowMs: () => number): ModelRows {
  let looked: { readonly atMs: number; readonly rows: readonly ModelRow[] } | null = null;
  const look = async (): Promise<readonly ModelRow[]> => {
    if (looked !== null && nowMs() - looked.atMs < FRESH_MS) return looked.rows;
    const rows = await rowsIn(readAll);
    looked = { atMs: nowMs(), rows };
    return rows;
  };
  return {
    list: async (limit, before) => {
      const rows = await look();
      const from = before === null ? 0 : rows.findIndex(({ version }) => version === before) + 1;
      const models = rows.slice(from, from + limit);
      return { models, next: nextOf(models, from + limit < rows.length) };
    },
    prepare: async (version) => {
      if ((await look()).some((row) => row.version === version)) return true;
      looked = null;
      return (await look()).some((row) => row.version === version);
    },
  };
}

/** Newest first; only what is told of them is kept. */
async function rowsIn(readAll: ReadModels): Promise<readonly ModelRow[]> {
  const rows = new Map<string, ModelRow>();
  await readAll((key, value) => {
    if (!key.startsWith(KEY)) return;
    const version = key.slice(KEY.length);
    rows.delete(version);
    if (value === null) return;
    const model = modelFromJson(JSON.parse(Buffer.from(value).toString('utf8')));
    if (typeof model === 'string') return;
    const card = null;
    rows.set(version, { version, origin: 'learned', writtenMs: null, bytes: value.length, ...factsOf(model), card });
  });
  return [...rows.values()].reverse();
}
