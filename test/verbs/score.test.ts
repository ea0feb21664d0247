import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/math/random.js';
import { runProgram } from '../../src/verbs/program.js';
import { addScore } from '../../src/verbs/score.js';
import { createSaid, linesOf } from './said.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-score-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (...parts: string[]) => join(folder, ...parts);
const read = (name: string) => readFileSync(at(name), 'latin1');

async function run(...words: readonly string[]) {
  const said = createSaid();
  const code = await runProgram(['score', ...words], said.terminal);
  return { code, err: said.err(), values: linesOf(said.out()) };
}

/** Scores `text` as a file and answers with what came out. */
async function score(kind: 'series' | 'rows', text: string | Uint8Array, ...words: readonly string[]) {
  writeFileSync(at('in.csv'), text);
  const ran = await run(kind, at('in.csv'), '--out', at('out.csv'), ...words);
  return { ...ran, out: existsSync(at('out.csv')) ? read('out.csv') : null };
}

/** A row an hour from the first of January 2025 on; a spike at hour 900. */
function seriesCsv(hours = 1000): string {
  const random = createRandom('csv');
  const lines = Array.from({ length: hours }, (_, hour) => {
    const value = 20 + random.normal() + (hour === 900 ? 40 : 0);
    return `${new Date(Date.UTC(2025, 0, 1, hour)).toISOString().slice(0, 19).replace('T', ' ')},${value}`;
  });
  return `timestamp,value\n${lines.join('\n')}\n`;
}

/** Rows of three normal numbers; row 700 is far off. */
function rowsCsv(header = 'a,b,c\n'): string {
  const random = createRandom('rows csv');
  const lines = Array.from({ length: 800 }, (_, i) =>
    [0, 1, 2].map(() => (random.normal() + (i === 700 ? 9 : 0)).toFixed(3)).join(','),
  );
  return `${header}${lines.join('\n')}\n`;
}

function scoresOf(out: string | null): number[] {
  const lines = (out ?? '').trimEnd().split('\n').slice(1);
  return lines.map((line) => Number(line.slice(line.lastIndexOf(',') + 1)));
}

const bestOf = (scores: readonly number[]) => scores.indexOf(Math.max(...scores));

describe('killdeer score series', () => {
  it('adds a column and leaves the others as they were', async () => {
    const text = seriesCsv();
    const { code, out, values } = await score('series', text);
    expect(code).toBe(0);
    expect(out?.split('\n')[0]).toBe('timestamp,value,anomaly_score');
    expect(out?.replace(/,[^,\n]*$/gm, '')).toBe(text.replace(/\n$/, '\n'));
    expect(bestOf(scoresOf(out))).toBe(900);
    expect(scoresOf(out).every((one) => one >= 0 && one <= 1)).toBe(true);
    expect(values).toEqual([
      { file: at('in.csv'), out: at('out.csv'), rows: 1000, scored: 1000, missing: 0, malformed: 0 },
    ]);
  });

  it('keeps quotes, line endings, a byte order mark, empty lines and bytes that are no UTF-8', async () => {
    const text =
      '\u00ef\u00bb\u00bfvalue,"note, odd",timestamp\r\n1.50,"a ""b""",2025-01-01\r\n\r\n+2e0,\u00fc\u00e9,2025-01-02';
    const { code, out } = await score('series', Buffer.from(text, 'latin1'));
    expect(code).toBe(0);
    expect(out?.replaceAll(/,(anomaly_score|0\.0+)(?=\r|$)/g, '')).toBe(text);
    expect(out?.split('\r\n')[0]).toContain(',anomaly_score');
  });

  it('takes a table without a header, of two columns or of one', async () => {
    const { out } = await score('series', '2025-01-01T00:00:00Z,1\n2025-01-01T01:00:00+02:00,2\n');
    expect(out).toBe('2025-01-01T00:00:00Z,1,0.000000\n2025-01-01T01:00:00+02:00,2,0.000000\n');
    expect((await score('series', '1\n2\n')).out).toBe('1,0.000000\n2,0.000000\n');
  });

  it('leaves a missing number without a score, and that is no fault', async () => {
    const { code, out, values } = await score('series', 'timestamp,value\n1,\n2,NaN\n3,null\n4,7\n');
    expect(code).toBe(0);
    expect(out).toBe('timestamp,value,anomaly_score\n1,,\n2,NaN,\n3,null,\n4,7,0.000000\n');
    expect(values).toMatchObject([{ rows: 4, scored: 1, missing: 3, malformed: 0 }]);
  });

  it('scores the others where lines are malformed, names these, and ends with 1', async () => {
    const { code, out, err, values } = await score('series', 'timestamp,value\n1,x\n2\n3,1e999\n4,"7\n5,8\n');
    expect(code).toBe(1);
    expect(out).toBe('timestamp,value,anomaly_score\n1,x,\n2,\n3,1e999,\n4,"7,\n5,8,0.000000\n');
    expect(values).toMatchObject([{ rows: 5, scored: 1, malformed: 4 }]);
    expect(err).toContain('in.csv: line 2: column "value" (2): "x" is no number');
    expect(err).toContain('line 3: 1 columns instead of 2');
    expect(err).toContain('line 5: a quote is not closed');
  });

  it('tells the first malformed lines and counts the others', async () => {
    const { err } = await score('series', `timestamp,value\n${'1,x\n'.repeat(50)}`);
    expect(err.match(/is no number/g)).toHaveLength(5);
    expect(err).toContain('and 45 more malformed lines');
  });

  it('tells of times that it does not know, and scores without them', async () => {
    const { code, err, values } = await score('series', 'timestamp,value\n01/02/2025,1\nsoon,2\n3,3\n');
    expect(code).toBe(0);
    expect(values).toMatchObject([{ scored: 3 }]);
    expect(err).toContain('2 times are not ISO 8601');
  });

  it('reads and writes pipes, each score as soon as its value is there', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const said = createSaid();
    const program = new Command();
    addScore(program, { terminal: said.terminal, failed: () => {} }, { input, output });
    const running = program.parseAsync(['score', 'series', '-', '--out', '-'], { from: 'user' });
    const lines = output[Symbol.asyncIterator]();
    for (const line of ['timestamp,value', '1,5', '2,6']) {
      input.write(`${line}\n`);
      const { value } = await lines.next();
      expect(String(value)).toMatch(line === 'timestamp,value' ? /^timestamp,value,anomaly_score\n$/ : /,0\.000000\n$/);
    }
    input.end();
    await running;
    expect(said.out()).toBe('');
    expect(said.err()).toContain('2 scored');
  });

  it('scores every table of a folder, with folders in it, the same as alone; never its own scores', async () => {
    mkdirSync(at('data', 'deep'), { recursive: true });
    writeFileSync(at('data', 'a.csv'), seriesCsv());
    writeFileSync(at('data', 'deep', 'b.CSV'), seriesCsv(300));
    writeFileSync(at('data', 'readme.txt'), 'no table');
    const words = ['series', at('data'), '--out', at('data', 'scores')];
    expect((await run(...words)).code).toBe(0);
    const { values } = await run(...words);
    expect(values.map(({ file }) => file)).toEqual([at('data', 'a.csv'), at('data', 'deep', 'b.CSV')]);
    const { out } = await score('series', seriesCsv(300));
    expect(read(join('data', 'scores', 'deep', 'b.CSV'))).toBe(out);
  });

  it('may write over what it reads, and leaves nothing where it fails', async () => {
    writeFileSync(at('same.csv'), seriesCsv(50));
    expect((await run('series', at('same.csv'), '--out', at('same.csv'))).code).toBe(0);
    const scored = read('same.csv');
    expect(scored.split('\n')).toHaveLength(52);
    const again = await run('series', at('same.csv'), '--out', at('same.csv'));
    expect(again.code).toBe(1);
    expect(again.err).toContain('csv.unreadable');
    expect(again.err).toContain('it has a column anomaly_score already');
    expect(read('same.csv')).toBe(scored);
    expect(existsSync(at('same.csv.partial'))).toBe(false);
  });

  it.each<[string, string[], number, string]>([
    ['no such file', ['series', 'none.csv', '--out', 'o.csv'], 1, 'csv.unreadable: '],
    ['no such place', ['series', 'in.csv', '--out', 'in.csv/o.csv'], 1, 'csv.unwritable: '],
    ['a folder without tables', ['series', 'empty', '--out', 'o'], 1, 'no .csv file in it'],
    ['a folder to a pipe', ['series', 'empty', '--out', '-'], 2, 'usage: '],
    ['an empty file', ['series', 'empty.csv', '--out', 'o.csv'], 1, 'it is empty'],
    ['no --out', ['series', 'in.csv'], 2, '--out'],
    ['a wrong seed', ['rows', 'in.csv', '--out', 'o.csv', '--seed', 'x'], 2, '--seed x'],
    ['an unknown column', ['rows', 'in.csv', '--out', 'o.csv', '--ignore', 'z'], 2, '--ignore z'],
  ])('ends well with %s', async (_, words, code, err) => {
    mkdirSync(at('empty'));
    writeFileSync(at('empty.csv'), '\n');
    writeFileSync(at('in.csv'), 'timestamp,value\n1,2\n');
    const paths = words.map((word) => (/^(none|in|empty|o)\b/.test(word) ? at(word) : word));
    const ran = await run(...paths);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(err);
  });
});

describe('killdeer score rows', () => {
  it('ranks the odd row first, the same way for the same seed', async () => {
    const text = rowsCsv();
    const { code, out } = await score('rows', text);
    expect(code).toBe(0);
    expect(out?.split('\n')[0]).toBe('a,b,c,anomaly_score');
    expect(out?.replace(/,[^,\n]*$/gm, '')).toBe(text);
    expect(bestOf(scoresOf(out))).toBe(700);
    expect((await score('rows', text, '--seed', '1')).out).toBe(out);
    expect((await score('rows', text, '--seed', '2')).out).not.toBe(out);
  });

  it('takes a table without a header', async () => {
    const { out } = await score('rows', rowsCsv(''));
    expect(out).toBe(((await score('rows', rowsCsv())).out ?? '').replace(/^.*\n/, ''));
  });

  it('names a column that holds no numbers, and leaves out what it is told to', async () => {
    const named = rowsCsv()
      .replaceAll(/^/gm, 'x')
      .replace('xa', 'label,a')
      .replaceAll(/^x(?=[-\d])/gm, 'ok,')
      .replace(/x$/, '');
    const refused = await score('rows', named);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('column "label" (1) holds no numbers but "ok": leave it out by --ignore 1');
    expect(refused.out).toBeNull();
    const byName = await score('rows', named, '--ignore', 'label');
    expect(byName.code).toBe(0);
    expect(scoresOf(byName.out)).toEqual(scoresOf((await score('rows', rowsCsv())).out));
    expect((await score('rows', named, '--ignore', '1')).out).toBe(byName.out);
  });

  it('scores a row with a number missing, and none without any; malformed rows have no score', async () => {
    const { code, out, values } = await score('rows', 'a,b\n1,2\n1,\n,NA\n1,x\n1,2,3\n');
    expect(code).toBe(1);
    expect(out).toBe('a,b,anomaly_score\n1,2,0.500000\n1,,0.500000\n,NA,\n1,x,\n1,2,3,\n');
    expect(values).toMatchObject([{ rows: 5, scored: 2, missing: 1, malformed: 2 }]);
  });

  it('goes through a long stream cut anywhere', async () => {
    const text = rowsCsv();
    const { out } = await score('rows', text);
    const bytes = Buffer.from(text);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 777) }, (_, i) =>
      bytes.subarray(777 * i, 777 * (i + 1)),
    );
    const program = new Command();
    const pipes = { input: Readable.from(chunks), output: new PassThrough() };
    addScore(program, { terminal: createSaid().terminal, failed: () => {} }, pipes);
    await program.parseAsync(['score', 'rows', '-', '--out', at('piped.csv')], { from: 'user' });
    expect(read('piped.csv')).toBe(out);
  });
});
