/**
 * Findings as files: each format with its type, its name and how its rows are written. Texts come in pieces, so that
 * neither memory nor the thread that answers decisions is held up by a large one.
 */
import { setImmediate as pause } from 'node:timers/promises';
import { findingCsvHeader, findingCsvRow } from '../render/csv.js';
import { inertJson } from '../render/inert.js';
import { ocsfFinding } from '../render/ocsf-finding.js';
import { createFindingsFile } from '../render/parquet.js';
import type { FindingSort, FindingState, TriageBoard, TriageFilter } from '../triage/triage.js';
import type { ExportFormat } from './triage-schema.js';
import { stateView } from './triage-view.js';

/** What an export is made of. */
export interface ExportParts {
  readonly triage: TriageBoard;
  /** Of this program, which documents name. */
  readonly version: string;
}

interface TextForm {
  readonly type: string;
  readonly ending: string;
  readonly head: string;
  line(state: FindingState, version: string): string;
}

/** What an export can be, without parameters. */
export const FINDING_FILE_TYPES = ['application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet'];
const PARQUET_TYPE = 'application/vnd.apache.parquet';
/** Findings of one page of the board, and of one piece of text: each a few milliseconds. */
const PAGE = 500;
const PIECE = 100;
/** Findings of one row group of a Parquet file. */
const GROUP = 2_000;

const TEXTS: Readonly<Record<Exclude<ExportFormat, 'parquet'>, TextForm>> = {
  jsonl: {
    type: 'application/x-ndjson',
    ending: 'jsonl',
    head: '',
    line: (state) => inertJson(stateView(state)),
  },
  csv: {
    type: 'text/csv; charset=utf-8; header=present',
    ending: 'csv',
    head: `${findingCsvHeader}\r\n`,
    line: (state) => `${findingCsvRow(state)}\r`,
  },
  ocsf: {
    type: 'application/x-ndjson',
    ending: 'ocsf.jsonl',
    head: '',
    line: (state, version) => inertJson(ocsfFinding(state, { version })),
  },
};

/** The type of a file, and its name in plain ASCII. */
export function fileOf(format: ExportFormat, nowMs: number): { readonly type: string; readonly name: string } {
  const { type, ending } = format === 'parquet' ? { type: PARQUET_TYPE, ending: 'parquet' } : TEXTS[format];
  const at = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return { type, name: `findings-${at}.${ending}` };
}

/** Pieces of a text, each made when the one before was taken. */
export async function* exportText(
  { triage, version }: ExportParts,
  format: keyof typeof TEXTS,
  filter: TriageFilter,
  sort: FindingSort,
): AsyncGenerator<string> {
  const { head, line } = TEXTS[format];
  if (head !== '') yield head;
  for await (const states of piecesOf(triage, filter, sort)) {
    yield states.map((state) => `${line(state, version)}\n`).join('');
  }
}

/** The whole file; it is complete only with its end, so it is held until then. */
export async function exportParquet(triage: TriageBoard, filter: TriageFilter, sort: FindingSort): Promise<Uint8Array> {
  const file = createFindingsFile();
  let group: FindingState[] = [];
  for await (const states of piecesOf(triage, filter, sort)) {
    group.push(...states);
    if (group.length < GROUP) continue;
    file.add(group);
    group = [];
  }
  file.add(group);
  return file.end();
}

/** In pages of the board, so that what comes or goes meanwhile moves no other row, cut into pieces. */
async function* piecesOf(
  triage: TriageBoard,
  filter: TriageFilter,
  sort: FindingSort,
): AsyncGenerator<readonly FindingState[]> {
  let cursor: string | null = null;
  do {
    const page = triage.list(filter, sort, PAGE, cursor);
    for (let at = 0; at < page.rows.length; at += PIECE) {
      yield page.rows.slice(at, at + PIECE);
      await pause();
    }
    cursor = page.cursor;
  } while (cursor !== null);
}
