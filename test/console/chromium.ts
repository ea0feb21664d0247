/** A browser for tests: Chromium of the system, or Debian's package where there is none (test/debian.mjs). */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { environmentOf, unpackedProgram } from '../debian.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const PACKAGE = 'chromium';

/** Path of the program; null: it cannot be had here. In CI that is an error. */
export function findChromium(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const path = paths.find((file) => existsSync(file)) ?? unpackedProgram(PACKAGE, 'usr/lib/chromium/chromium');
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
    env: environmentOf(PACKAGE) as Record<string, string>,
  });
}
