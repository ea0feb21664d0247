import { describe, expect, it } from 'vitest';
import { fold, HOUR_MS, policy, proposal, register, release, seen, stop, wish } from './records.js';

describe('the inline decision', () => {
  it('allows what is not restricted and says what it knows', () => {
    const { fold: f } = fold(seen(1, 'a'), stop(1, 'z'));
    expect(f.decide('', 'a', 2)).toMatchObject({ allow: true, status: 'active' });
    expect(f.decide('', 'b', 2)).toMatchObject({ allow: true, status: 'unknown' });
    expect(f.decide('other', 'a', 2)).toMatchObject({ allow: true, status: 'unknown' });
  });

  it('refuses a stopped agent until its stop ends on the caller clock', () => {
    const { fold: f } = fold(stop(1_000, 'a', 'suspend', { reason: 'loops' }));
    expect(f.decide('', 'a', 1_000)).toEqual({
      allow: false,
      denial: 'stopped',
      status: 'suspended',
      reason: 'a: suspend, until 1970-01-01T01:00:01.000Z: loops',
      retryAfterMs: null,
    });
    expect(f.decide('', 'a', 1_000 + HOUR_MS - 1).allow).toBe(false);
    expect(f.decide('', 'a', 1_000 + HOUR_MS).allow).toBe(true);
    expect(f.decide('t', 'a', 1_000).allow).toBe(true);
  });

  it('lets a restricted agent call and says that it is restricted', () => {
    const { fold: f } = fold(stop(1, 'a', 'lower-trust'));
    expect(f.decide('', 'a', 2)).toMatchObject({ allow: true, status: 'restricted' });
  });

  it('covers every sub-agent of a stopped root, however deep, known or not', () => {
    const { fold: f } = fold(seen(1, 'a/b'), stop(1, 'a'), seen(1, 'ab'));
    for (const agent of ['a/b', 'a/b/c', 'a/x', `a/${'y/'.repeat(100)}z`]) {
      expect(f.decide('', agent, 2)).toMatchObject({ allow: false, status: 'suspended' });
    }
    expect(f.decide('', 'ab', 2).allow).toBe(true);
  });

  it('covers an agent by the parent it was first seen under, through several steps', () => {
    const { fold: f } = fold(
      seen(1, 'boss'),
      seen(1, 'middle', { parentAgent: 'boss' }),
      seen(1, 'worker', { parentAgent: 'middle' }),
      seen(2, 'worker', { parentAgent: 'innocent' }),
      stop(3, 'boss'),
    );
    expect(f.decide('', 'worker', 4).allow).toBe(false);
    expect(f.decide('', 'innocent', 4).allow).toBe(true);
    f.apply(register(5, 'worker', { parentAgent: null }));
    expect(f.decide('', 'worker', 6).allow).toBe(true);
  });

  it('keeps the parent apart from what a record answers: a registration that names none leaves it as it is', () => {
    const { fold: f } = fold(seen(1, 'worker', { parentAgent: 'boss' }));
    f.apply(register(2, 'worker', { parent: 'request-1', owner: 'ops' }));
    expect(f.entry('', 'worker')).toMatchObject({ parent: 'boss', owner: 'ops' });
    f.apply(register(3, 'other', { parent: 'request-2' }));
    expect(f.entry('', 'other')?.parent).toBeNull();
  });

  it('takes no parent that stands under the agent itself', () => {
    const { fold: f, verdicts } = fold(
      seen(1, 'a', { parentAgent: 'a/b' }),
      seen(1, 'b', { parentAgent: 'a' }),
      register(2, 'a', { parentAgent: 'b' }),
    );
    expect(f.entry('', 'a')?.parent).toBeNull();
    expect(verdicts[2]?.effect).toBe('refused');
  });

  it('spares a protected sub-agent what an engine did to its root, not what a person did', () => {
    const guarded = policy('enforce', {}, { protectedAgents: ['a/vital'] });
    const { fold: f } = fold(guarded, proposal(1, wish('a')));
    expect(f.decide('', 'a/vital', 2).allow).toBe(true);
    expect(f.decide('', 'a/other', 2).allow).toBe(false);
    f.apply(stop(3, 'a'));
    expect(f.decide('', 'a/vital', 4).allow).toBe(false);
  });

  it('refuses the unregistered where an enforcing policy says so', () => {
    const deny = { unregistered: 'deny' } as const;
    const records = [register(1, 'a'), seen(1, 'b'), seen(1, 'c', { parentAgent: 'a' })];
    const { fold: f } = fold(policy('enforce', {}, deny), ...records);
    expect(['a', 'a/sub', 'b', 'c', 'd'].map((agent) => f.decide('', agent, 2).allow)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const { fold: observing } = fold(policy('observe', {}, deny), ...records);
    expect(observing.decide('', 'd', 2).allow).toBe(true);
  });
});

describe('a throttle', () => {
  const calls = (f: ReturnType<typeof fold>['fold'], agent: string, count: number, nowMs: number) =>
    Array.from({ length: count }, () => f.decide('', agent, nowMs, { operation: 'chat' })).filter(({ allow }) => allow)
      .length;

  it('lets its calls a minute pass, refills evenly, and says when to come again', () => {
    const { fold: f } = fold(stop(0, 'a', 'throttle', { callsPerMinute: 6 }));
    expect(calls(f, 'a', 20, 1_000)).toBe(6);
    expect(f.decide('', 'a', 1_000)).toMatchObject({ allow: false, status: 'throttled', retryAfterMs: 10_000 });
    expect(f.decide('', 'a', 10_999).retryAfterMs).toBe(1);
    expect(calls(f, 'a', 20, 11_000)).toBe(1);
    expect(calls(f, 'a', 20, 21_000 + 600_000)).toBe(6);
  });

  it('refills nothing when the clock goes back', () => {
    const { fold: f } = fold(stop(0, 'a', 'throttle', { callsPerMinute: 1 }));
    expect(calls(f, 'a', 3, 50_000)).toBe(1);
    expect(calls(f, 'a', 3, 10)).toBe(0);
    expect(calls(f, 'a', 3, 60_000)).toBe(0);
    expect(calls(f, 'a', 3, 110_000)).toBe(1);
  });

  it('is shared by the whole tree', () => {
    const { fold: f } = fold(stop(0, 'a', 'throttle', { callsPerMinute: 4 }));
    expect(calls(f, 'a', 3, 1) + calls(f, 'a/b', 3, 1) + calls(f, 'a/c', 3, 1)).toBe(4);
  });

  it('goes on beneath a stronger restriction that lets calls pass', () => {
    const { fold: f } = fold(
      policy('enforce'),
      stop(0, 'a', 'throttle', { callsPerMinute: 4 }),
      proposal(1, wish('a', 'restrict')),
    );
    expect(f.decide('', 'a', 2, { operation: 'chat' })).toMatchObject({ allow: true, status: 'restricted' });
    expect(calls(f, 'a', 10, 2)).toBe(3);
  });

  it('lets at least one call a minute pass', () => {
    const { fold: f } = fold(stop(0, 'a', 'throttle', { callsPerMinute: 0 }));
    expect(calls(f, 'a', 10, 2)).toBe(1);
  });
});

describe('attempts after a stop', () => {
  it('are told once a minute per stopped agent, its sub-agents counted with it', () => {
    const { fold: f } = fold(stop(0, 'a'));
    f.decide('', 'a', 1);
    f.decide('', 'a/b', 2);
    expect(f.drainAttempts(3)).toEqual([{ tenant: '', agent: 'a', count: 2 }]);
    f.decide('', 'a', 4);
    expect(f.drainAttempts(60_002)).toEqual([]);
    expect(f.drainAttempts(60_003)).toEqual([{ tenant: '', agent: 'a', count: 1 }]);
    expect(f.drainAttempts(200_000)).toEqual([]);
  });

  it('are counted in the entry while the stop lasts', () => {
    const { fold: f } = fold(stop(0, 'a'));
    const attempt = {
      type: 'attempt',
      timeMs: 1,
      tenant: '',
      agent: 'a',
      count: 3,
      actor: 'system',
      authority: 'system',
      parent: null,
    } as const;
    expect(f.apply(attempt).entry?.attempts).toBe(3);
    expect(f.apply(attempt).entry?.attempts).toBe(6);
    f.apply(release(2, 'a'));
    expect(f.entry('', 'a')?.attempts).toBe(0);
    expect(f.apply(attempt).effect).toBe('none');
  });
});
