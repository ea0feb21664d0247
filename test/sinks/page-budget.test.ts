import { describe, expect, it } from 'vitest';
import {
  digestDueMs,
  isSentAtOnce,
  type PagedHour,
  pagesOf,
  withPages,
  worstFirst,
} from '../../src/sinks/page-budget.js';

const HOUR_MS = 3_600_000;

describe('the page budget', () => {
  it.each([
    ['medium', 0, null, true],
    ['medium', 9, 10, true],
    ['medium', 10, 10, false],
    ['high', 10, 10, true],
    ['high', 19, 10, true],
    ['high', 20, 10, false],
    ['critical', 1_000, 10, true],
    ['medium', 0, 0, false],
    ['high', 0, 0, false],
    ['critical', 0, 0, true],
  ] as const)('of %s after %d of %s: %s', (severity, sent, perDay, expected) => {
    expect(isSentAtOnce(severity, sent, perDay)).toBe(expected);
  });

  it('counts a running day by its hours, and forgets what is older', () => {
    let hours: readonly PagedHour[] = [];
    for (let hour = 0; hour < 48; hour++) hours = withPages(hours, hour * HOUR_MS + 1, 1);
    expect(pagesOf(hours, 47 * HOUR_MS + 2)).toBe(24);
    expect(hours.length).toBeLessThanOrEqual(25);
    expect(pagesOf(withPages(hours, 47 * HOUR_MS + 3, 2), 47 * HOUR_MS + 4)).toBe(26);
    expect(pagesOf(hours, 200 * HOUR_MS)).toBe(0);
  });

  it('has a digest an hour after the first was held, and none where nothing is', () => {
    expect(digestDueMs(0, 5)).toBeNull();
    expect(digestDueMs(3, 5)).toBe(5 + HOUR_MS);
  });

  it('puts the worst first', () => {
    const held = (id: string, severity: 'medium' | 'high', risk: number) => ({
      id,
      key: id,
      severity,
      risk,
      kind: 'joint',
      agent: 'a',
    });
    const ids = worstFirst([
      held('a', 'medium', 60),
      held('b', 'high', 70),
      held('c', 'medium', 65),
      held('d', 'high', 70),
    ]);
    expect(ids.map(({ id }) => id)).toEqual(['b', 'd', 'c', 'a']);
  });
});
