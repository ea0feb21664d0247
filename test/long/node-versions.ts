/** The same bytes from the oldest Node that is supported and from the newest: a finding depends on the records alone. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAIN, type ProgramOptions, ROOT } from '../e2e/program.js';
import { replayed, resumed } from '../e2e/replayed.js';

const MAJORS = ['20', '24'] as const;
const NAMES = readdirSync(join(ROOT, 'replay')).sort();

/** Path of a Node of that major version; null where none is at hand and none could be fetched. */
function nodeOf(major: string): string | null {
  if (process.versions.node.split('.')[0] === major) return process.execPath;
  const words = ['-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath'];
  const { status, stdout } = spawnSync('npx', words, { encoding: 'utf8', timeout: 120_000 });
  return status === 0 ? stdout.trim() : null;
}

const nodes = MAJORS.map(nodeOf);
const isComplete = nodes.every((node) => node !== null);
if (!isComplete) {
  const lacking = MAJORS.filter((_, i) => nodes[i] === null).join(' and ');
  console.error(`NODE ${lacking} IS NOT AT HAND: ${NAMES.length + 2} comparisons are not made`);
}
const by = (i: number): ProgramOptions => ({ command: [nodes[i] ?? '', MAIN] });

it.runIf(isComplete).each(NAMES)('%s gives the same findings on both', async (name) => {
  const [first, second] = [await replayed(name, by(0)), await replayed(name, by(1))];
  expect(second.findings).toBe(first.findings);
  expect(second.decisions).toBe(first.decisions);
  expect(first.findings).not.toBe('');
});

it.runIf(isComplete).each([
  [0, 1],
  [1, 0],
])('a run that died on one goes on, on the other (%i to %i)', async (from, to) => {
  const whole = await replayed('demo', by(from));
  const { findings, decisions, summary } = await resumed('demo', ['event:25000'], by(from), by(to));
  expect({ findings, decisions }).toEqual({ findings: whole.findings, decisions: whole.decisions });
  expect(summary['resumedAt']).toBe(20_000);
});
