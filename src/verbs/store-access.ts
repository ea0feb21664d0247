/** Which ClickHouse a verb talks to: a server that is named, the embedded child of a data directory, or one for now. */
import { existsSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Config, StoreConfig } from '../config.js';
import { KilldeerError } from '../errors.js';
import { lockDirectory } from '../log/lock.js';
import { STORE_USER } from '../store/child.js';
import { openConnection, type StoreAccess } from '../store/connection.js';
import { openEmbedded } from '../store/embedded.js';
import { serveEmbedded } from '../store/embedded-server.js';
import { loadSetup } from './setup.js';

export interface StoreChoice {
  readonly data?: string;
  readonly config?: string;
  /** Wins over what the configuration names. */
  readonly url?: string;
}

export interface ReachedStore {
  readonly access: StoreAccess;
  readonly config: StoreConfig;
  close(): Promise<void>;
}

/** Served on behalf of a data directory until `close`. */
export interface ServedStore {
  readonly access: StoreAccess;
  readonly version: string;
  close(): Promise<void>;
}

const FOLDER = 'store';
const ENGINE_FOLDER = 'clickhouse';
const NOTE = 'store.json';
const noteSchema = z.object({ url: z.string(), username: z.string(), password: z.string(), pid: z.number().int() });

/** Takes the folder, opens the engine on it, listens, and leaves a note for the other verbs. */
export async function serveStore(dir: string, port: number, password: string): Promise<ServedStore> {
  const folder = join(dir, FOLDER);
  const lock = lockDirectory(folder);
  try {
    const engine = await openEmbedded(join(folder, ENGINE_FOLDER));
    const server = await serveEmbedded({ engine, port, username: STORE_USER, password });
    const access = { url: server.url, username: STORE_USER, password };
    await writeNote(folder, access);
    return {
      access,
      version: engine.version,
      close: async () => {
        await rm(join(folder, NOTE), { force: true });
        await server.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Rejects with 'store.unreachable', 'store.absent', 'log.locked' or 'usage', which say where nobody answered. */
export async function reachStore(choice: StoreChoice, drawPassword: () => string): Promise<ReachedStore> {
  const { config, dataDir } = loadSetup({
    ...(choice.config === undefined ? {} : { config: choice.config }),
    ...(choice.data === undefined ? {} : { data: choice.data }),
  });
  const { store } = config;
  if (choice.url !== undefined || store.kind === 'clickhouse') {
    const password = process.env[store.password_env] ?? '';
    const access = { url: choice.url ?? store.url, username: store.username, password };
    return { access, config: store, close: async () => undefined };
  }
  const folder = join(resolve(dataDir), FOLDER);
  const noted = readNote(folder);
  if (noted !== null && (await answers(noted))) return { access: noted, config: store, close: async () => undefined };
  if (!existsSync(join(folder, ENGINE_FOLDER))) {
    throw new KilldeerError('usage', `${dataDir} holds no history; name another with --data, or a server with --url`);
  }
  const served = await serveStore(resolve(dataDir), 0, drawPassword());
  return { access: served.access, config: store, close: served.close };
}

/** The store that a server of this configuration and directory fills; null: there is none, or it does not run. */
export async function filledStore({ store }: Config, dir: string): Promise<StoreAccess | null> {
  const { kind, url, username, password_env: name } = store;
  if (kind === 'none') return null;
  if (kind === 'clickhouse') return { url, username, password: process.env[name] ?? '' };
  const noted = readNote(join(resolve(dir), FOLDER));
  return noted !== null && (await answers(noted)) ? noted : null;
}

/** A note that a killed child left behind leads nowhere, or to somebody else, who does not take the password. */
async function answers(access: StoreAccess): Promise<boolean> {
  const connection = openConnection(access, { timeoutMs: 5_000 });
  try {
    await connection.select('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

async function writeNote(folder: string, access: StoreAccess): Promise<void> {
  const path = join(folder, NOTE);
  // A file that is there already would keep its own mode.
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ ...access, pid: process.pid })}\n`);
  } finally {
    await file.close();
  }
}

function readNote(folder: string): StoreAccess | null {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(join(folder, NOTE), 'utf8')));
  } catch {
    return null;
  }
}
