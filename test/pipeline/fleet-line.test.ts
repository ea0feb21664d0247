import { describe, expect, it } from 'vitest';
import type { FleetRecord } from '../../src/engine/fleet-record.js';
import { createPriceTable } from '../../src/event/prices.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';

const HEAD = { type: 'fleet', timeMs: 1_000, n: 0, tenant: 'acme', finding: 'f-00000000000000aa' } as const;
const SEEN = { bound: true, seenMs: 900 } as const;
const RECORDS: readonly FleetRecord[] = [
  { ...HEAD, state: 'outage', fromMs: 900, endpoints: ['gpt'], isWide: false, agents: 3, active: 5, p: 1e-8 },
  { ...HEAD, state: 'over', fromMs: 900 },
  {
    ...{ ...HEAD, state: 'deploy', fromMs: 900, cohort: 'role:acme:clerk', members: 6, endpoint: 'get_weather' },
    ...{ hash: '00000000000000aa', agents: 3 },
  },
  { ...HEAD, ...SEEN, state: 'shared-credential', agent: 'a/b', root: 'a', credential: 'c0ffee', others: ['c'] },
  { ...HEAD, ...SEEN, state: 'delegation-tree', how: 'shared', agent: 'a', observed: 2, expected: 1, other: 'c' },
];
const prices = createPriceTable([]);

describe('the line of a fleet record', () => {
  it.each(RECORDS)('holds all of $state', (record) => {
    expect(decodeRecord(encodeRecord(record), 0, prices)).toEqual(record);
  });

  it.each([
    ['no state', { ...HEAD }],
    ['another state', { ...RECORDS[1], state: 'maybe' }],
    ['a member too many', { ...RECORDS[1], more: 1 }],
    ['a member too few', { ...RECORDS[0], endpoints: undefined }],
    ['an id of another form', { ...RECORDS[1], finding: 'aa' }],
    ['a p above 1', { ...RECORDS[0], p: 2 }],
  ])('is refused with %s', (_, record) => {
    expect(decodeRecord(JSON.stringify(record), 7, prices)).toMatchObject({
      rejected: true,
      code: 'record.invalid',
      position: 7,
    });
  });
});
