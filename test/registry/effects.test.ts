/** What became of a restriction, place by place. */
import { describe, expect, it } from 'vitest';
import { restoreFold } from '../../src/registry/fold.js';
import {
  fold,
  HOUR_MS,
  last,
  type Of,
  policy,
  proposal,
  register,
  release,
  stop,
  throughJson,
  time,
  wish,
} from './records.js';

function effect(timeMs: number, version: number, rest: Partial<Of<'effect'>> = {}): Of<'effect'> {
  return {
    ...{ type: 'effect', timeMs, tenant: '', agent: 'a', version, place: 'traffic', state: 'confirmed', reason: null },
    ...{ actor: 'engine:0', authority: 'system', parent: null },
    ...rest,
  };
}

describe('the effects of a restriction', () => {
  it('are its last states, by place', () => {
    const { fold: f, verdicts } = fold(
      stop(1, 'a'),
      effect(2, 2, { place: 'keycloak', state: 'sent' }),
      effect(3, 2),
      effect(4, 2, { place: 'keycloak', reason: 'enabled is false' }),
      effect(5, 2),
    );
    expect(verdicts.map((verdict) => verdict.effect)).toEqual([
      'applied',
      'applied',
      'applied',
      'applied',
      'duplicate',
    ]);
    expect(f.effects('', 'a')).toEqual([
      { place: 'traffic', version: 2, state: 'confirmed', reason: null, atMs: 3 },
      { place: 'keycloak', version: 2, state: 'confirmed', reason: 'enabled is false', atMs: 4 },
    ]);
    expect(restoreFold(throughJson(f.snapshot())).effects('', 'a')).toEqual(f.effects('', 'a'));
    expect(f.effects('', 'b')).toEqual([]);
  });

  it('are gone with it, and what comes late of another one is passed over', () => {
    const { fold: f } = fold(stop(1, 'a'), effect(2, 2), release(3, 'a'));
    expect(f.effects('', 'a')).toEqual([]);
    expect(f.apply(effect(4, 2))).toMatchObject({ effect: 'none', reason: 'no restriction in force any more' });
    f.apply(stop(5, 'a'));
    expect(f.apply(effect(6, 2))).toMatchObject({ effect: 'none', reason: 'of another restriction' });
    expect(f.apply(effect(6, 9)).effect).toBe('none');
    expect(f.apply(effect(6, 4)).effect).toBe('applied');
    expect(last(effect(1, 1)).effect).toBe('none');
  });

  it('outlast what changes nothing of the restriction: a new owner, or a later end', () => {
    const { fold: f } = fold(policy('enforce'), proposal(0, wish('a')), effect(1, 2));
    f.apply(register(2, 'a', { owner: 'ops' }));
    f.apply(proposal(HOUR_MS / 2, wish('a')));
    expect(f.effects('', 'a')).toMatchObject([{ version: 2, state: 'confirmed' }]);
    expect(f.apply(effect(HOUR_MS / 2, 2, { state: 'contradicted' })).effect).toBe('applied');
    f.apply(time(2 * HOUR_MS));
    expect(f.effects('', 'a')).toEqual([]);
  });

  it('are those of so many places at most', () => {
    const places = Array.from({ length: 33 }, (_, i) => effect(2, 2, { place: `p-${i}` }));
    const { fold: f, verdicts } = fold(stop(1, 'a'), ...places);
    expect(verdicts.at(-1)?.effect).toBe('refused');
    expect(f.effects('', 'a')).toHaveLength(32);
  });
});
