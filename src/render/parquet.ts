/** Findings as a Parquet file for a table engine: typed columns, one row a finding. The same findings, the same bytes. */
import { type BasicType, ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
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

/** A file that comes into being group by group, so that others have their turn between two of them. */
export interface FindingsFile {
  /** One row group. */
  add(states: readonly FindingState[]): void;
  /** The whole file; nothing may be added after. */
  end(): Uint8Array;
}

/** Times are UTC in milliseconds, what is not there is null. Snappy-compressed. */
export function createFindingsFile(): FindingsFile {
  const bytes = new ByteWriter();
  const schema = schemaFromColumnData({ columnData: columnsOf([]) });
  const file = new ParquetWriter({ writer: bytes, schema, createdBy: 'killdeer' });
  return {
    add: (states) => {
      if (states.length > 0) file.write({ columnData: columnsOf(states), rowGroupSize: states.length });
    },
    end: () => {
      file.finish();
      return new Uint8Array(bytes.getBuffer());
    },
  };
}

/** A whole file in one go. */
export function findingsParquet(states: readonly FindingState[]): Uint8Array {
  const file = createFindingsFile();
  file.add(states);
  return file.end();
}

function columnsOf(states: readonly FindingState[]): ColumnSource[] {
  return FINDING_COLUMNS.map(
    (column): ColumnSource => ({
      name: column.name,
      type: TYPES[column.type],
      nullable: true,
      data: states.map((state) => cellOf(column, column.of(state))),
    }),
  );
}

function cellOf({ type }: FindingColumn, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'time') return new Date(value as number);
  return type === 'json' ? inertJson(value) : value;
}
