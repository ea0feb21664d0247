import { describe, expect, it } from 'vitest';
import { DENIALS_MAX } from '../../src/registry/denials.js';
import { restoreFold } from '../../src/registry/fold.js';
import type { Question } from '../../src/registry/registry.js';
import { fold, policy, register, seen, settle, throughJson } from './records.js';

const CALL: Question = { operation: 'execute_tool', endpoint: 'customers.delete', target: 'c-1', session: 's1' };
const only = (...endpoints: string[]) => ({ registration: { endpoints } });

describe('a refused call', () => {
  it('is recorded with its trail: who wanted what, for whom, and what each is held to', () => {
    const { fold: f } = fold(
      policy('enforce'),
      register(1, 'a', { registration: { trust: 'L3' } }),
      register(2, 'b', { parentAgent: 'a', registration: { operations: ['retrieval'] } }),
      register(3, 'c', { parentAgent: 'a', registration: { targets: ['one@example.com'] } }),
    );
    const asked = { operation: 'execute_tool', endpoint: 'mail.send', target: 'two@example.com' };
    expect(f.decide('', 'c', 4, asked)).toMatchObject({ allow: false, denial: 'target' });
    expect(settle(f, 5)).toMatchObject([{ type: 'denied', agent: 'c', denial: 'target', enforced: true, count: 1 }]);
    const none = { operations: null, endpoints: null, targets: null };
    expect(f.denials()).toMatchObject([
      {
        rule: null,
        question: { ...asked, session: null, dataClass: null, parent: null, approval: null },
        trail: [
          { agent: 'c', parent: 'a', ...none, targets: ['one@example.com'], trust: null },
          { agent: 'a', parent: null, ...none, trust: 'L3' },
          { agent: 'b', parent: 'a', ...none, operations: ['retrieval'], trust: null },
        ],
      },
    ]);
  });

  it('is one record an agent, a denial and a minute, with the count and the last call', () => {
    const { fold: f } = fold(policy('enforce'), register(1, 'a', only('crm.list')));
    for (let i = 0; i < 5; i++) f.decide('', 'a', 2, { ...CALL, target: `c-${i}` });
    expect(settle(f, 3)).toMatchObject([{ count: 5, question: { target: 'c-4' } }]);
    f.decide('', 'a', 4, CALL);
    expect(f.drainNotes(60_002)).toEqual([]);
    expect(settle(f, 60_003)).toMatchObject([{ count: 1 }]);
    expect(f.drainNotes(200_000)).toEqual([]);
    expect(f.denials().map(({ count }) => count)).toEqual([1, 5]);
  });

  it('is noted for whom the policy would refuse for want of a registration', () => {
    const deny = { unregistered: 'deny' } as const;
    for (const mode of ['observe', 'enforce'] as const) {
      const { fold: f } = fold(policy(mode, {}, deny), seen(1, 'a'), register(1, 'b'));
      expect(f.decide('', 'a', 2).allow).toBe(mode === 'observe');
      expect(f.decide('', 'b/sub', 2).allow).toBe(true);
      expect(f.drainNotes(3)).toMatchObject([{ agent: 'a', denial: 'unregistered', enforced: mode === 'enforce' }]);
    }
  });

  it('is remembered in a bounded number, over a restart too', () => {
    const { fold: f } = fold(policy('enforce'));
    const record = { type: 'denied', tenant: '', denial: 'endpoint', enforced: true, question: {} } as const;
    const by = { actor: 'system', authority: 'system', parent: null } as const;
    for (let i = 0; i < DENIALS_MAX + 5; i++) {
      f.apply({ ...record, ...by, timeMs: i, agent: `a${i}`, count: 1, rule: null, trail: [] });
    }
    const later = restoreFold(throughJson(f.snapshot()));
    for (const one of [f, later]) {
      expect(one.denials()).toHaveLength(DENIALS_MAX);
      expect(one.denials()[0]?.agent).toBe(`a${DENIALS_MAX + 4}`);
    }
  });

  it('of a flood of names costs a bounded number of records', () => {
    const { fold: f } = fold(policy('enforce', {}, { unregistered: 'deny' }));
    for (let i = 0; i < 5_000; i++) f.decide('', `a${i}`, 2);
    expect(f.drainNotes(3)).toHaveLength(100);
  });
});
