/** The data directory as the verbs see it: where a server says how to reach it, and who may. */
import { readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { type Client, createClient } from '../api/client.js';
import { KilldeerError } from '../errors.js';
import { writeAtomic } from '../log/atomic-file.js';
import { nodeFiles } from '../log/files.js';
import type { CreatedToken, TokenRole } from '../registry/tokens.js';

/** Who serves this directory, for the verbs that are its clients. */
const SERVER_FILE = 'server.json';
/** The tokens of the first start in plain text, readable by their owner alone. */
const TOKENS_FILE = 'tokens.json';
/** What the server keeps of all tokens. */
const HASHES_FILE = 'token-hashes.json';

const serverSchema = z.object({ address: z.string(), pid: z.number().int() });
const tokensSchema = z.record(z.string(), z.string());

export type ServerNote = z.infer<typeof serverSchema>;

export const tokensPath = (dir: string): string => join(dir, TOKENS_FILE);
export const hashesPath = (dir: string): string => join(dir, HASHES_FILE);

export async function writeServerNote(dir: string, note: ServerNote): Promise<void> {
  await writeAtomic(nodeFiles, join(dir, SERVER_FILE), Buffer.from(`${JSON.stringify(note)}\n`));
}

/** Not that of another process, which has come to serve the directory since. */
export async function removeServerNote(dir: string): Promise<void> {
  if (readServerNote(dir)?.pid !== process.pid) return;
  await rm(join(dir, SERVER_FILE), { force: true });
}

/** null where no server has left a note; one that was killed leaves a stale one. */
export function readServerNote(dir: string): ServerNote | null {
  return readJson(join(dir, SERVER_FILE), serverSchema);
}

/** For `openTokens`: keeps the secrets of the first start, by role. */
export async function handOutTokens(dir: string, tokens: readonly CreatedToken[]): Promise<void> {
  const byRole = Object.fromEntries(tokens.map(({ entry, token }) => [entry.roles[0], token]));
  // A file that is there already would keep its own mode.
  await rm(tokensPath(dir), { force: true });
  const file = await open(tokensPath(dir), 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(byRole, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Throws 'usage' where the directory holds no such token. */
export function readToken(dir: string, role: TokenRole): string {
  const token = readJson(tokensPath(dir), tokensSchema)?.[role];
  if (token !== undefined) return token;
  throw new KilldeerError('usage', `${tokensPath(dir)} holds no token of the role ${role}; name one with --token`);
}

export interface ClientChoice {
  readonly data: string;
  /** Win over what the directory says. */
  readonly address?: string;
  readonly token?: string;
}

/** The options of a verb that is a client of a server: which one, and as whom. */
export function addServerOptions(verb: Command): Command {
  return verb
    .option('--data <dir>', 'data directory of the server', 'data')
    .option('--address <url>', 'of the server, where it is not on this machine')
    .option('--token <token>', 'where the data directory holds none');
}

/** A client for the server of a data directory. Throws 'api.unreachable' where none has left its address. */
export function clientOf(choice: ClientChoice, role: TokenRole): Client {
  const address = addressOf(choice);
  return createClient({ address, token: choice.token ?? readToken(choice.data, role) });
}

/** Where the server is. Throws 'api.unreachable' where none has left its address. */
export function addressOf(choice: ClientChoice): string {
  const address = choice.address ?? readServerNote(choice.data)?.address;
  if (address !== undefined) return address;
  throw new KilldeerError('api.unreachable', `no server has left its address in ${choice.data}`);
}

function readJson<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
