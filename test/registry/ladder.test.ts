import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/decide/finding.js';
import type { Policy } from '../../src/decide/policy.js';
import { restoreFold } from '../../src/registry/fold.js';
import type { RegistryFold } from '../../src/registry/registry.js';
import { finding } from '../api/world.js';
import { verdictOn } from '../engine/verdict-of.js';
import {
  BOB,
  fold,
  HOUR_MS,
  type Of,
  permission,
  policy,
  proposal,
  register,
  release,
  settle,
  stop,
  throughJson,
  wish,
} from './records.js';

const WEEK_MS = 7 * 24 * HOUR_MS;

const climbing = (timeMs: number, rest: Partial<Policy> = {}): Of<'policy'> => ({
  ...policy('enforce', {}, { ladder: { promoteAfterMs: WEEK_MS }, ...rest }),
  timeMs,
});

const step = (timeMs: number, to: Mode, over: Partial<Of<'ladder'>> = {}): Of<'ladder'> => ({
  type: 'ladder',
  timeMs,
  policy: 'p',
  to,
  reason: 'a quiet week',
  ...BOB,
  ...over,
});

const word = (timeMs: number, of: string, said: 'expected' | 'false-positive' | 'true-positive'): Of<'verdict'> => ({
  type: 'verdict',
  timeMs,
  ...BOB,
  verdict: {
    ...verdictOn(finding(of), { timeMs, id: `v-${of}-${timeMs}` }),
    verdict: said,
    finding: of,
    untilMs: timeMs + WEEK_MS,
  },
});

const wished = (timeMs: number, agent: string, id: string, mode: Mode = 'enforce') =>
  proposal(timeMs, wish(agent, 'suspend', { finding: id, mode }));

const start = (): RegistryFold => fold(climbing(0)).fold;

describe('a policy with a ladder', () => {
  it('begins at training however it is written, and stops nobody', () => {
    const f = start();
    expect(f.mode()).toBe('observe');
    expect(f.apply(wished(1, 'a', 'f1')).effect).toBe('observed');
    expect(f.decide('', 'a', 2).allow).toBe(true);
    expect(f.ladder()).toMatchObject({ step: 'observe', next: 'recommend', top: 'enforce', readyMs: WEEK_MS });
  });

  it('is promoted one step at a time, each after its time, by people alone', () => {
    const f = start();
    expect(f.apply(step(WEEK_MS - 1, 'recommend')).reason).toBe(
      'p stays at observe for 1 h more without a false decision',
    );
    expect(f.apply(step(WEEK_MS, 'enforce')).reason).toBe('after observe comes recommend');
    expect(f.apply(step(WEEK_MS, 'recommend', { actor: 'engine:0' })).effect).toBe('refused');
    expect(f.apply(step(WEEK_MS, 'recommend', { policy: 'q' })).effect).toBe('refused');
    expect(f.apply(step(WEEK_MS, 'recommend')).effect).toBe('applied');
    expect(f.mode()).toBe('recommend');
    expect(f.apply(wished(WEEK_MS, 'a', 'f1')).effect).toBe('recommended');
    expect(f.apply(step(WEEK_MS + 1, 'enforce')).effect).toBe('refused');
    expect(f.apply(step(2 * WEEK_MS, 'enforce')).effect).toBe('applied');
    expect(f.apply(wished(2 * WEEK_MS, 'b', 'f2')).effect).toBe('applied');
    expect(f.ladder()).toMatchObject({ step: 'enforce', next: null, readyMs: null, would: [] });
  });

  it('goes no further than it is written', () => {
    const { fold: f } = fold(climbing(0, { mode: 'recommend' }));
    f.apply(step(WEEK_MS, 'recommend'));
    expect(f.apply(step(2 * WEEK_MS, 'enforce')).reason).toBe('p goes no further than recommend: change its mode');
    expect(f.ladder()?.next).toBeNull();
  });

  it('is demoted at any time, and climbs again from there', () => {
    const f = start();
    f.apply(step(WEEK_MS, 'recommend'));
    f.apply(step(2 * WEEK_MS, 'enforce'));
    expect(f.apply(step(2 * WEEK_MS + 1, 'observe')).effect).toBe('applied');
    expect(f.mode()).toBe('observe');
    expect(f.ladder()).toMatchObject({ readyMs: 3 * WEEK_MS + 1, mistakes: 0 });
  });

  it('begins its step anew with every false decision', () => {
    const f = start();
    f.apply(wished(1, 'a', 'f1'));
    expect(f.apply(word(10, 'f1', 'true-positive')).effect).toBe('applied');
    expect(f.ladder()).toMatchObject({ mistakes: 0, cleanSinceMs: 0 });
    f.apply(word(20, 'f-of-no-proposal', 'false-positive'));
    expect(f.ladder()?.mistakes).toBe(0);
    f.apply(word(30, 'f1', 'false-positive'));
    f.apply(word(40, 'f1', 'expected'));
    expect(f.ladder()).toMatchObject({ mistakes: 2, cleanSinceMs: 40, readyMs: WEEK_MS + 40 });
    f.apply(stop(50, 'b'));
    f.apply(release(60, 'b'));
    expect(f.ladder()?.cleanSinceMs).toBe(40);
    f.apply(stop(70, 'b'));
    f.apply(release(80, 'b', { mistake: true }));
    expect(f.ladder()).toMatchObject({ mistakes: 3, cleanSinceMs: 80 });
    expect(f.apply(step(WEEK_MS + 79, 'recommend')).reason).toContain('(false decisions on this step: 3)');
    expect(f.apply(step(WEEK_MS + 80, 'recommend')).effect).toBe('applied');
  });

  it('shows what its next step would have done, worst first', () => {
    const guarded = permission('firm', { allow: { ...permission('').allow, endpoints: ['crm.*'] } });
    const { fold: f } = fold(climbing(0, { permissions: [guarded] }), register(1, 'a'));
    f.apply(proposal(1, wish('a', 'throttle', { rule: 'bursts', mode: 'recommend', severity: 'high' })));
    for (const agent of ['b', 'c', 'b'])
      f.apply(proposal(2, wish(agent, 'suspend', { rule: 'loops', severity: 'high' })));
    f.apply(proposal(3, wish('c', 'suspend', { rule: 'loops', severity: 'critical' })));
    f.apply(proposal(3, wish('d', 'suspend', { rule: 'trial', mode: 'observe' })));
    f.decide('', 'a', 4, { operation: 'chat', endpoint: 'pay.out' });
    settle(f, 5);
    expect(f.ladder()?.would).toEqual([
      {
        rule: 'loops',
        action: 'suspend',
        mode: 'recommend',
        count: 4,
        agents: [
          { tenant: '', agent: 'c', count: 2, severity: 'critical' },
          { tenant: '', agent: 'b', count: 2, severity: 'high' },
        ],
      },
      {
        rule: 'bursts',
        action: 'throttle',
        mode: 'recommend',
        count: 1,
        agents: [{ tenant: '', agent: 'a', count: 1, severity: 'high' }],
      },
    ]);
    expect(f.ladder()?.wouldDeny).toEqual([]);
    f.apply(step(WEEK_MS, 'recommend'));
    expect(f.ladder()).toMatchObject({ next: 'enforce', would: [], wouldDeny: [] });
    f.decide('', 'a', WEEK_MS + 1, { operation: 'chat', endpoint: 'pay.out' });
    settle(f, WEEK_MS + 60_001);
    expect(f.ladder()?.wouldDeny).toEqual([{ rule: 'firm', denial: 'endpoint', count: 1, agents: ['a'] }]);
  });

  it('keeps its step over another interval of the brakes, and begins anew with other rules', () => {
    const f = start();
    f.apply(step(WEEK_MS, 'recommend'));
    const braked = climbing(WEEK_MS + 1).policy;
    f.apply({ ...climbing(WEEK_MS + 1), policy: { ...braked, brakes: { ...braked.brakes, stopsMax: 1 } } });
    expect(f.mode()).toBe('recommend');
    f.apply(climbing(WEEK_MS + 2, { permissions: [permission('new')] }));
    expect(f.ladder()).toMatchObject({ step: 'observe', sinceMs: WEEK_MS + 2 });
    f.apply(policy('enforce'));
    expect([f.mode(), f.ladder()]).toEqual(['enforce', null]);
    expect(f.apply(step(3 * WEEK_MS, 'recommend')).reason).toBe('the policy in force has no ladder');
  });

  it('is where it was after a restart', () => {
    const f = start();
    f.apply(wished(1, 'a', 'f1'));
    f.apply(step(WEEK_MS, 'recommend'));
    f.apply(wished(WEEK_MS + 1, 'a', 'f2'));
    const later = restoreFold(throughJson(f.snapshot()));
    expect(later.ladder()).toEqual(f.ladder());
    later.apply(word(WEEK_MS + 2, 'f2', 'expected'));
    expect(later.ladder()?.mistakes).toBe(1);
  });
});
