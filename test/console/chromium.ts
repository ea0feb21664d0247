/**
 * A browser for tests: Chromium of the system, or Debian's package, unpacked beside the other things that tests fetch,
 * once. It is not installed, so whoever runs tests need not be root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/killdeer-chromium', import.meta.url));
const UNPACKED = join(CACHE, 'unpacked');
const FETCH_WITHIN_MS = 240_000;

/** Path of the program; null: it cannot be had here. In CI that is an error. */
export function findChromium(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const path = paths.find((file) => existsSync(file)) ?? unpacked();
  if (path !== null) return path;
  if (process.env['CI'] !== undefined) throw new Error('chromium is not installed, and could not be fetched');
  console.error('chromium is not installed, and could not be fetched: the console is NOT tested in a browser');
  return null;
}

/** Without its sandbox, which needs more than a container grants; it sees nothing here but our own pages. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    env: { ...process.env, ...(executablePath.startsWith(UNPACKED) ? { LD_LIBRARY_PATH: libraries() } : {}) },
  });
}

/** Path in the unpacked package, fetched where there is none yet; null: it cannot be had here. */
function unpacked(): string | null {
  const path = join(UNPACKED, 'usr/lib/chromium/chromium');
  if (existsSync(path)) return path;
  if (spawnSync('apt-get', ['--version']).status !== 0) return null;
  console.error("fetching Debian's chromium, this once");
  mkdirSync(CACHE, { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    unpack(beside);
    renameSync(join(beside, 'unpacked'), UNPACKED);
  } catch (error) {
    if (!existsSync(path)) console.error(`chromium could not be fetched: ${(error as Error).message}`);
  }
  return existsSync(path) ? path : null;
}

/** The package and what of its dependencies is missing, with package lists of its own. */
function unpack(folder: string): void {
  const archives = join(folder, 'archives');
  for (const each of ['lists/partial', 'archives/partial', 'unpacked']) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  const options = [
    ...[`Dir::State::lists=${join(folder, 'lists')}`, `Dir::Cache::archives=${archives}`, `Dir::Cache=${folder}`],
    ...['Debug::NoLocking=1', 'APT::Sandbox::User=', 'APT::Update::Post-Invoke-Success::='],
  ].flatMap((option) => ['-o', option]);
  command('apt-get', [...options, '-qq', 'update']);
  command('apt-get', [...options, '-qq', '-y', '--download-only', '--no-install-recommends', 'install', 'chromium']);
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    command('dpkg-deb', ['-x', join(archives, name), join(folder, 'unpacked')]);
  }
}

function command(name: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(name, [...words], { encoding: 'utf8', timeout: FETCH_WITHIN_MS });
  if (status !== 0) throw new Error(`${name}: ${(stderr ?? '').slice(-1_000)}`);
}

function libraries(): string {
  const roots = ['usr/lib', 'lib'].map((folder) => join(UNPACKED, folder)).filter((folder) => existsSync(folder));
  return roots.flatMap((root) => [root, ...readdirSync(root).map((name) => join(root, name))]).join(delimiter);
}
