/** Findings as a Parquet file for a table engine: typed columns, one row a finding. The same findings, the same bytes. */
import { type BasicType, type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type { FindingState } from '../triage/triage.js';
import { type ColumnType, FINDING_COLUMNS, type FindingColumn } from './finding-columns.js';
import { inertJson } from './inert.js';

const TYPES: Readonly<Record<ColumnType, BasicType>> = {
  text: 'STRING',
  number: 'DOUBLE',
  count: 'INT32',
  boolean: 'BOOLEAN',
  time: 'TIMESTAMP',
  // As text: an engine that knows no JSON type reads it too.
  json: 'STRING',
};

/** A whole file; times are UTC in milliseconds, what is not there is null. Snappy-compressed. */
export function findingsParquet(states: readonly FindingState[]): Uint8Array {
  const columnData = FINDING_COLUMNS.map(
    (column): ColumnSource => ({
      name: column.name,
      type: TYPES[column.type],
      nullable: true,
      data: states.map((state) => cellOf(column, column.of(state))),
    }),
  );
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'killdeer' }));
}

function cellOf({ type }: FindingColumn, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'time') return new Date(value as number);
  return type === 'json' ? inertJson(value) : value;
}
