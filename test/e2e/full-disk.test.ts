/**
 * Disks that really are full: a small file system of the server's own where the system lets anybody make one (in a
 * namespace, so that it is gone with the server), the device that is always full, and a limit on the size of files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freshDirectory, MAIN, ROOT, run, until } from './program.js';
import { Server } from './server.js';
import { callOf } from './traffic.js';

const OWN_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const canMount =
  process.platform === 'linux' &&
  spawnSync(OWN_MOUNTS[0], [...OWN_MOUNTS.slice(1), 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;

const TARGET = 'x'.repeat(500);
const batch = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => callOf(`e-${from + i}`, `agent-${i % 3}`, { target: TARGET }));

/** How often a checkpoint was begun there from now on: a file is made beside its place, and taken away again. */
function triesIn(directory: string): () => number {
  let changes = 0;
  const watcher = watch(directory, (kind, name) => {
    if (kind === 'rename' && name === 'checkpoint.ckpt.tmp') changes += 1;
  });
  onTestFinished(() => watcher.close());
  return () => changes >> 1;
}

it.runIf(canMount)(
  'says that the disk is full, scores on when there is space, and loses nothing that it accepted',
  async () => {
    const data = freshDirectory();
    const config = join(freshDirectory(), 'killdeer.json');
    writeFileSync(config, JSON.stringify({ checkpoint: { every: '3s' } }));
    const mounted = `mount -t tmpfs -o size=8m none "${data}" && exec "$@"`;
    const server = await Server.start({
      data,
      words: ['--config', config],
      seenAt: (pid) => `/proc/${pid}/root${data}`,
      command: [...OWN_MOUNTS, 'sh', '-c', mounted, 'sh', process.execPath, MAIN],
    });
    const inside = `/proc/${server.program.pid}/root${data}`;
    const checkpoint = join(inside, 'partitions/0/checkpoint.ckpt');
    expect(existsSync(join(data, 'lock'))).toBe(false);

    // Accepted, and not yet in a checkpoint, when the last page of the disk is taken.
    expect(await server.send(batch(0, 5))).toMatchObject({ status: 202, body: { accepted: 5 } });
    expect(() => writeFileSync(join(inside, 'ballast'), Buffer.alloc(16 * 1_048_576))).toThrow('ENOSPC');
    const refused = await server.send(batch(5, 2_000));
    expect(refused).toMatchObject({ status: 503, body: { code: 'log.disk-full', retry: true } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // Checkpoints are tried and fail; whoever asks for a decision must not notice.
    const tries = triesIn(join(inside, 'partitions/0'));
    await until('a checkpoint was tried twice', () => tries() >= 2);
    expect((await server.decide('agent-0')).body).toMatchObject({ allow: true });
    expect(await server.status()).toMatchObject({ partitions: [{ state: 'running', restarts: 0 }] });

    rmSync(join(inside, 'ballast'));
    expect(await server.send(batch(5, 2_000))).toMatchObject({ status: 202, body: { accepted: 2_000 } });
    expect(await server.settled()).toMatchObject({ scored: 2_005, notAdmitted: 0 });
    expect((await server.ask('/readyz', { token: null })).status).toBe(200);
    await until('a checkpoint is written', () => existsSync(checkpoint));
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  },
);

it.runIf(canMount)('does not start where nothing can be written, and says why', async () => {
  const full = 'mount -t tmpfs -o size=64k none "$0" && { cat /dev/zero > "$0/ballast" 2>&-; exec "$@"; }';
  const data = freshDirectory();
  const command = [...OWN_MOUNTS, 'sh', '-c', full, data, process.execPath, MAIN];
  const { code, err } = await run(['run', '--data', data, '--port', '0', '--no-history'], { command });
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^killdeer: log\.disk-full: .*ENOSPC.*\n {2}next: /),
  });
});

it.runIf(process.platform === 'linux')('ends a replay whose output finds no space, in words', async () => {
  const { code, err } = await run(['replay', join(ROOT, 'replay/quiet'), '--findings', '/dev/full']);
  expect(code).toBe(1);
  expect(err).toMatch(/^killdeer: log\.disk-full: .*\/dev\/full.*ENOSPC.*\n {2}next: .+\n$/);
});

it('takes nothing more where its files may not grow, says so, and has everything that it accepted after a restart', async () => {
  const data = freshDirectory();
  // Blocks of 1024 bytes; the program itself ignores the signal that comes with the error.
  const limited = ['bash', '-c', 'ulimit -f 1024 && exec "$@"', 'bash', process.execPath, MAIN];
  const server = await Server.start({ data, command: limited });
  let accepted = 0;
  let last = await server.send(batch(0, 500));
  while (last.status === 202) {
    accepted += 500;
    expect(accepted).toBeLessThan(5_000);
    last = await server.send(batch(accepted, 500));
  }
  expect(last).toMatchObject({ status: 503, body: { code: 'log.write-failed', retry: false } });
  expect(last.body.detail).toContain('EFBIG');
  expect((await server.ask('/healthz', { token: null })).body).toEqual({ ok: false, reason: 'a log failed' });
  expect((await server.decide('agent-0')).body).toMatchObject({ allow: true });
  expect(await server.program.stop()).toMatchObject({ code: 0 });

  const free = await Server.start({ data });
  expect(await free.settled()).toMatchObject({ events: accepted, scored: accepted });
  expect(await free.send(batch(accepted, 500))).toMatchObject({ status: 202 });
  expect(await free.settled()).toMatchObject({ scored: accepted + 500, duplicates: 0 });
});
