/** Findings explained one at a time, within a limit, by threads that may do anything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPriceTable } from '../../src/event/prices.js';
import { type ExplainOptions, openExplain } from '../../src/verbs/explain-port.js';

/** A thread that does what the id says. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const { id } = workerData;
parentPort.postMessage({ kind: 'progress', done: 1, total: 2 });
if (id.startsWith('dies')) throw new Error('the disk is gone');
if (id.startsWith('hangs')) setInterval(() => {}, 1_000);
else parentPort.postMessage({ kind: 'stored', why: id });
`;

function opened(more: Partial<ExplainOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'killdeer-explain-'));
  const path = join(folder, 'thread.mjs');
  writeFileSync(path, THREAD);
  const explain = openExplain({ directory: folder, prices: createPriceTable([]), url: pathToFileURL(path), ...more });
  onTestFinished(async () => {
    await explain.close();
    rmSync(folder, { recursive: true });
  });
  return explain;
}

describe('explaining', () => {
  it('answers each with its own, however many ask at once, and remembers', async () => {
    const { port } = opened();
    const ids = ['a', 'b', 'c', 'a'];
    const answers = await Promise.all(ids.map((id) => port.explain(id)));
    expect(answers).toEqual(ids.map((id) => ({ state: 'stored', why: id })));
    expect(await port.explain('a')).toBe(answers[0]);
  });

  it('says how far it is while it runs, and gives up at its limit; the next one has its turn', async () => {
    const { port } = opened({ limitMs: 1_500, patienceMs: 300 });
    expect(await port.explain('hangs')).toMatchObject({ state: 'running' });
    const next = port.explain('after');
    expect(await next).toEqual({ state: 'running', done: 0, total: 0 });
    let answer = await port.explain('hangs');
    while (answer.state === 'running') answer = await port.explain('hangs');
    expect(answer).toEqual({ state: 'stored', why: 'executing again took longer than 1.5 s' });
    do answer = await port.explain('after');
    while (answer.state === 'running');
    expect(answer).toEqual({ state: 'stored', why: 'after' });
  });

  it('survives a thread that dies, and says of what', async () => {
    const { port } = opened();
    expect(await port.explain('dies')).toMatchObject({ state: 'stored', why: expect.stringContaining('disk is gone') });
    expect(await port.explain('lives')).toEqual({ state: 'stored', why: 'lives' });
  });

  it('takes no more than it can remember to do, and leaves nobody waiting at its end', async () => {
    const { port, close } = opened({ patienceMs: 60_000, limitMs: 60_000 });
    const waiting = Array.from({ length: 20 }, (_, i) => port.explain(`hangs-${i}`));
    expect(await port.explain('one-more')).toMatchObject({ why: expect.stringContaining('too many') });
    await close();
    for (const answer of await Promise.all(waiting))
      expect(answer).toEqual({ state: 'stored', why: 'the server stops' });
  });

  it('needs the files of the log', async () => {
    const { port } = opened({ directory: null });
    expect(await port.explain('a')).toMatchObject({ state: 'stored', why: expect.stringContaining('this machine') });
  });
});
