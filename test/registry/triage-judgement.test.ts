import { describe, expect, it } from 'vitest';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { TriageChange } from '../../src/registry/registry.js';
import type { Of } from './records.js';

const ASSIGN: TriageChange = { what: 'assign', to: 'ada' };

function triage(change: TriageChange, rest: Partial<Of<'triage'>> = {}): Of<'triage'> {
  const by = { actor: 'person:ada', authority: 't1', parent: null };
  return { type: 'triage', timeMs: 1_000, key: 'k1', findings: ['f-0123456789abcdef'], change, ...by, ...rest };
}

const effectOf = (record: Of<'triage'>) => createFold().apply(record).effect;

describe('what people say of findings', () => {
  it('is taken from a person, once for each key', () => {
    const fold = createFold();
    expect(fold.apply(triage(ASSIGN))).toMatchObject({ effect: 'applied', code: null, expired: [] });
    expect(fold.apply(triage({ what: 'comment', text: 'again' })).effect).toBe('duplicate');
    expect(fold.apply(triage(ASSIGN, { key: 'k2' })).effect).toBe('applied');
  });

  it('stays known by its key over a snapshot', () => {
    const fold = createFold();
    fold.apply(triage(ASSIGN));
    expect(restoreFold(fold.snapshot()).apply(triage(ASSIGN)).effect).toBe('duplicate');
  });

  it.each(['engine:0', 'system', 'gateway:g', 'sender:s'])('is not taken from %s', (actor) => {
    expect(createFold().apply(triage(ASSIGN, { actor }))).toMatchObject({
      effect: 'refused',
      code: 'registry.refused',
      reason: `${actor} may not speak of findings`,
    });
  });

  it('names 1 to 500 findings by their ids', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `f-${i.toString(16).padStart(16, '0')}`);
    expect(effectOf(triage(ASSIGN, { findings: [] }))).toBe('refused');
    expect(effectOf(triage(ASSIGN, { findings: many(500) }))).toBe('applied');
    expect(effectOf(triage(ASSIGN, { findings: many(501) }))).toBe('refused');
    for (const id of ['', 'f-', 'x-1', 'f-1 2', `f-${'0'.repeat(65)}`]) {
      expect(effectOf(triage(ASSIGN, { findings: [id] }))).toBe('refused');
    }
  });

  it.each<readonly [TriageChange, string]>([
    [{ what: 'assign', to: null }, 'applied'],
    [{ what: 'assign', to: 'ada.lovelace@example.org' }, 'applied'],
    [{ what: 'assign', to: '' }, 'refused'],
    [{ what: 'assign', to: '<b>ada</b>' }, 'refused'],
    [{ what: 'comment', text: 'x'.repeat(2_000) }, 'applied'],
    [{ what: 'comment', text: '' }, 'refused'],
    [{ what: 'comment', text: 'x'.repeat(2_001) }, 'refused'],
    [{ what: 'status', status: 'in-progress', resolution: null }, 'applied'],
    [{ what: 'status', status: 'in-progress', resolution: 'other' }, 'refused'],
    [{ what: 'status', status: 'closed', resolution: 'duplicate' }, 'applied'],
    [{ what: 'status', status: 'closed', resolution: null }, 'refused'],
    [{ what: 'status', status: 'asleep' as 'new', resolution: null }, 'refused'],
    [{ what: 'dance' } as unknown as TriageChange, 'refused'],
  ])('%j is %s', (change, effect) => {
    expect(effectOf(triage(change))).toBe(effect);
  });

  it('leaves a key free where it was refused', () => {
    const fold = createFold();
    expect(fold.apply(triage({ what: 'comment', text: '' })).effect).toBe('refused');
    expect(fold.apply(triage({ what: 'comment', text: 'now' })).effect).toBe('applied');
  });
});
