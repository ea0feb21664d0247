/**
 * The guides as they are pasted: every `sh` block of a page, in order, in one shell, against the demo that serves on. A
 * command that fails ends it, and so does an answer that is a problem where the page does not name its code.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshDirectory, MAIN, Program, ROOT, until } from '../e2e/program.js';

const BLOCK = /^```sh\n([\s\S]*?)^```$/gm;
/** A code at the end of a line: what the page says that this line is answered with. */
const REFUSED = /# ([a-z]+\.[a-z-]+)$/gm;
const PROBLEM = /"type":"urn:killdeer:([a-z.-]+)"/g;
const MARK = '@@ block';
/** `npx` would look for a program beside the shell, which runs in a folder of its own. */
const PRELUDE = `set -euo pipefail\nnpx() { shift; "${process.execPath}" "${MAIN}" "$@"; }\n`;

interface Pasted {
  readonly code: number | null;
  /** What each block said. */
  readonly answers: readonly string[];
  /** The commands as they were run, and what went wrong. */
  readonly trace: string;
}

function blocksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(BLOCK)].map(([, block]) => block);
}

const codesIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, code]) => code);

async function paste(blocks: readonly string[], data: string): Promise<Pasted> {
  const script = blocks.map((block) => `{ echo '${MARK}'; set -x; } 2>/dev/null\n${block}`).join('\n');
  const shell = spawn('bash', ['-c', PRELUDE + script], {
    ...{ cwd: freshDirectory(), stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, DATA: data },
  });
  const said = { out: '', trace: '' };
  shell.stdout.on('data', (text) => {
    said.out += String(text);
  });
  shell.stderr.on('data', (text) => {
    said.trace += String(text);
  });
  const [code] = (await once(shell, 'close')) as [number | null];
  return { code, answers: said.out.split(`${MARK}\n`).slice(1), trace: said.trace };
}

/** Pastes a page; what its blocks answered. */
async function expectToWork(page: string, data: string): Promise<string> {
  const blocks = blocksOf(page);
  expect(blocks.length, page).toBeGreaterThan(10);
  const { code, answers, trace } = await paste(blocks, data);
  const lines = trace.split('\n');
  const last = code === 0 ? [] : lines.filter((line) => /^\++ |Error/.test(line)).slice(-8);
  expect({ page, code, last }).toEqual({ page, code: 0, last: [] });
  expect(answers).toHaveLength(blocks.length);
  for (const [i, block] of blocks.entries()) {
    const codes = codesIn(answers[i], PROBLEM);
    expect(codes, `${page}, block ${i + 1}:\n${block}`).toEqual(codesIn(block, REFUSED));
  }
  // A member that is not there is no failure of the shell.
  expect(lines.filter((line) => line.includes('undefined'))).toEqual([]);
  expect(answers.filter((answer) => /undefined|NaN/.test(answer))).toEqual([]);
  return answers.join('');
}

describe('what the guides say', () => {
  it('works when it is pasted, the analyst before the responder', { timeout: 240_000 }, async () => {
    const demo = new Program(['demo', '--speed', 'max']);
    // Each has the patience of one wait.
    for (const type of ['started', 'finding', 'decision', 'summary']) await demo.said(type);
    await until('the demo says where it is', () => / --data \S+/.test(demo.err));
    const data = / --data (\S+)/.exec(demo.err)?.[1] ?? '';

    const analyst = await expectToWork('guide-analyst.md', data);
    for (const words of [
      'exact',
      'closed, expected',
      'in-force',
      'undone',
      'closed, 0 open',
      'PAR1',
      'event: finding',
    ]) {
      expect(analyst).toContain(words);
    }
    expect(analyst).toMatch(/version 1, by person:admin/);

    const responder = await expectToWork('guide-responder.md', data);
    for (const words of ['throttled', 'restricted', 'stopped', 'used, by person:bo', 'halted', 'the halt is over']) {
      expect(responder).toContain(words);
    }
    expect(responder).toContain('"ok":true');
    expect(await demo.stop()).toMatchObject({ code: 0 });
  });
});
