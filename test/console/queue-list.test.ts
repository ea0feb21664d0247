import { describe, expect, it } from 'vitest';
import {
  extended,
  filterOf,
  listOf,
  type QueueList,
  type QueueRow,
  queueLink,
  updated,
} from '../../src/console/queue-list.js';

function row(id: string, over: Partial<QueueRow> = {}): QueueRow {
  const whose = { id, tenant: '', agent: 'clerk', root: 'clerk', session: null, case: `c-${id}` };
  const what = { title: `${id} calls crm.update`, kind: 'retry-loop', severity: 'high', risk: 50, p: 0.01 } as const;
  const standing = { status: 'new', resolution: null, assignee: null, closed_ms: null, comments: 0 } as const;
  const marks = { quiet: false, suppressed: false, bound: true, proposal: null, muted_by: null, verdicts: [] };
  const told = { time: '2026-01-01T00:00:00.000Z', raised_ms: 1, last_ms: 1, lines: 1, model: 'm', config: 'c' };
  return { ...whose, ...what, ...standing, ...marks, ...told, attribution: [], evidence: [], ...over };
}

const page = (ids: readonly string[], cursor: string | null = null) => ({
  ...{ findings: ids.map((id) => row(id)), cursor, total: ids.length, updates: 'u-1' },
});
const usual = filterOf(new URLSearchParams());
const idsOf = (list: QueueList) => list.rows.map(({ id }) => id);

describe('the list of the queue', () => {
  it('changes a row where it stands, also one that no longer fits', () => {
    const list = listOf(page(['a', 'b', 'c']));
    const next = updated(list, row('b', { severity: 'critical', status: 'closed', last_ms: 9 }), usual, 'ada');
    expect(idsOf(next)).toEqual(['a', 'b', 'c']);
    expect(next.rows[1]).toMatchObject({ severity: 'critical', status: 'closed', last_ms: 9 });
    expect(next.rows[0]).toBe(list.rows[0]);
    expect(next.waiting.size).toBe(0);
  });

  it('lets what is new wait, each once, and only what it would hold', () => {
    let list = listOf(page(['a']));
    list = updated(list, row('new'), usual, 'ada');
    list = updated(list, row('new', { risk: 60 }), usual, 'ada');
    for (const over of [{ severity: 'low' }, { status: 'closed' }, { quiet: true }] as const) {
      list = updated(list, row('other', over), usual, 'ada');
    }
    expect(idsOf(list)).toEqual(['a']);
    expect([...list.waiting]).toEqual(['new']);
  });

  it.each([
    ['assignee=me', { assignee: 'ada' }, { assignee: 'bob' }],
    ['assignee=', { assignee: null }, { assignee: 'ada' }],
    ['agent=root', { agent: 'root/sub-1', root: 'root' }, { agent: 'clerk' }],
    ['search=CRM+retry', {}, { title: 'spends too much' }],
    ['kinds=spend,retry-loop', {}, { kind: 'budget' }],
    ['quiet=true', { quiet: true }, { quiet: false }],
    ['tenant=acme', { tenant: 'acme' }, { tenant: '' }],
    ['case=c-1', { case: 'c-1' }, { case: 'c-2' }],
    ['suppressed=true', { suppressed: true }, { suppressed: false }],
  ])('knows what belongs to %s', (query, yes, no) => {
    const filter = filterOf(new URLSearchParams(query));
    const waits = (over: Partial<QueueRow>) =>
      updated(listOf(page([])), row('x', over), filter, 'ada').waiting.has('x');
    expect([waits(yes), waits(no)]).toEqual([true, false]);
  });

  it('goes on with a further page, without what it has', () => {
    const list = extended(listOf(page(['a', 'b'], 'next')), page(['b', 'c']));
    expect(idsOf(list)).toEqual(['a', 'b', 'c']);
    expect(list.cursor).toBeNull();
  });
});

describe('the address of the queue', () => {
  it('says only what is not as usual, and reads back', () => {
    const none = new URLSearchParams();
    expect(queueLink(none, { severity: 'medium', quiet: 'false' })).toBe('#/queue');
    const link = queueLink(none, { statuses: 'closed', search: 'a b', assignee: '' });
    expect(link).toBe('#/queue?statuses=closed&search=a+b&assignee=');
    const back = new URLSearchParams(link.split('?')[1]);
    expect(filterOf(back)).toEqual({ ...usual, statuses: 'closed', search: 'a b', assignee: '' });
    expect(queueLink(back, { statuses: null, search: null, assignee: null })).toBe('#/queue');
  });

  it('takes nothing over that the list does not filter by', () => {
    expect(filterOf(new URLSearchParams('limit=100000&cursor=x'))).toEqual(usual);
  });
});
