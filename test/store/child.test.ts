/** The child and its parent: it ends when its parent does, and a parent is told why one cannot start. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PASSWORD_VARIABLE, startStoreChild } from '../../src/store/child.js';
import { openStore } from '../../src/store/store.js';
import { freshDirectory, ROOT, run } from '../e2e/program.js';
import { childCommand, describeStore, storeConfig, until } from './world.js';

const quiet = { report: () => undefined };

describeStore('the store child', () => {
  it('ends with its parent, however that dies', async () => {
    const data = freshDirectory();
    const script = join(data, 'parent.mjs');
    const child = JSON.stringify(new URL('../../dist/store/child.js', import.meta.url).href);
    writeFileSync(
      script,
      `import { startStoreChild } from ${child};
       const child = await startStoreChild({ command: ${JSON.stringify(childCommand(data))}, report: () => {} });
       console.log(JSON.stringify({ pid: child.pid }));
       process.kill(process.pid, 'SIGKILL');`,
    );
    const ended = await run([script], { command: [process.execPath] });
    expect(ended.signal).toBe('SIGKILL');
    const { pid } = JSON.parse(ended.out) as { pid: number };
    await until('the child is gone', () => !existsSync(`/proc/${pid}`) && !isRunning(pid));
    // It ended in order: nothing is left that would hold up the next one.
    expect(existsSync(join(data, 'store', 'store.json'))).toBe(false);
    const next = await startStoreChild({ command: childCommand(data), ...quiet });
    await next.stop();
    expect(next.pid).toBeNull();
  });

  it('tells its parent why it cannot start', async () => {
    const data = freshDirectory();
    writeFileSync(join(data, 'store'), 'a file where the folder should be');
    await expect(startStoreChild({ command: childCommand(data), ...quiet })).rejects.toMatchObject({
      code: 'log.write-failed',
    });
    const missing = startStoreChild({ command: [join(ROOT, 'no-such-program')], ...quiet });
    await expect(missing).rejects.toMatchObject({ code: 'store.absent' });
    mkdirSync(join(data, 'empty'));
    const usage = await run(['store', 'query', 'SELECT 1', '--data', join(data, 'empty')]);
    expect([usage.code, usage.err]).toEqual([2, expect.stringContaining('holds no history')]);
  });

  it('answers questions for a person without a server, and gives the directory back', async () => {
    const data = freshDirectory();
    const child = await startStoreChild({ command: childCommand(data), ...quiet });
    await (await openStore(storeConfig(), child.access)).close();
    await child.stop();
    const options = { env: { [PASSWORD_VARIABLE]: '' } };
    const sql = 'SELECT {name:String} AS name, number FROM numbers(2) -- ; DROP TABLE a';
    const asked = await run(['store', 'query', sql, '--data', data, '--param', "name=o'x\\y; --"], options);
    expect(asked.err).toBe('');
    expect(asked.out).toBe(
      `${JSON.stringify({ name: "o'x\\y; --", number: 0 })}\n${JSON.stringify({ name: "o'x\\y; --", number: 1 })}\n`,
    );
    expect(existsSync(join(data, 'store', 'lock'))).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
