import { describe, expect, it } from 'vitest';
import { AuditTrail } from '../../src/api/audit-trail.js';
import { runsOf } from '../../src/api/route-trail.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { proposal, register, seen, stop, time, wish } from '../registry/records.js';

function trailOf(records: readonly RegistryRecord[], ...max: number[]): AuditTrail {
  const trail = new AuditTrail(...max);
  const fold = createFold();
  for (const [offset, record] of records.entries()) trail.take({ offset, record, verdict: fold.apply(record) });
  return trail;
}

const offsets = (
  trail: AuditTrail,
  filter: Parameters<AuditTrail['page']>[0],
  limit = 100,
  before: number | null = null,
) => trail.page(filter, limit, before).entries.map(({ offset }) => offset);

const RECORDS = [
  ...[seen(1, 'a'), register(2, 'b', { owner: 'ops' }), stop(3, 'a'), time(4), proposal(5, wish('b')), stop(6, 'b')],
];

describe('the audit trail', () => {
  it('lists the newest first, page after page, each record once', () => {
    const trail = trailOf(RECORDS);
    expect(offsets(trail, {})).toEqual([5, 4, 3, 2, 1, 0]);
    const first = trail.page({}, 4, null);
    expect(first.entries.map(({ offset }) => offset)).toEqual([5, 4, 3, 2]);
    expect(first.before).toBe(2);
    expect(trail.page({}, 4, first.before)).toMatchObject({ entries: [{ offset: 1 }, { offset: 0 }], before: null });
    expect(trail.page({}, 6, null).before).toBeNull();
  });

  it('filters by whom a record is about, who wrote it, its type and its time', () => {
    const trail = trailOf(RECORDS);
    expect(offsets(trail, { agent: 'b' })).toEqual([5, 4, 1]);
    expect(offsets(trail, { type: 'stop' })).toEqual([5, 2]);
    expect(offsets(trail, { actor: 'engine:0' })).toEqual([4]);
    expect(offsets(trail, { people: true, tenant: '' })).toEqual([5, 2, 1]);
    expect(offsets(trail, { fromMs: 2, toMs: 4 })).toEqual([2, 1]);
    expect(offsets(trail, { visible: ({ agent }) => agent === 'a' })).toEqual([2, 0]);
  });

  it('says what the fold made of each', () => {
    const trail = trailOf([...RECORDS, stop(7, 'a', 'suspend', { actor: 'engine:0' })]);
    expect(trail.page({}, 1, null).entries).toMatchObject([{ effect: 'refused', reason: expect.any(String) }]);
  });

  it('forgets what machines reported before what people did', () => {
    const many = Array.from({ length: 50 }, (_, i) => time(10 + i));
    const trail = trailOf([...RECORDS, ...many], 100, 5);
    expect(trail.hasForgotten).toBe(true);
    expect(offsets(trail, { people: true })).toEqual([5, 2, 1]);
    expect(offsets(trail, { type: 'time' }).length).toBeLessThan(10);
  });
});

describe('the stretches of a log that are read for a page', () => {
  it('hold neighbours together and what is far apart asunder', () => {
    expect(runsOf([205, 204, 190, 100, 3])).toEqual([
      { from: 190, to: 205 },
      { from: 100, to: 100 },
      { from: 3, to: 3 },
    ]);
    expect(runsOf([])).toEqual([]);
  });
});
