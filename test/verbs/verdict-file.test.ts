import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVerdictFile } from '../../src/verbs/verdict-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-verdicts-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const path = join(folder, 'verdicts.json');
  writeFileSync(path, text);
  return readVerdictFile(path);
}

const TIME = '2026-11-03T09:00:00Z';
const timeMs = Date.parse(TIME);

describe('a file of verdicts', () => {
  it('is a list or lines, and fills in what is left out', () => {
    const rows = [
      { time: TIME, finding: 'f-1', verdict: 'expected' },
      { time: TIME, finding: 'f-2', verdict: 'false-positive', id: 'mine', for: '2d', role: true, comment: 'why' },
      { time: TIME, undo: 'v-1' },
    ];
    const words = [
      { timeMs, id: 'v-1', finding: 'f-1', verdict: 'expected', forMs: 14 * 86_400_000, role: false, comment: null },
      {
        timeMs,
        id: 'mine',
        finding: 'f-2',
        verdict: 'false-positive',
        forMs: 2 * 86_400_000,
        role: true,
        comment: 'why',
      },
      { timeMs, undo: 'v-1' },
    ];
    expect(read(JSON.stringify(rows))).toEqual(words);
    expect(read(rows.map((row) => `${JSON.stringify(row)}\n`).join('\n'))).toEqual(words);
    expect(read('')).toEqual([]);
  });

  it.each([
    '{',
    '{"time":"yesterday","finding":"f-1","verdict":"expected"}',
    `{"time":"${TIME}","finding":"f-1","verdict":"fine"}`,
    `{"time":"${TIME}","finding":"f-1","verdict":"expected","for":"ever"}`,
    `{"time":"${TIME}","finding":"f-1","verdict":"expected","fro":"2d"}`,
    `{"time":"${TIME}"}`,
  ])('is refused with its name where it is %s', (text) => {
    expect(() => read(text)).toThrow('verdicts.json');
  });
});
