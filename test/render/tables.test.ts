import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { readCsv } from '../../src/api/csv-text.js';
import { findingCsvHeader, findingCsvRow } from '../../src/render/csv.js';
import { FINDING_COLUMNS } from '../../src/render/finding-columns.js';
import { inert } from '../../src/render/inert.js';
import { findingsParquet } from '../../src/render/parquet.js';
import { HOSTILE, stateWith } from './states.js';

const NAMES = FINDING_COLUMNS.map(({ name }) => name);

function rowOf(state: Parameters<typeof findingCsvRow>[0]): Record<string, string> {
  const table = readCsv(`${findingCsvHeader}\r\n${findingCsvRow(state)}\r\n`);
  expect(table.problem).toBeNull();
  const [header, row] = table.rows;
  expect(header?.cells).toEqual(NAMES);
  expect(row?.cells.length).toBe(NAMES.length);
  return Object.fromEntries(NAMES.map((name, i) => [name, row?.cells[i] as string]));
}

describe('a finding as a row', () => {
  it('says what it says', () => {
    const row = rowOf(stateWith({}, { assignee: 'kim', verdicts: [{ id: 'v', verdict: 'expected', undone: false }] }));
    expect(row).toMatchObject({
      id: 'f-0123456789abcdef',
      last: '2031-05-02T14:00:00.000Z',
      raised: '2031-05-02T13:59:00.000Z',
      severity: 'high',
      risk: '87.5',
      assignee: 'kim',
      verdict: 'expected',
      closed: '',
      detector: 'egress',
      observed: '1200000',
    });
    expect(JSON.parse(row['attribution'] as string)).toHaveLength(2);
  });

  it.each(HOSTILE)('is inert in a spreadsheet: %j', (text) => {
    const state = stateWith({ title: text, agent: text, session: text }, { assignee: text });
    const line = findingCsvRow(state);
    for (const cell of line.split(',')) expect(cell).not.toMatch(/^"?[=+\-@＝＋－＠\t\r\n]/);
    expect(rowOf(state)['title']).toBe(inert(text));
  });
});

describe('findings as a Parquet file', () => {
  const states = [
    stateWith(),
    stateWith({ id: 'f-2', session: null, attribution: [], proposal: null }, { status: 'closed', closedMs: 1_000 }),
    ...HOSTILE.map((title, i) => stateWith({ id: `f-h${i}`, title })),
  ];

  it('is read back, typed, by a reader of its own', async () => {
    const bytes = findingsParquet(states);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const rows = await parquetReadObjects({ file });
    expect(rows).toHaveLength(states.length);
    expect(rows[0]).toMatchObject({
      id: 'f-0123456789abcdef',
      raised: new Date('2031-05-02T13:59:00.000Z'),
      risk: 87.5,
      lines: 1,
      bound: true,
      closed: null,
    });
    expect(rows[1]).toMatchObject({ session: null, observed: null, closed: new Date(1_000), status: 'closed' });
    expect(rows.slice(2).map((row) => row['title'])).toEqual(HOSTILE.map(inert));
    const types = new Map(parquetMetadata(file).schema.map(({ name, type }) => [name, type]));
    expect([types.get('risk'), types.get('lines'), types.get('raised'), types.get('bound')]).toEqual([
      'DOUBLE',
      'INT32',
      'INT64',
      'BOOLEAN',
    ]);
  });

  it('has the same bytes for the same findings, and its columns where there is none', async () => {
    expect(findingsParquet(states)).toEqual(findingsParquet(states));
    const none = findingsParquet([]);
    expect(
      parquetMetadata(none.buffer as ArrayBuffer)
        .schema.map(({ name }) => name)
        .slice(1),
    ).toEqual(NAMES);
  });
});
