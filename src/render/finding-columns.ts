/** The columns of a table of findings, one row a finding: the same for every format, each with its type. */
import type { FindingState } from '../triage/triage.js';
import { inert } from './inert.js';
import { verdictOf } from './taken.js';

/** What a cell holds: text, a number, a whole number, yes or no, a time (ms), or JSON. */
export type ColumnType = 'text' | 'number' | 'count' | 'boolean' | 'time' | 'json';

/** One column. */
export interface FindingColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** null: there is none. Of text every acting character is gone; of JSON it is the value, not its text. */
  readonly of: (state: FindingState) => unknown;
}

const text = (name: string, of: (state: FindingState) => string | null): FindingColumn => ({
  name,
  type: 'text',
  of: (state) => {
    const value = of(state);
    return value === null ? null : inert(value);
  },
});

const column = (name: string, type: Exclude<ColumnType, 'text'>, of: FindingColumn['of']): FindingColumn => ({
  name,
  type,
  of,
});

/** In the order in which they are written; new ones are added at the end. */
export const FINDING_COLUMNS: readonly FindingColumn[] = [
  text('id', ({ finding }) => finding.id),
  column('raised', 'time', ({ raisedMs }) => raisedMs),
  column('last', 'time', ({ lastMs }) => lastMs),
  text('tenant', ({ finding }) => finding.tenant),
  text('agent', ({ finding }) => finding.agent),
  text('root', ({ finding }) => finding.root),
  text('session', ({ finding }) => finding.session),
  text('severity', ({ finding }) => finding.severity),
  text('kind', ({ finding }) => finding.kind),
  text('title', ({ finding }) => finding.title),
  column('risk', 'number', ({ finding }) => finding.risk),
  column('p', 'number', ({ finding }) => finding.p),
  text('status', ({ status }) => status),
  text('resolution', ({ resolution }) => resolution),
  text('assignee', ({ assignee }) => assignee),
  text('verdict', verdictOf),
  text('case', (state) => state.case),
  column('closed', 'time', ({ closedMs }) => closedMs),
  column('lines', 'count', ({ lines }) => lines),
  column('comments', 'count', ({ comments }) => comments),
  column('quiet', 'boolean', ({ quiet }) => quiet),
  column('suppressed', 'boolean', ({ suppressed }) => suppressed),
  column('bound', 'boolean', ({ finding }) => finding.bound),
  text('detector', ({ finding }) => finding.attribution[0]?.detector ?? null),
  text('feature', ({ finding }) => finding.attribution[0]?.feature ?? null),
  column('observed', 'number', ({ finding }) => finding.attribution[0]?.observed ?? null),
  column('expected', 'number', ({ finding }) => finding.attribution[0]?.expected ?? null),
  column('attribution', 'json', ({ finding }) => finding.attribution),
  column('evidence', 'json', ({ finding }) => finding.evidence),
  text('model', ({ finding }) => finding.model),
  text('config', ({ finding }) => finding.config),
  text('proposal', ({ finding }) => finding.proposal),
];
