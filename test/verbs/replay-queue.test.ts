/** The queue of replays with real child processes, which run compiled files. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ReplayJob, ReplayWish } from '../../src/api/replay-contract.js';
import { openReplayQueue, type ReplayQueue } from '../../src/verbs/replay-queue.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { freshDirectory } from '../pipeline/live-world.js';

const ENTRY = new URL('../../dist/verbs/replay-child.js', import.meta.url);
const WISH: ReplayWish = {
  ...{ name: 'n', recording: 'data', fromMs: null, toMs: null, pagesPerAgentDay: null, noticesPerAgentDay: null },
  ...{ policy: null, withoutVerdicts: false },
};
const idOf = (n: number): string => `r-${String(n).padStart(16, '0')}`;

let queue: ReplayQueue | null = null;
afterEach(async () => {
  await queue?.stop();
  queue = null;
});

async function open(dir: string): Promise<ReplayQueue> {
  const { config, prices } = loadSetup({});
  let nowMs = 0;
  queue = await openReplayQueue({ dir, config, prices, clock: () => ++nowMs, entry: ENTRY });
  return queue;
}

async function untilEnded(replays: ReplayQueue, id: string): Promise<ReplayJob> {
  for (;;) {
    const job = replays.get(id);
    if (job === null || (job.state !== 'queued' && job.state !== 'running')) return job as ReplayJob;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the queue of replays', () => {
  it('runs one at a time, lets five wait, and says why one failed', async () => {
    const replays = await open(freshDirectory());
    for (let n = 0; n < 6; n++) await replays.start(idOf(n), WISH, 'person:ada');
    expect(replays.list().map(({ state }) => state)).toEqual([...Array(5).fill('queued'), 'running']);
    await expect(replays.start(idOf(6), WISH, 'person:ada')).rejects.toMatchObject({ code: 'registry.refused' });
    expect((await replays.start(idOf(0), WISH, 'person:bob')).actor).toBe('person:ada');
    expect((await replays.remove(idOf(5)))?.state).toBe('cancelled');
    // The folder holds no server's data.
    expect(await untilEnded(replays, idOf(0))).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('usage'),
    });
    expect(await untilEnded(replays, idOf(1))).toMatchObject({ state: 'failed', progress: 0 });
    expect(await replays.remove('r-nowhere')).toBeNull();
    expect(await replays.findings(idOf(0), 1, 0)).toBeNull();
  });

  it('keeps the newest of those that have ended, also over a restart', async () => {
    const dir = freshDirectory();
    const replays = await open(dir);
    for (let n = 0; n < 22; n++) {
      await replays.start(idOf(n), WISH, 'person:ada');
      await replays.remove(idOf(n));
    }
    expect(replays.list()).toHaveLength(20);
    await replays.stop();
    const again = await open(dir);
    expect(again.list().map(({ id }) => id)).toEqual(replays.list().map(({ id }) => id));
    expect(again.get(idOf(0))).toBeNull();
  });

  it('shows one that was running or waiting when the server ended as interrupted', async () => {
    const dir = freshDirectory();
    const demo = { ...WISH, recording: 'demo' } as const;
    const replays = await open(dir);
    await replays.start(idOf(1), demo, 'person:ada');
    await replays.start(idOf(2), demo, 'person:ada');
    await replays.stop();
    const again = await open(dir);
    for (const id of [idOf(1), idOf(2)]) {
      expect(again.get(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('interrupted') });
    }
  });
});
