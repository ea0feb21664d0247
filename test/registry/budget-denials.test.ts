import { describe, expect, it } from 'vitest';
import { BudgetDenials } from '../../src/registry/budget-denials.js';
import { entryOf } from './entries.js';

const known = new Map([
  ['a', entryOf('a')],
  ['b', entryOf('b', { parent: 'a' })],
]);
const NOW_MS = 1_000_000;

describe('BudgetDenials', () => {
  it('makes one record per agent and minute, with the count, the last call and the line above', () => {
    const book = new BudgetDenials((_tenant, agent) => known.get(agent) ?? null);
    book.note('', 'b', { endpoint: 'first' });
    const [first, ...others] = book.drain(NOW_MS);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ type: 'denied', agent: 'b', denial: 'budget', count: 1, enforced: true, rule: null });
    expect(first.trail.map((step) => step.agent)).toEqual(['b', 'a']);
    for (const endpoint of ['second', 'third']) book.note('', 'b', { endpoint });
    expect(book.drain(NOW_MS + 59_999)).toEqual([]);
    const [second] = book.drain(NOW_MS + 60_000);
    expect(second).toMatchObject({ count: 2, question: { endpoint: 'third' } });
    expect(book.drain(NOW_MS + 120_000)).toEqual([]);
    book.note('', 'b', {});
    expect(book.drain(NOW_MS + 120_001)).toHaveLength(1);
  });

  it('counts a bounded number of agents', () => {
    const book = new BudgetDenials(() => null);
    for (let i = 0; i < 2_000; i++) book.note('', `agent-${i}`, {});
    expect(book.drain(NOW_MS)).toHaveLength(1_000);
  });
});
