import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLinesAt } from '../../src/verbs/line-page.js';
import { freshDirectory } from '../pipeline/live-world.js';

describe('a page of a file of lines', () => {
  it('gives every line once, page after page, also where lines are longer than what is read at a time', async () => {
    const path = join(freshDirectory(), 'lines');
    const lines = ['a', 'é'.repeat(200_000), '', 'b', 'c'.repeat(300_000)];
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    const read: string[] = [];
    for (let at: number | null = 0; at !== null; ) {
      const page: Awaited<ReturnType<typeof readLinesAt>> = await readLinesAt(path, at, 2);
      read.push(...page.lines);
      at = page.next;
    }
    expect(read).toEqual(lines);
  });

  it('is empty beyond the end, where there is no file, and holds no line that is not whole', async () => {
    const path = join(freshDirectory(), 'lines');
    expect(await readLinesAt(path, 0, 5)).toEqual({ lines: [], next: null });
    writeFileSync(path, 'a\nhalf');
    expect(await readLinesAt(path, 0, 5)).toMatchObject({ lines: ['a'] });
    expect(await readLinesAt(path, 999, 5)).toEqual({ lines: [], next: null });
  });
});
