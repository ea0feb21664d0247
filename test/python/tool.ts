/** Tests with a tool of PyPI: fetched once, a failure under CI where it cannot be had, skipped loudly elsewhere. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./packages.mjs', import.meta.url));

/** Tests that are given the folder of a package, `NAME==VERSION`. */
export function describePython(name: string, wanted: string, body: (folder: string) => void): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, wanted], { encoding: 'utf8' });
  const missing = status === 0 ? null : stderr.trim().split('\n').at(-1);
  if (missing !== null && process.env['CI']) throw new Error(`${name}: ${missing}`);
  const title = missing === null ? name : `${name} (SKIPPED: ${missing})`;
  describe.skipIf(missing !== null)(title, () => body(stdout.trim()));
}
