/** The halt of everybody and of a tenant, and how it is lifted. */
import { describe, expect, it } from 'vitest';
import { restoreFold } from '../../src/registry/fold.js';
import type { RegistryFold } from '../../src/registry/registry.js';
import { fold, last, type Of, policy, register, seen, throughJson } from './records.js';

const PERSON = { actor: 'person:ada', authority: 'token-1', parent: null };
let keys = 0;

function halt(timeMs: number, rest: Partial<Of<'halt'>> = {}): Of<'halt'> {
  return { type: 'halt', timeMs, key: `h-${keys++}`, tenant: null, reason: 'a leak', ...PERSON, ...rest };
}

function recover(timeMs: number, share: number, rest: Partial<Of<'recover'>> = {}): Of<'recover'> {
  return { type: 'recover', timeMs, key: `c-${keys++}`, tenant: null, share, reason: 'mended', ...PERSON, ...rest };
}

const NAMES = Array.from({ length: 2_000 }, (_, i) => `agent-${i}`);

function letGo(f: RegistryFold, tenant = ''): string[] {
  return NAMES.filter((name) => f.decide(tenant, name, 10).allow);
}

describe('a halt', () => {
  it('refuses everybody, known or not, protected or not, whatever the mode', () => {
    const { fold: f } = fold(policy('observe'), register(1, 'core', { protected: true }), halt(2));
    const decision = f.decide('', 'core', 3);
    expect(decision).toEqual({
      ...{ allow: false, status: 'suspended', retryAfterMs: null, denial: 'halted' },
      reason: 'everybody is halted by person:ada: a leak',
    });
    expect(f.decide('t', 'nobody', 3)).toBe(decision);
    expect(f.halts()).toEqual([{ tenant: null, sinceMs: 2, share: 0, reason: 'a leak', actor: 'person:ada' }]);
  });

  it('of a tenant leaves the others alone', () => {
    const { fold: f } = fold(halt(1, { tenant: 't' }));
    expect(f.decide('t', 'a', 2)).toMatchObject({ allow: false, reason: 'tenant t is halted by person:ada: a leak' });
    expect(f.decide('', 'a', 2).allow).toBe(true);
  });

  it('is made and lifted by people alone, and by one of them once per key', () => {
    for (const actor of ['engine:0', 'system', 'agent:a', '']) {
      expect(last(halt(1, { actor })).effect).toBe('refused');
      expect(last(halt(1), recover(2, 1, { actor })).effect).toBe('refused');
    }
    expect(last(halt(1, { key: 'k' }), recover(2, 1), halt(3, { key: 'k' })).effect).toBe('duplicate');
    expect(last(halt(1), recover(2, 0.5, { key: 'k' }), recover(2, 0.5, { key: 'k' })).effect).toBe('duplicate');
  });

  it('restarts nothing: it survives a restart as it is', () => {
    const { fold: f } = fold(halt(1), halt(2, { tenant: 't' }), recover(3, 0.25));
    const again = restoreFold(throughJson(f.snapshot()));
    expect(again.halts()).toEqual(f.halts());
    expect(letGo(again)).toEqual(letGo(f));
    expect(JSON.stringify(again.snapshot())).toBe(JSON.stringify(f.snapshot()));
  });
});

describe('a recovery', () => {
  it('lets a share of the agents go, and more of them as it grows, until nobody is halted', () => {
    const { fold: f } = fold(halt(1));
    let before: string[] = [];
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      f.apply(recover(2, share));
      const now = letGo(f);
      expect(Math.abs(now.length / NAMES.length - share)).toBeLessThan(0.04);
      expect(before.filter((name) => !now.includes(name))).toEqual([]);
      before = now;
    }
    expect(f.decide('', NAMES.find((name) => !before.includes(name)) ?? '', 3).reason).toContain('90 % are let go');
    f.apply(recover(3, 1));
    expect(letGo(f)).toHaveLength(NAMES.length);
    expect(f.halts()).toEqual([]);
  });

  it('never shrinks, is no share of nothing or of more than all, and needs a halt', () => {
    expect(last(halt(1), recover(2, 0.5), recover(3, 0.4)).reason).toBe(
      '50 % are let go already, and a share never shrinks: halt again instead',
    );
    for (const share of [0, -1, 1.1, Number.NaN]) expect(last(halt(1), recover(2, share)).effect).toBe('refused');
    expect(last(recover(1, 0.5)).reason).toBe('everybody is not halted');
    expect(last(halt(1), recover(2, 0.5, { tenant: 't' })).effect).toBe('refused');
  });

  it('is over where people halt again', () => {
    const { fold: f } = fold(halt(1), recover(2, 0.9), halt(3));
    expect(letGo(f)).toEqual([]);
    expect(f.halts()).toMatchObject([{ sinceMs: 1, share: 0 }]);
  });

  it('keeps trees together: by name, by parent, and by the parent that a caller names', () => {
    const { fold: f } = fold(
      ...NAMES.map((name) => seen(1, name)),
      ...NAMES.map((name, i) => seen(1, `worker-${i}`, { parentAgent: name })),
      ...[halt(2), recover(3, 0.5)],
    );
    for (const [i, name] of NAMES.entries()) {
      const { allow } = f.decide('', name, 4);
      expect(f.decide('', `${name}/sub/leaf`, 4).allow).toBe(allow);
      expect(f.decide('', `worker-${i}`, 4).allow).toBe(allow);
      expect(f.decide('', `worker-${i}/leaf`, 4).allow).toBe(allow);
      expect(f.decide('', `stranger-${i}`, 4, { parent: name }).allow).toBe(allow);
    }
  });
});
