/** The brakes by role and by severity, what a breaker tells, and what it costs whom. */
import { describe, expect, it } from 'vitest';
import type { Severity } from '../../src/decide/finding.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { RegistryRecord, Verdict } from '../../src/registry/registry.js';
import { fold, HOUR_MS, last, policy, proposal, register, stop, throughJson, time, wish } from './records.js';

const TEN = policy('enforce', { stopsMax: 10, cohortMax: 1_000 });

function wishes(count: number, severity: Severity, name: string, atMs = 1): RegistryRecord[] {
  return Array.from({ length: count }, (_, i) => proposal(atMs, wish(`${name}-${i}`, 'suspend', { severity })));
}

function applied(verdicts: readonly Verdict[]): number {
  return verdicts.filter(({ effect, entry }) => effect === 'applied' && entry?.status === 'suspended').length;
}

describe('the shares of the brakes', () => {
  it.each([
    ['low', 4],
    ['medium', 4],
    ['high', 8],
    ['critical', 10],
  ] as const)('let findings of severity %s make %i of 10 stops', (severity, count) => {
    const { fold: f, verdicts } = fold(TEN, ...wishes(20, severity, 'a'));
    expect(applied(verdicts)).toBe(count);
    expect(f.brakes()).toMatchObject({ open: true });
    expect(f.brakes().skipped).toHaveLength(20 - count);
  });

  it('keep stops for the grave ones, whoever provokes the cheap ones first', () => {
    const decoys = [...wishes(30, 'low', 'decoy'), ...wishes(30, 'high', 'noise')];
    const { fold: f, verdicts } = fold(TEN, ...decoys, ...wishes(3, 'critical', 'real', 2));
    expect(applied(verdicts.slice(0, 61))).toBe(8);
    expect(verdicts.slice(61).map(({ effect }) => effect)).toEqual(['applied', 'applied', 'refused']);
    expect(f.brakes().skipped[0].agent).toBe('real-2');
    expect(f.brakes().openings).toMatchObject([{ severity: 'critical', role: null, skipped: 53 }]);
  });

  it('are as the policy says, and there are none of fewer than three stops', () => {
    const shares = { medium: 0.1, high: 0.5 };
    expect(applied(fold(policy('enforce', { stopsMax: 10, shares }), ...wishes(20, 'high', 'a')).verdicts)).toBe(5);
    expect(applied(fold(policy('enforce', { stopsMax: 3, shares }), ...wishes(20, 'low', 'a')).verdicts)).toBe(1);
    expect(applied(fold(policy('enforce', { stopsMax: 2, shares }), ...wishes(20, 'low', 'a')).verdicts)).toBe(2);
  });

  it('say which part is used up', () => {
    expect(last(TEN, ...wishes(9, 'high', 'a')).reason).toBe(
      'the breaker is open for findings of high severity and below: they may use 8 of 10 automatic stops in 3600 s',
    );
  });
});

describe('the brakes of a role', () => {
  const roles = (count: number, role: string) =>
    Array.from({ length: count }, (_, i) => register(0, `${role}-${i}`, { role }));
  const braked = policy('enforce', { stopsMax: 100, shares: { medium: 1, high: 1 } });

  it('keep three of its agents for one rule to take, and go on stopping others', () => {
    const records = [braked, ...roles(50, 'support'), ...wishes(50, 'critical', 'support'), proposal(2, wish('else'))];
    const { fold: f, verdicts } = fold(...records);
    expect(applied(verdicts)).toBe(4);
    expect(f.brakes()).toMatchObject({ open: true, left: 96, openings: [{ role: 'support', skipped: 47 }] });
    expect(f.entry('', 'else')?.status).toBe('suspended');
  });

  it('are of one tenant, and close after an interval', () => {
    const other = register(0, 'far', { tenant: 't', role: 'support' });
    const records = [braked, ...roles(4, 'support'), other, ...wishes(4, 'critical', 'support')];
    expect(last(...records, proposal(2, wish('far', 'suspend', { tenant: 't' }))).effect).toBe('applied');
    expect(last(...records, proposal(HOUR_MS, wish('support-3'))).reason).toBe(
      'the breaker is open for the role support: at most 3 automatic stops in 3600 s',
    );
    expect(last(...records, proposal(HOUR_MS + 1, wish('support-3'))).effect).toBe('applied');
  });
});

describe('people are told of a breaker', () => {
  const bad = [policy('enforce'), ...wishes(500, 'high', 'a')];

  it('two seconds after it opened, once, with all that it skipped meanwhile', () => {
    const { fold: f, verdicts } = fold(...bad);
    expect(applied(verdicts)).toBe(4);
    expect(verdicts.filter(({ opened }) => opened !== undefined)).toEqual([]);
    expect(f.nextExpiryMs()).toBe(2_001);
    const { opened } = f.apply(time(2_001));
    expect(opened).toMatchObject({ severity: 'high', policy: 'p', rule: 'r', skipped: 496, sinceMs: 1, role: null });
    expect(opened?.agents).toHaveLength(100);
    expect(f.apply(time(4_000)).opened).toBeUndefined();
    expect(f.nextExpiryMs()).toBe(1 + HOUR_MS);
  });

  it('again where it becomes wider', () => {
    const { fold: f } = fold(...bad, time(3_000), ...wishes(2, 'critical', 'b', 4_000));
    expect(f.apply(time(6_000)).opened).toMatchObject({ severity: 'critical', skipped: 497, sinceMs: 4_000 });
  });

  it('by whatever record comes then, and though the reader restarts before', () => {
    const { fold: f } = fold(...bad);
    const again = restoreFold(throughJson(f.snapshot()));
    expect(again.apply(stop(3_000, 'x')).opened).toEqual(f.apply(stop(3_000, 'x')).opened);
  });

  it('even where the breaker is closed by then', () => {
    const brief = policy('enforce', { stopsMax: 0, intervalMs: 1_000 });
    expect(last(brief, ...wishes(1, 'high', 'a'), time(1_001)).opened).toMatchObject({ skipped: 1 });
    expect(fold(brief, ...wishes(1, 'high', 'a'), time(1_001)).fold.brakes().open).toBe(false);
  });
});

it('brakes of an earlier version are read: what was counted counts, what was open is open', () => {
  const { fold: f } = fold(policy('enforce', { stopsMax: 2 }));
  const snapshot = throughJson(f.snapshot()) as Record<string, unknown>;
  const earlier = (openUntilMs: number | null) =>
    restoreFold({ ...snapshot, brake: { stopsMs: [0, 0], openUntilMs } }).brakes();
  expect(earlier(null)).toMatchObject({ left: 0, open: false });
  expect(earlier(HOUR_MS)).toMatchObject({ left: 0, open: true });
  expect(createFold().brakes()).toMatchObject({ left: 5, open: false, openings: [] });
});
