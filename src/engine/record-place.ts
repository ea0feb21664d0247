/** Which partitions a control record is written to; every writer of control records asks here. */
import { agentOfFleet } from './fleet-record.js';
import { partitionOf } from './partition.js';
import type { ControlRecord } from './record.js';

/** The partition of a control record, 0 to partitions - 1; null: it goes into every one of them. */
export function placeOf(record: ControlRecord, partitions: number): number | null {
  switch (record.type) {
    case 'model':
    case 'config':
    case 'verdict-undo':
    case 'suppress-undo':
      return null;
    case 'source':
    case 'responder':
      // Neither has a partition of its own; the first tells people for all of them.
      return 0;
    case 'fleet': {
      const agent = agentOfFleet(record);
      return agent === null ? null : partitionOf(record.tenant, agent, partitions);
    }
    case 'verdict':
    case 'suppress':
      return 'agent' in record.scope ? partitionOf(record.tenant, record.scope.agent, partitions) : null;
    case 'agent':
    case 'reset':
      return partitionOf(record.tenant, record.agent, partitions);
  }
}
