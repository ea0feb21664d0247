import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeFiles } from '../../src/log/files.js';
import {
  jsonSection,
  readCheckpoint,
  readJsonSection,
  requireBelongs,
  sectionOf,
  writeCheckpoint,
} from '../../src/pipeline/checkpoint.js';
import { createFailpoint, FAILPOINTS } from '../../src/pipeline/failpoint.js';
import { createMemoryShelf, openFileShelf } from '../../src/pipeline/shelf.js';
import { FaultyFiles } from '../log/faulty-files.js';
import { freshDir } from './replay-world.js';

const CHECKPOINT = {
  belongs: { config: 'c-1', recording: 'r-1' },
  header: { lines: 7, text: 'é' },
  sections: {
    engine: Uint8Array.from([1, 2, 3, 250]),
    learner: jsonSection({ a: [0.1, 1e-300] }),
    empty: new Uint8Array(0),
  },
};

describe('a checkpoint', () => {
  test('comes back as it was written', async () => {
    const path = join(await freshDir(), 'c');
    expect(await readCheckpoint(nodeFiles, path)).toBeNull();
    const bytes = await writeCheckpoint(nodeFiles, path, CHECKPOINT);
    expect((await readFile(path)).length).toBe(bytes);
    const read = await readCheckpoint(nodeFiles, path);
    expect(read).toEqual(CHECKPOINT);
    if (read === null) return;
    expect(readJsonSection(path, read, 'learner')).toEqual({ a: [0.1, 1e-300] });
    expect(() => sectionOf(path, read, 'nothing')).toThrow(/nothing/);
  });

  test('changed in any byte or cut anywhere is corrupt and says which file', async () => {
    const path = join(await freshDir(), 'c');
    await writeCheckpoint(nodeFiles, path, CHECKPOINT);
    const whole = await readFile(path);
    for (let i = 0; i < whole.length; i++) {
      const bytes = Buffer.from(whole);
      bytes[i] ^= 1;
      for (const spoilt of [bytes, whole.subarray(0, i)]) {
        await writeFile(path, spoilt);
        const error = await readCheckpoint(nodeFiles, path).then(
          () => null,
          (e) => e,
        );
        expect(error).toMatchObject({ code: 'checkpoint.corrupt' });
        expect(error.message).toContain(path);
      }
    }
  });

  test('of something else is refused by name', () => {
    expect(() => requireBelongs('c', CHECKPOINT, CHECKPOINT.belongs)).not.toThrow();
    expect(() => requireBelongs('c', CHECKPOINT, { config: 'c-1', recording: 'r-2' })).toThrow(/another recording$/);
    expect(() => requireBelongs('c', CHECKPOINT, { config: 'c-2' })).toThrow(/another config and another recording$/);
  });

  test('is the old one or the new one, whichever call the machine goes down at', async () => {
    const next = { ...CHECKPOINT, header: { lines: 8 } };
    for (let calls = 0; calls < 12; calls++) {
      for (let seed = 0; seed < 5; seed++) {
        const files = new FaultyFiles(100 * calls + seed);
        await writeCheckpoint(files, '/c', CHECKPOINT);
        files.callsUntilCrash = calls;
        const written = await writeCheckpoint(files, '/c', next).then(
          () => true,
          () => false,
        );
        files.restart();
        const header = (await readCheckpoint(files, '/c'))?.header;
        expect(written ? [next.header] : [CHECKPOINT.header, next.header]).toContainEqual(header);
      }
    }
  });

  test('that finds no space leaves the one before it', async () => {
    const files = new FaultyFiles(1);
    await writeCheckpoint(files, '/c', CHECKPOINT);
    files.diskBytesMax = 500;
    const large = { ...CHECKPOINT, sections: { engine: new Uint8Array(1000) } };
    await expect(writeCheckpoint(files, '/c', large)).rejects.toMatchObject({ code: 'log.disk-full' });
    expect((await readCheckpoint(files, '/c'))?.header).toEqual(CHECKPOINT.header);
  });

  test('passes its failpoints in order', async () => {
    const passed: string[] = [];
    await writeCheckpoint(new FaultyFiles(1), '/c', CHECKPOINT, (name) => passed.push(name));
    expect(passed).toEqual(['checkpoint-begin', 'checkpoint-written', 'checkpoint-renamed']);
  });
});

describe('a shelf', () => {
  test('gives back what was put on it, in a file as in memory', async () => {
    const file = openFileShelf(join(await freshDir(), 'shelf'));
    for (const shelf of [file, createMemoryShelf()]) {
      const profiles = [1, 0, 5000].map((length) => new Uint8Array(length).fill(length & 0xff));
      const positions = profiles.map((profile) => shelf.append(profile));
      profiles.forEach((profile, i) => {
        const read = shelf.read(positions[i]);
        expect(read).toEqual(profile);
        // A Buffer would slice without a copy.
        expect(read.slice(0, 1).buffer).not.toBe(read.buffer);
      });
      expect(() => shelf.read(3)).toThrow();
    }
    file.close();
  });

  test('goes on after a reopening and drops what the checkpoint did not know', async () => {
    const path = join(await freshDir(), 'shelf');
    const before = openFileShelf(path);
    const kept = before.append(Uint8Array.of(1, 2, 3));
    before.sync();
    const size = before.size();
    before.append(Uint8Array.of(9, 9));
    before.close();
    const after = openFileShelf(path);
    after.truncate(size);
    expect(after.size()).toBe(size);
    expect(after.append(Uint8Array.of(4))).toBe(size);
    expect([...after.read(kept)]).toEqual([1, 2, 3]);
    expect([...after.read(size)]).toEqual([4]);
    expect(() => after.truncate(size * 10)).toThrow(/its checkpoint needs/);
    after.close();
  });

  test('notices changed bytes', async () => {
    const path = join(await freshDir(), 'shelf');
    const shelf = openFileShelf(path);
    const position = shelf.append(Uint8Array.of(1, 2, 3));
    const bytes = await readFile(path);
    for (let i = 0; i < bytes.length; i++) {
      const spoilt = Buffer.from(bytes);
      spoilt[i] ^= 4;
      await writeFile(path, spoilt);
      expect(() => shelf.read(position)).toThrow(expect.objectContaining({ code: 'checkpoint.corrupt' }));
    }
    shelf.close();
  });
});

describe('a failpoint', () => {
  test('acts at the passage named and at no other', () => {
    let deaths = 0;
    const pass = createFailpoint('event:3', () => {
      deaths++;
    });
    for (const name of FAILPOINTS) pass(name);
    pass('event');
    expect(deaths).toBe(0);
    pass('event');
    expect(deaths).toBe(1);
    pass('event');
    expect(deaths).toBe(1);
  });

  test('of a name that nobody passes is refused', () => {
    for (const text of ['events:1', 'event', 'event:0', 'event:x', ':1']) {
      expect(() => createFailpoint(text, () => {})).toThrow(expect.objectContaining({ code: 'usage' }));
    }
    expect(() => createFailpoint(undefined, () => {})('event')).not.toThrow();
  });
});
