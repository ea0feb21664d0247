/**
 * The built pages, read once when the server starts: they are small, and a file that cannot be named cannot be reached.
 * What is not in the folder at that moment is not served; a folder that is not there is no error, a checkout may be
 * without it.
 */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { KilldeerError } from '../errors.js';

/** One file as it is sent. */
export interface ConsoleFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Smaller; null: it would not be. */
  readonly gzip: Buffer | null;
  /** In quotes, as the header wants it. */
  readonly etag: string;
}

/** The page, and what it loads, by name. */
export interface ConsoleFiles {
  readonly page: ConsoleFile;
  readonly assets: ReadonlyMap<string, ConsoleFile>;
}

const PAGE = 'index.html';
const ASSETS = 'assets';

/** Any other kind of file is not served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** null: nobody has built it. Throws where the folder is there and cannot be read. */
export function readConsole(folder: string): ConsoleFiles | null {
  const page = entriesOf(folder).some(({ name }) => name === PAGE) ? fileOf(join(folder, PAGE)) : null;
  if (page === null) return null;
  const assets = new Map<string, ConsoleFile>();
  for (const entry of entriesOf(join(folder, ASSETS))) {
    const file = entry.isFile() ? fileOf(join(folder, ASSETS, entry.name)) : null;
    if (file !== null) assets.set(entry.name, file);
  }
  return { page, assets };
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new KilldeerError('config.invalid', `the pages of the console cannot be read: ${folder}`, error);
  }
}

function fileOf(path: string): ConsoleFile | null {
  const type = TYPES[extname(path)];
  return type === undefined ? null : consoleFile(type, readFileSync(path));
}

/** Compressed here and once, not in every call. */
export function consoleFile(type: string, bytes: Buffer): ConsoleFile {
  const gzip = gzipSync(bytes, { level: 9 });
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { type, bytes, gzip: gzip.length < bytes.length ? gzip : null, etag };
}
