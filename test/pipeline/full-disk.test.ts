/** A full disk is for people to mend: what runs meanwhile waits for space, and nothing has to be started again by hand. */
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { type Files, nodeFiles } from '../../src/log/files.js';
import { KeptWorker } from '../../src/pipeline/kept-worker.js';
import { execute, linesOf, PartitionWorld, recordsOf, simulatedLines } from './live-world.js';

const RECORDS = recordsOf(simulatedLines(3, 4));
const enospc = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

/** The machine's files, but for the first so many checkpoints, which find no space. */
function fullFor(checkpoints: number): Files {
  let left = checkpoints;
  return {
    ...nodeFiles,
    open: async (path, mode) => {
      const file = await nodeFiles.open(path, mode);
      if (mode !== 'replace' || !path.includes('checkpoint') || left === 0) return file;
      left -= 1;
      return { ...file, write: () => Promise.reject(enospc()) };
    },
  };
}

it('a partition whose checkpoints find no space goes on, and writes the next that does', async () => {
  const world = new PartitionWorld();
  await world.log.append('events', 0, RECORDS);
  const directory = `${world.directory}/daily`;
  const state = { files: fullFor(2), path: `${world.directory}/checkpoint`, dailyDirectory: directory, dailyMax: 2 };
  const { progress } = await world.finish({ state });
  const truth = execute(RECORDS);
  expect(progress.offset).toBe(RECORDS.length);
  expect(await linesOf(world.findings)).toEqual(truth.findings);
  expect(world.checkpoints.at(-1)).toBe(RECORDS.length);
  // Two were due and are missing: of every other batch of a thousand records there would be one.
  const undisturbed = new PartitionWorld();
  await undisturbed.log.append('events', 0, RECORDS);
  await undisturbed.finish();
  expect(undisturbed.checkpoints.length - world.checkpoints.length).toBe(2);
});

it('a thread that dies of a full disk is started again until it runs, however often that takes', async () => {
  const limits = { restartsMax: 1, pauseMs: 1, healthyMs: 60_000 };
  const pauses: (number | null)[] = [];
  let full = 3;
  let hasRun: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    hasRun = resolve;
  });
  const script = `
    const { parentPort } = require('node:worker_threads');
    parentPort.once('message', () => parentPort.close());
    parentPort.postMessage({ type: 'ready' });
  `;
  const kept = new KeptWorker<{ type: 'stop' }, { type: 'ready' }>({
    limits,
    passingPauseMs: 1,
    spawn: async () => {
      full -= 1;
      if (full >= 0) throw new KilldeerError('log.disk-full', 'no space to write live.json');
      return new Worker(script, { eval: true });
    },
    onMessage: () => hasRun(),
    onDeath: (_, pauseMs) => pauses.push(pauseMs),
  });
  // Whoever starts the process is told at once that it does not run yet.
  await kept.settled;
  expect(kept.state).toBe('restarting');
  await running;
  expect(kept.state).toBe('running');
  expect(kept.restarts).toBe(3);
  expect(pauses).toEqual([1, 1, 1]);
  await kept.stop({ type: 'stop' });
  expect(kept.state).toBe('stopped');
});
