/**
 * What detection must show, as the tests of test/detection/ measure it: they are run here as they are, and the figures
 * that they note are printed beside their bars.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inFolder } from './parts.mjs';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

export async function run() {
  return inFolder(async (folder) => {
    const file = join(folder, 'figures.json');
    const problem = await runTests(file);
    const figures = figuresOf(JSON.parse(await readFile(file, 'utf8').catch(() => '{"testResults":[]}')));
    if (figures.length === 0) throw new Error(`the tests of test/detection/ gave no figures: ${problem}`);
    return figures.map(rowOf);
  });
}

/** A test that falls short fails, and its figure is what is asked for: only the report counts. */
function runTests(file) {
  const args = [VITEST, 'run', 'test/detection', '--reporter=json', `--outputFile=${file}`];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: HERE, maxBuffer: 1 << 26 }, (_error, _out, errors) => resolve(errors));
  });
}

function figuresOf({ testResults }) {
  return testResults.flatMap(({ assertionResults }) => assertionResults.flatMap(({ meta }) => meta?.figures ?? []));
}

/** JSON has no infinity: a figure without a value was never reached. */
function rowOf({ measure, unit, value, least, most }) {
  const bar = most ?? least ?? null;
  // JSON makes null of a bar that is infinite.
  const target = most == null ? (least == null ? null : `at least ${least}`) : `at most ${round(most)}`;
  const one = (x) => ({ value: x ?? Number.POSITIVE_INFINITY, spread: null });
  const both = {
    ours: one(value),
    reference: one(bar ?? Number.NaN),
    ratio: one(bar ? one(value).value / bar : Number.NaN),
  };
  return { bench: 'shows', measure, unit, ...both, against: 'bar', target };
}

function round(x) {
  return Number(x.toPrecision(4));
}
