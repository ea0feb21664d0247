/**
 * Programs of Debian for tests, where the system has none: the package with what it needs is unpacked beside the other
 * things that tests fetch, once. It is not installed, so whoever runs tests need not be root, and nothing is started.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
const FETCH_WITHIN_MS = 240_000;

const folderOf = (name) => join(CACHE, `killdeer-${name}`);

/** Path of `program` in the unpacked package `name`, fetched where there is none yet; null: it cannot be had here. */
export function unpackedProgram(name, program) {
  const unpacked = join(folderOf(name), 'unpacked');
  const path = join(unpacked, program);
  if (existsSync(path)) return path;
  if (spawnSync('apt-get', ['--version']).status !== 0) return null;
  console.error(`fetching Debian's ${name}, this once`);
  mkdirSync(folderOf(name), { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(folderOf(name), 'fetch-'));
  try {
    unpack(beside, name);
    renameSync(join(beside, 'unpacked'), unpacked);
  } catch (error) {
    if (!existsSync(path)) console.error(`${name} could not be fetched: ${error.message}`);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return existsSync(path) ? path : null;
}

/** What a program of the unpacked package is run with: its own libraries, where it was unpacked at all. */
export function environmentOf(name) {
  const unpacked = join(folderOf(name), 'unpacked');
  const roots = ['usr/lib', 'lib'].map((folder) => join(unpacked, folder)).filter((folder) => existsSync(folder));
  const folders = roots.flatMap((root) => [root, ...readdirSync(root).map((each) => join(root, each))]);
  return folders.length === 0 ? process.env : { ...process.env, LD_LIBRARY_PATH: folders.join(delimiter) };
}

/** The package and what of its dependencies is missing, with package lists of its own. */
function unpack(folder, name) {
  const archives = join(folder, 'archives');
  for (const each of ['lists/partial', 'archives/partial', 'unpacked']) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  const options = [
    ...[`Dir::State::lists=${join(folder, 'lists')}`, `Dir::Cache::archives=${archives}`, `Dir::Cache=${folder}`],
    ...['Debug::NoLocking=1', 'APT::Sandbox::User=', 'APT::Update::Post-Invoke-Success::='],
  ].flatMap((option) => ['-o', option]);
  command('apt-get', [...options, '-qq', 'update']);
  command('apt-get', [...options, '-qq', '-y', '--download-only', '--no-install-recommends', 'install', name]);
  for (const file of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    command('dpkg-deb', ['-x', join(archives, file), join(folder, 'unpacked')]);
  }
}

function command(name, words) {
  const { status, stderr } = spawnSync(name, words, { encoding: 'utf8', timeout: FETCH_WITHIN_MS });
  if (status !== 0) throw new Error(`${name}: ${(stderr ?? '').slice(-1_000)}`);
}
