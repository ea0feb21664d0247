/**
 * Tools of PyPI for tests, fetched once into a folder of their own: `node packages.mjs NAME==VERSION` says where it is. A
 * tool is run as `python3 -m`, with that folder as its path.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/.cache/killdeer-python');

/** The folder that holds the package with all that it needs. Throws, in a sentence, where it cannot be had. */
export function packageFolder(wanted) {
  const folder = join(CACHE, wanted);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', beside, wanted];
    const { status, error, stderr } = spawnSync('python3', words, { encoding: 'utf8' });
    if (status !== 0)
      throw new Error(`${wanted} could not be had: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
    renameSync(beside, folder);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    // The other one was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(packageFolder(process.argv[2]));
