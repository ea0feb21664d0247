import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/decide/finding.js';
import type { Permission } from '../../src/decide/intent.js';
import { SpendLimits } from '../../src/registry/spend-limits.js';
import { fold, permission, policy, register, seen, who } from './records.js';

const NONE = { sessionUsd: null, dayUsd: null };
const capped = (over: Partial<Permission> = {}) =>
  permission('cap', { who: who({ roles: ['support'] }), budgets: { sessionUsd: 5, dayUsd: 40 }, ...over });

function limitsOf(mode: Mode, ...permissions: readonly Permission[]) {
  const { fold: made } = fold(
    policy(mode, {}, { permissions }),
    register(1, 'crm', { role: 'support', budgets: { sessionUsd: 20, dayUsd: 10 } }),
    seen(1, 'other', { parentAgent: 'crm' }),
  );
  return { made, limits: new SpendLimits(made) };
}

describe('what a reservation is held to', () => {
  it('is the lower of an agent’s own budget and of the permissions about it', () => {
    const { limits } = limitsOf('enforce', capped());
    expect(limits.of('', 'crm', true)).toEqual({ parent: null, budgets: { sessionUsd: 5, dayUsd: 10 } });
    expect(limits.of('', 'other', true)).toEqual({ parent: 'crm', budgets: NONE });
  });

  it.each<[string, Mode, Partial<Permission>]>([
    ['the policy is only watched', 'observe', {}],
    ['people are only asked', 'recommend', {}],
    ['the permission is on trial', 'enforce', { mode: 'observe' }],
  ])('is its own alone where %s', (_what, mode, over) => {
    const { limits } = limitsOf(mode, capped(over));
    expect(limits.of('', 'crm', true)?.budgets).toEqual({ sessionUsd: 20, dayUsd: 10 });
  });

  it('holds who was never seen, but not a name that only stands above another', () => {
    const { limits } = limitsOf('enforce', capped({ who: who({}) }));
    expect(limits.of('', 'new', true)).toEqual({ parent: null, budgets: { sessionUsd: 5, dayUsd: 40 } });
    expect(limits.of('', 'new', false)).toBeNull();
    expect(limitsOf('enforce').limits.of('', 'new', true)).toBeNull();
  });

  it('follows another policy and another description at once', () => {
    const { made, limits } = limitsOf('enforce', capped());
    expect(limits.of('', 'crm', true)?.budgets.sessionUsd).toBe(5);
    made.apply(register(2, 'crm', { role: 'sales' }));
    expect(limits.of('', 'crm', true)?.budgets.sessionUsd).toBe(20);
    made.apply(register(3, 'crm', { role: 'support' }));
    made.apply(policy('enforce', {}, { permissions: [capped({ budgets: { sessionUsd: 3, dayUsd: null } })] }));
    expect(limits.of('', 'crm', true)?.budgets).toEqual({ sessionUsd: 3, dayUsd: 10 });
    made.apply(policy('enforce'));
    expect(limits.of('', 'crm', true)?.budgets.sessionUsd).toBe(20);
  });
});
