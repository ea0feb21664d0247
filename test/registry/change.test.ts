/** What people change of the whole installation: who may, what counts once, and what a snapshot keeps. */
import { describe, expect, it } from 'vitest';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { Of } from './records.js';

const ADA = { actor: 'person:ada', authority: 't1', parent: 'req-1' } as const;
const BUDGET = { pagesPerAgentDay: 0.1, noticesPerAgentDay: 0.2 };

function settings(timeMs: number, key: string, rest: Partial<Of<'settings'>> = {}): Of<'settings'> {
  return { type: 'settings', timeMs, key, settings: BUDGET, ifVersion: null, comment: null, ...ADA, ...rest };
}

function choice(timeMs: number, key: string, version: string | null, pin = false): Of<'model-choice'> {
  return { type: 'model-choice', timeMs, key, version, pin, ...ADA };
}

describe('settings', () => {
  it('are in force with whoever set them, one version after the other', () => {
    const fold = createFold();
    expect(fold.settings()).toBeNull();
    expect(fold.apply(settings(5, 'a', { comment: 'quieter' }))).toMatchObject({ effect: 'applied', entry: null });
    expect(fold.settings()).toEqual({
      ...{ settings: BUDGET, version: 1, sinceMs: 5, actor: 'person:ada', parent: 'req-1', comment: 'quieter' },
    });
    fold.apply(settings(6, 'b', { settings: { ...BUDGET, pagesPerAgentDay: 0.01 }, ifVersion: 1 }));
    expect(fold.settings()).toMatchObject({ version: 2, settings: { pagesPerAgentDay: 0.01 } });
  });

  it('count once by their key, and not for whoever read another version', () => {
    const fold = createFold();
    fold.apply(settings(5, 'a'));
    expect(fold.apply(settings(6, 'a'))).toMatchObject({ effect: 'duplicate' });
    expect(fold.apply(settings(7, 'b', { ifVersion: 0 }))).toMatchObject({ code: 'registry.conflict' });
    // A key that was refused may be used again.
    expect(fold.apply(settings(8, 'b', { ifVersion: 1 }))).toMatchObject({ effect: 'applied' });
  });

  it.each([0, -1, 0.51, Number.NaN, '0.1' as unknown as number])(
    'are refused for a share of %s',
    (pagesPerAgentDay) => {
      const fold = createFold();
      const judged = fold.apply(settings(5, 'a', { settings: { ...BUDGET, pagesPerAgentDay } }));
      expect(judged).toMatchObject({ effect: 'refused', code: 'registry.refused' });
      expect(fold.settings()).toBeNull();
    },
  );

  it('are a person’s to change', () => {
    const fold = createFold();
    expect(fold.apply(settings(5, 'a', { actor: 'system' }))).toMatchObject({ effect: 'refused' });
    expect(fold.apply({ ...choice(5, 'b', 'm1'), actor: 'engine:0' })).toMatchObject({ effect: 'refused' });
  });
});

describe('the choice of a model', () => {
  it('stands until another is chosen or the pin is taken away', () => {
    const fold = createFold();
    expect(fold.apply(choice(1, 'a', null))).toMatchObject({ effect: 'refused', reason: 'no model is pinned' });
    fold.apply(choice(2, 'b', 'm1', true));
    expect(fold.modelChoice()).toEqual({ version: 'm1', pinned: true, sinceMs: 2, actor: 'person:ada' });
    expect(fold.apply(choice(3, 'b', 'm2', true))).toMatchObject({ effect: 'duplicate' });
    fold.apply(choice(4, 'c', null));
    expect(fold.modelChoice()).toBeNull();
  });

  it('is of a name that a file can have', () => {
    const fold = createFold();
    for (const version of ['', '../x', 'a/b', 'x'.repeat(129)]) {
      expect(fold.apply(choice(1, `k${version}`, version))).toMatchObject({ effect: 'refused' });
    }
  });
});

describe('a fold that was written and read again', () => {
  it('knows what people set, and which keys were used', () => {
    const fold = createFold();
    fold.apply(settings(5, 'a'));
    fold.apply(choice(6, 'b', 'm1', true));
    const again = restoreFold(JSON.parse(JSON.stringify(fold.snapshot())));
    expect(again.settings()).toEqual(fold.settings());
    expect(again.modelChoice()).toEqual(fold.modelChoice());
    expect(again.snapshot()).toEqual(fold.snapshot());
    expect(again.apply(settings(7, 'a'))).toMatchObject({ effect: 'duplicate' });
  });

  it('says nothing of what nobody set', () => {
    expect(createFold().snapshot()).not.toHaveProperty('settings');
    expect(restoreFold(createFold().snapshot()).settings()).toBeNull();
  });
});

describe('an act that changes nothing', () => {
  it('is taken where it has a name', () => {
    const fold = createFold();
    expect(fold.apply({ type: 'deed', timeMs: 1, what: 'reset', about: 'clerk', ...ADA })).toMatchObject({
      effect: 'applied',
    });
    expect(fold.apply({ type: 'deed', timeMs: 1, what: '', about: 'clerk', ...ADA })).toMatchObject({
      effect: 'refused',
    });
  });
});
