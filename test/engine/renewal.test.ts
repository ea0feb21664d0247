/** A finding that goes on is answered again before its answer runs out. */
import { describe, expect, it } from 'vitest';
import type { PolicyRule } from '../../src/decide/policy.js';
import type { EngineRecord } from '../../src/engine/record.js';
import {
  agentRecord,
  engineOf,
  eventOf,
  HOUR_MS,
  linesOf,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  SECOND_MS,
  START_MS,
} from './world.js';

const BUDGET: PolicyRule = { ...RULE, kinds: ['budget'], severity: 'high' };

/** An agent far beyond its budget that calls on, a call every so often. */
function spending(count: number, everyMs: number): EngineRecord[] {
  const calls = Array.from({ length: count }, (_, i) =>
    recordOf(eventOf({ id: `e-${i}`, timeMs: START_MS + i * everyMs, costUsd: 5 })),
  );
  return [agentRecord('clerk', START_MS, { sessionUsd: 1 }), ...calls];
}

function asked(rule: PolicyRule, records: readonly EngineRecord[]) {
  const engine = engineOf({ settings: { policy: policyOf([rule]), sessionIdleMs: 24 * HOUR_MS } });
  return outcomeOf(engine, records).proposals.map(({ key, time }) => ({
    key: key.replace(/^f-[0-9a-f]+:/, ''),
    afterMs: Date.parse(time) - START_MS,
  }));
}

describe('a finding that goes on', () => {
  it('proposes its action anew after half of the time, by a key of its own', () => {
    expect(asked(BUDGET, spending(100, MINUTE_MS))).toEqual([
      { key: 'suspend', afterMs: 0 },
      { key: 'suspend:1', afterMs: HOUR_MS / 2 },
      { key: 'suspend:2', afterMs: HOUR_MS },
      { key: 'suspend:3', afterMs: 1.5 * HOUR_MS },
    ]);
  });

  it('does so no more often than every ten seconds, and never where its action has no end', () => {
    const times = asked({ ...BUDGET, forMs: 2 * SECOND_MS }, spending(30, SECOND_MS)).map(({ afterMs }) => afterMs);
    expect(times).toEqual([0, 10 * SECOND_MS, 20 * SECOND_MS]);
    expect(asked({ ...BUDGET, forMs: null }, spending(100, MINUTE_MS))).toHaveLength(1);
  });

  it('writes no further line for it', () => {
    const engine = engineOf({ settings: { policy: policyOf([BUDGET]), sessionIdleMs: 24 * HOUR_MS } });
    const budget = outcomeOf(engine, spending(100, MINUTE_MS)).findings.filter(({ kind }) => kind === 'budget');
    expect(budget).toHaveLength(1);
  });

  it('is remembered by a snapshot: cut anywhere, the same proposals', () => {
    const records = spending(70, MINUTE_MS);
    const settings = { policy: policyOf([BUDGET]), sessionIdleMs: 24 * HOUR_MS };
    const whole = linesOf(engineOf({ settings }), records);
    for (const cut of [1, 2, 20, 31, 32, 45, 61, 62]) {
      const first = engineOf({ settings });
      const before = linesOf(first, records.slice(0, cut));
      const after = linesOf(engineOf({ settings, snapshot: first.snapshot() }), records.slice(cut), cut);
      expect([...before, ...after]).toEqual(whole);
    }
  });
});
