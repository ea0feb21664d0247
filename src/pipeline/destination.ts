/** Where a control record goes: every writer of `log:events` asks here. */
import { partitionOf } from '../engine/partition.js';
import type { ControlRecord } from '../engine/record.js';

/** Its partition; null: it goes into every one. */
export function destinationOf(record: ControlRecord, partitions: number): number | null {
  switch (record.type) {
    case 'model':
    case 'config':
    case 'verdict-undo':
      return null;
    case 'source':
      // A source has no partition of its own; the first tells people for all of them.
      return 0;
    case 'verdict':
      return 'agent' in record.scope ? partitionOf(record.tenant, record.scope.agent, partitions) : null;
    default:
      return partitionOf(record.tenant, record.agent, partitions);
  }
}
