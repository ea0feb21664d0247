/** Killed between sending and writing down that it was sent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findingWith } from '../render/states.js';
import { openReceiver, SECRET } from './receiver.js';
import { QUICK, until } from './world.js';

const CHILD = fileURLToPath(new URL('./sink-child.mjs', import.meta.url));

it('says again, under the same id, what it was saying however often it is killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'killdeer-killed-sink-'));
  let child: ChildProcess | null = null;
  let kills = 3;
  const receiver = await openReceiver(() => {
    // It has the message, and will never hear that it was taken.
    if (kills-- > 0) child?.kill('SIGKILL');
  });
  receiver.next.push('lose', 'lose', 'lose');
  const config = [{ ...QUICK, name: 'siem', kind: 'webhook', url: receiver.url, secret_env: 'SINK_SECRET' }];
  const start = (lines: readonly string[]): Promise<void> => {
    const task = JSON.stringify({ dir, config, lines });
    const env = { ...process.env, SINK_SECRET: SECRET };
    const started = spawn(process.execPath, [CHILD, task], { stdio: ['pipe', 'ignore', 'inherit'], env });
    child = started;
    return new Promise((resolve) => started.once('exit', () => resolve()));
  };
  const line = (i: number) => JSON.stringify(findingWith({ id: `f-${i}`, time: new Date().toISOString() }));
  try {
    await start([line(1)]);
    await start([]);
    await start([]);
    const last = start([]);
    await until('it was answered', () => receiver.taken.length === 4);
    expect(new Set(receiver.seen.map(({ id }) => id)).size).toBe(1);
    expect(new Set(receiver.seen.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    (child as ChildProcess | null)?.stdin?.end();
    await last;
  } finally {
    (child as ChildProcess | null)?.kill('SIGKILL');
    await receiver.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
