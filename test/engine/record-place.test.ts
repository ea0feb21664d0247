import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { placeOf } from '../../src/engine/record-place.js';
import { finding } from '../api/world.js';
import { verdictOn } from '../engine/verdict-of.js';
import { agentRecord } from '../engine/world.js';

const PARTITIONS = 7;

describe('the destination of a control record', () => {
  const verdict = verdictOn(finding('f-1', { tenant: 'acme', root: 'crew' }), { timeMs: 1 });

  it('is the partition of the agent that it names, with its whole tree', () => {
    expect(placeOf(agentRecord('crew/sub-1', 1, {}), PARTITIONS)).toBe(partitionOf('', 'crew', PARTITIONS));
    expect(placeOf(verdict, PARTITIONS)).toBe(partitionOf('acme', 'crew', PARTITIONS));
  });

  it('is every partition for a role, for what is taken back, for models', () => {
    const undo = { type: 'verdict-undo', timeMs: 1, id: 'v-1', actor: 'person:ann' } as const;
    const model = { type: 'model', timeMs: 1, version: 'm' } as const;
    for (const record of [{ ...verdict, scope: { role: 'desk' } }, undo, model]) {
      expect(placeOf(record, PARTITIONS)).toBe(null);
    }
  });
});
