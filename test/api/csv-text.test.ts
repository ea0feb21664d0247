/** Tables: what is written is what is read, and no cell is a formula. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listCell, listOf, readCsv } from '../../src/api/csv-text.js';
import { csvLine } from '../../src/render/csv-cells.js';

const RUNS = { numRuns: 500, seed: 4180 };
/** Text rich in what tables, spreadsheets and lists act on. */
const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', "'", '"', ',', ';', '\\', ' ', 'a'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

describe('a table', () => {
  it('gives back every cell as it was written, and no cell of it begins a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 4 }), (rows) => {
        const text = rows.map((cells) => `${csvLine(cells)}\r\n`).join('');
        const table = readCsv(text);
        expect(table.problem).toBeNull();
        expect(table.rows.map(({ cells }) => cells)).toEqual(rows);
        for (const one of rows.flat()) expect(csvLine([one])).not.toMatch(/^"?[=+\-@\t\r\n]/);
      }),
      RUNS,
    );
  });

  it('counts lines, also of cells that go over several', () => {
    const { rows } = readCsv('a,b\n"one\ntwo",x\r\n\n"y ""z""",\n');
    expect(rows).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['one\ntwo', 'x'] },
      { line: 5, cells: ['y "z"', ''] },
    ]);
  });

  it.each([
    ['a,b\nx,"y', { line: 2, message: 'a quote is not closed' }],
    ['a\nx"y', { line: 2, message: 'a quote stands inside a cell' }],
    ['"a"b', { line: 1, message: 'a quote is closed inside a cell' }],
  ])('says where it cannot be read: %j', (text, problem) => {
    expect(readCsv(text).problem).toEqual(problem);
  });
});

describe('a list in a cell', () => {
  it('gives back every name', () => {
    const name = cell.filter((one) => one !== '');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 4 }), (names) => {
        expect(listOf(listCell(names))).toEqual(names);
      }),
      RUNS,
    );
  });

  it('may be written with spaces, and be empty', () => {
    expect(listOf('a ; b c;')).toEqual(['a', 'b c']);
    expect(listCell([])).toBe(';');
    expect(listOf(';')).toEqual([]);
  });
});
