import { describe, expect, it } from 'vitest';
import { S } from '../../src/agent/sessions.js';
import type { Outcome } from '../../src/engine/outcome.js';
import type { Budgets, EngineRecord } from '../../src/engine/record.js';
import { createRandom } from '../../src/math/random.js';
import {
  agentRecord,
  DAY_MS,
  engineOf,
  eventOf,
  HOUR_MS,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  withTicks,
} from './world.js';

interface Spending {
  readonly usd: number;
  readonly everyMs: number;
  readonly count: number;
  readonly fromMs?: number;
  readonly session?: string;
}

/** Calls of one price, evenly spaced. */
function spending({ usd, everyMs, count, fromMs = START_MS, session = 's-1' }: Spending) {
  return Array.from({ length: count }, (_, at) =>
    recordOf(eventOf({ id: `${session}-${fromMs}-${at}`, session, costUsd: usd, timeMs: fromMs + at * everyMs })),
  );
}

/** Findings of kind budget of an agent with these budgets. */
function breaches(budgets: Partial<Budgets>, records: readonly EngineRecord[]): Outcome['findings'] {
  const { findings } = outcomeOf(engineOf(), [agentRecord('clerk', START_MS, budgets), ...records]);
  return findings.filter(({ kind }) => kind === 'budget');
}

describe('budgets', () => {
  it('are hard: the call that reaches one is critical, the call before is not', () => {
    const records = spending({ usd: 0.25, everyMs: 1000, count: 8 });
    const found = breaches({ sessionUsd: 2 }, records);
    expect(found).toMatchObject([{ severity: 'critical', evidence: [{ offset: 8 }] }]);
    expect(found[0].attribution).toEqual([
      { detector: 'budget', feature: 'session budget', observed: 2, expected: 2, share: 1 },
    ]);
    expect(breaches({ sessionUsd: 2 }, records.slice(0, 7))).toEqual([]);
  });

  it('of a session start anew with the next one, of a day at midnight UTC', () => {
    const sessions = [1, 2, 3].flatMap((at) =>
      spending({ usd: 0.9, everyMs: 1000, count: 1, fromMs: START_MS + at * HOUR_MS, session: `s-${at}` }),
    );
    expect(breaches({ sessionUsd: 1 }, sessions)).toEqual([]);
    expect(breaches({ dayUsd: 2.5 }, sessions)).toMatchObject([{ severity: 'critical', evidence: [{ offset: 3 }] }]);
    const days = [1, 2, 3].flatMap((at) =>
      spending({ usd: 0.9, everyMs: 1000, count: 1, fromMs: START_MS + at * DAY_MS - 1, session: `s-${at}` }),
    );
    expect(breaches({ dayUsd: 1 }, withTicks(days))).toEqual([]);
  });

  it('are foreseen: spending that will surely overrun is high before it is critical', () => {
    const found = breaches({ dayUsd: 60 }, withTicks(spending({ usd: 0.1, everyMs: 1000, count: 700 })));
    expect(found.map(({ severity }) => severity)).toEqual(['high', 'critical']);
    const [foreseen, used] = found;
    expect(Date.parse(used.time) - Date.parse(foreseen.time)).toBeGreaterThan(MINUTE_MS);
    expect(foreseen.title).toContain('is about to use up');
    expect(used.title).toContain('has used up');
  });

  it('are foreseen by a runaway that spends 87 of 100 dollars in half a minute', () => {
    const found = breaches({ dayUsd: 100 }, withTicks(spending({ usd: 2.9, everyMs: 1000, count: 30 })));
    expect(found).toMatchObject([{ severity: 'high' }]);
    expect(found[0].attribution[0].observed).toBeLessThan(found[0].attribution[0].expected);
  });

  it('are not foreseen where steady spending ends the day below them', () => {
    const steady = withTicks(spending({ usd: 0.1, everyMs: MINUTE_MS, count: 1439 }));
    expect(breaches({ dayUsd: 200 }, steady)).toEqual([]);
    expect(breaches({ dayUsd: 5000 }, steady)).toEqual([]);
  });

  it('are not foreseen after a few busy minutes: 8 of 100 dollars are no day', () => {
    expect(breaches({ dayUsd: 100 }, withTicks(spending({ usd: 1, everyMs: MINUTE_MS, count: 8 })))).toEqual([]);
  });

  it('are said again of the next session and of the next day', () => {
    const sessions = [1, 2, 3].flatMap((at) =>
      spending({ usd: 2, everyMs: 1000, count: 2, fromMs: START_MS + at * HOUR_MS, session: `s-${at}` }),
    );
    expect(breaches({ sessionUsd: 1 }, withTicks(sessions)).map(({ session }) => session)).toHaveLength(3);
    const days = [1, 2, 3].flatMap((at) =>
      spending({ usd: 2, everyMs: 1000, count: 2, fromMs: START_MS + at * DAY_MS - HOUR_MS, session: `d-${at}` }),
    );
    const found = breaches({ dayUsd: 1 }, withTicks(days));
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
  });

  it('pass the brakes only once they are used up, even where what was foreseen was answered before', () => {
    const engine = engineOf({ settings: { policy: policyOf([RULE]) } });
    const { proposals } = outcomeOf(engine, [
      agentRecord('clerk', START_MS, { dayUsd: 100 }),
      ...withTicks(spending({ usd: 2.9, everyMs: 1000, count: 40 })),
    ]);
    const asked = proposals.filter(({ kind }) => kind === 'budget');
    expect(asked.map(({ severity, hardBudget }) => [severity, hardBudget])).toEqual([
      ['high', false],
      ['critical', true],
    ]);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(2);
  });

  it('are not used up by rounding', () => {
    const engine = engineOf({ settings: { policy: policyOf([RULE]) } });
    const { proposals, findings } = outcomeOf(engine, [
      agentRecord('clerk', START_MS, { sessionUsd: 100.001 }),
      ...withTicks(spending({ usd: 25, everyMs: 10_000, count: 4 })),
    ]);
    expect(engine.inside.observation.sessionNumber(S.costUsd)).toBe(100);
    expect(proposals.filter(({ hardBudget }) => hardBudget)).toEqual([]);
    for (const { severity, attribution } of findings.filter(({ kind }) => kind === 'budget')) {
      expect(severity).toBe('high');
      expect(attribution[0].observed).toBeLessThan(attribution[0].expected);
    }
  });

  it('are forecast anew after an hour without spending', () => {
    const burst = spending({ usd: 0.5, everyMs: 1000, count: 30 });
    const later = spending({ usd: 0.5, everyMs: 1000, count: 5, fromMs: START_MS + 3 * HOUR_MS, session: 's-2' });
    expect(breaches({ dayUsd: 400 }, withTicks([...burst, ...later]))).toEqual([]);
  });

  it('are foreseen for a session that grows', () => {
    const random = createRandom('growth');
    const records = Array.from({ length: 300 }, (_, at) => {
      const costUsd = 0.001 * (at + 1) * random.between(0.9, 1.1);
      return recordOf(eventOf({ id: `grow-${at}`, costUsd, timeMs: START_MS + at * 2000 }));
    });
    const found = breaches({ sessionUsd: 20 }, withTicks(records));
    expect(found.map(({ severity }) => severity)).toEqual(['high', 'critical']);
  });

  it('say nothing where there is none, or none any more', () => {
    const records = spending({ usd: 1e5, everyMs: 1000, count: 9 });
    expect(breaches({}, records)).toEqual([]);
    expect(breaches({ sessionUsd: 1 }, [agentRecord('clerk', START_MS, {}), ...records])).toEqual([]);
    expect(breaches({ sessionUsd: 1 }, [agentRecord('other', START_MS, {}), ...records])).toHaveLength(1);
  });

  it('do not stand in for another agent or tenant', () => {
    const { findings } = outcomeOf(engineOf(), [
      agentRecord('clerk', START_MS, { dayUsd: 1 }),
      recordOf(eventOf({ agent: 'clerk-2', costUsd: 5, timeMs: START_MS })),
      recordOf(eventOf({ tenant: 'acme', costUsd: 5, timeMs: START_MS })),
    ]);
    expect(findings.filter(({ kind }) => kind === 'budget')).toEqual([]);
  });

  it('take calls without a price for free', () => {
    const free = Array.from({ length: 50 }, (_, at) =>
      recordOf(eventOf({ costUsd: at % 2 ? 0 : null, timeMs: START_MS + at })),
    );
    expect(breaches({ sessionUsd: 0.01 }, free)).toEqual([]);
  });
});
