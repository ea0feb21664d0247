import { describe, expect, it } from 'vitest';
import { budgetsOf, type Described, isAbout, type Permission, subjectOf } from '../../src/decide/intent.js';
import { isPattern, Patterns } from '../../src/decide/pattern.js';

const ANYBODY = { agents: [], roles: [], labels: [], trustMin: null, trustMax: null, environments: [] };

function agent(over: Partial<Described> = {}): Described {
  return {
    agent: 'crm/clerk',
    registered: true,
    role: 'support',
    labels: ['eu', 'beta'],
    budgets: { sessionUsd: 5, dayUsd: null },
    registration: { environment: 'live', trust: 'L2' },
    ...over,
  };
}

function permission(sessionUsd: number | null, dayUsd: number | null, over: Partial<Permission> = {}): Permission {
  return {
    name: 'p',
    who: ANYBODY,
    allow: { operations: null, endpoints: null, targets: null, dataClasses: null, hours: null },
    budgets: { sessionUsd, dayUsd },
    delegation: null,
    approvals: [],
    mode: null,
    ...over,
  };
}

describe('a permission', () => {
  it('is about whoever fits all of it', () => {
    const about = (who: object, entry = agent()) => isAbout({ ...ANYBODY, ...who }, subjectOf(entry));
    expect(about({})).toBe(true);
    expect(about({ agents: ['crm/*'], roles: ['support'], labels: ['us', 'eu'], environments: ['live'] })).toBe(true);
    expect(about({ agents: ['crm/*'], roles: ['sales'] })).toBe(false);
    expect(about({ agents: ['crm'] })).toBe(false);
    expect(about({ labels: ['us'] })).toBe(false);
    expect(about({ environments: ['test'] })).toBe(false);
    expect(about({ trustMin: 'L2', trustMax: 'L2' })).toBe(true);
    expect(about({ trustMin: 'L3' })).toBe(false);
    expect(about({ trustMax: 'L1' })).toBe(false);
  });

  it('takes nobody for trusted whom nobody registered, and whoever is registered for L1', () => {
    const trust = (entry: Described) => subjectOf(entry).trust;
    expect(trust(agent({ registered: false }))).toBe('L0');
    expect(trust(agent({ registration: { environment: null, trust: null } }))).toBe('L1');
    expect(subjectOf(agent(), 'L0').trust).toBe('L0');
    expect(subjectOf(agent(), 'L4').trust).toBe('L2');
  });

  it('lowers budgets and never raises them', () => {
    expect(budgetsOf(undefined, agent())).toEqual({ sessionUsd: 5, dayUsd: null });
    expect(budgetsOf([permission(9, 30), permission(null, 20)], agent())).toEqual({ sessionUsd: 5, dayUsd: 20 });
    expect(budgetsOf([permission(0, null)], agent())).toEqual({ sessionUsd: 0, dayUsd: null });
    const others = permission(1, 1, { who: { ...ANYBODY, roles: ['sales'] } });
    expect(budgetsOf([others], agent())).toEqual({ sessionUsd: 5, dayUsd: null });
  });
});

describe('a list of names', () => {
  it('names the whole, the beginning or the end', () => {
    const list = new Patterns(['mail.send', 'crm.*', '*@example.com']);
    const named = ['mail.send', 'crm.', 'crm.read', 'a@example.com', 'mail.sender', 'crm', 'a@example.com.evil'];
    expect(named.map((name) => list.has(name))).toEqual([true, true, true, true, false, false, false]);
    expect(new Patterns(['*']).has('anything')).toBe(true);
    expect(new Patterns([]).has('')).toBe(false);
  });

  it('has its star at one end', () => {
    expect(['a', 'a*', '*a', '*', 'a*b', '*a*', '**'].map(isPattern)).toEqual([
      ...[true, true, true, true, false, false, false],
    ]);
  });
});
