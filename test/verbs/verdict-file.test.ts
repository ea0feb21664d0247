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

  it('holds suppressions too, from their time on or from another', () => {
    const window = { scope: { agent: 'clerk' }, for: '2h', reason: 'restore' };
    const open = {
      scope: { tenant: true },
      tenant: 'acme',
      from: '2026-11-04T00:00:00Z',
      until: '2026-11-05T00:00:00Z',
    };
    const rows = [
      { time: TIME, suppress: { ...window, kinds: ['rate-burst'], below: 'critical', times: 3 } },
      { time: TIME, id: 'mine', suppress: open },
      { time: TIME, undo: 's-1' },
    ];
    const any = { kinds: null, detector: null, endpoint: null, target: null, below: 'high' };
    const said = { type: 'suppress', timeMs, actor: 'person:replay', ...any };
    const clerk = {
      id: 's-1',
      scope: { agent: 'clerk' },
      tenant: '',
      kinds: ['rate-burst'],
      below: 'critical',
      times: 3,
    };
    const [fromMs, untilMs] = [Date.parse(open.from), Date.parse(open.until)];
    const acme = { id: 'mine', scope: { tenant: true }, tenant: 'acme', reason: '', fromMs, untilMs };
    expect(read(JSON.stringify(rows))).toEqual([
      { timeMs, suppress: { ...said, ...clerk, reason: 'restore', fromMs: timeMs, untilMs: timeMs + 7_200_000 } },
      { timeMs, suppress: { ...said, ...acme } },
      { timeMs, undo: 's-1' },
    ]);
  });

  it.each([
    '{',
    '{"time":"yesterday","finding":"f-1","verdict":"expected"}',
    `{"time":"${TIME}","finding":"f-1","verdict":"fine"}`,
    `{"time":"${TIME}","finding":"f-1","verdict":"expected","for":"ever"}`,
    `{"time":"${TIME}","finding":"f-1","verdict":"expected","fro":"2d"}`,
    `{"time":"${TIME}"}`,
    `{"time":"${TIME}","suppress":{"scope":{"agent":"clerk"}}}`,
    `{"time":"${TIME}","suppress":{"scope":{},"for":"2h"}}`,
  ])('is refused with its name where it is %s', (text) => {
    expect(() => read(text)).toThrow('verdicts.json');
  });
});
