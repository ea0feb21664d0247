import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWhole, writeAtomic } from '../../src/log/atomic-file.js';
import { nodeFiles } from '../../src/log/files.js';
import { FaultyFiles } from './faulty-files.js';

const PATH = '/checkpoint';
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
const before = Buffer.from('before '.repeat(300));
const after = Buffer.from('after '.repeat(500));

describe('a file written atomically', () => {
  it('is the old or the new one, whole, wherever a crash came', async () => {
    const found = { before: 0, after: 0 };
    for (let seed = 0; seed < 40; seed += 1) {
      for (const failing of ['opened', 'written', 'synced', 'renamed', 'kept']) {
        const files = new FaultyFiles(seed);
        await writeAtomic(files, PATH, before);
        const writing = writeAtomic(files, PATH, after, (step) => {
          if (step === failing) files.callsUntilCrash = 0;
        });
        if (failing === 'kept') await writing;
        else await expect(writing).rejects.toThrow();
        files.restart();
        const bytes = text(await readWhole(files, PATH));
        if (failing === 'kept') expect(bytes).toBe(String(after));
        else if (failing !== 'renamed') expect(bytes).toBe(String(before));
        expect([String(before), String(after)]).toContain(bytes);
        found[bytes === String(before) ? 'before' : 'after'] += 1;
        await writeAtomic(files, PATH, before);
        expect(text(await readWhole(files, PATH))).toBe(String(before));
      }
    }
    expect(Math.min(found.before, found.after)).toBeGreaterThan(40);
  });

  it('says why it was not written and leaves nothing beside it', async () => {
    const files = new FaultyFiles(1);
    await writeAtomic(files, PATH, before);
    files.fsyncFailures = 1;
    await expect(writeAtomic(files, PATH, after)).rejects.toMatchObject({ code: 'log.fsync-failed' });
    files.diskBytesMax = before.length + 10;
    await expect(writeAtomic(files, PATH, after)).rejects.toMatchObject({ code: 'log.disk-full', retry: true });
    files.diskBytesMax = Number.POSITIVE_INFINITY;
    await expect(writeAtomic(files, '/absent/file', after)).rejects.toMatchObject({ code: 'log.write-failed' });
    expect(await files.readdir('/')).toEqual(['checkpoint']);
    expect(text(await readWhole(files, PATH))).toBe(String(before));
  });

  it('is written on a real disk', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'killdeer-atomic-'));
    try {
      const path = join(directory, 'state');
      expect(await readWhole(nodeFiles, path)).toBeNull();
      await writeAtomic(nodeFiles, path, before);
      await writeAtomic(nodeFiles, path, after);
      expect(await readFile(path)).toEqual(after);
      expect(text(await readWhole(nodeFiles, path))).toBe(String(after));
      const failing = writeAtomic(nodeFiles, path, before, () => {
        throw new Error('stopped here');
      });
      await expect(failing).rejects.toThrow('stopped here');
      expect(await readdir(directory)).toEqual(['state']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
