import { describe, expect, it } from 'vitest';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { fold, type Of, policy, proposal, throughJson, wish } from './records.js';

const ENFORCE = policy('enforce');

function owner(timeMs: number, partition: number, epoch: number): Of<'owner'> {
  return { type: 'owner', timeMs, partition, epoch, actor: `engine:${partition}`, authority: 'system', parent: null };
}

const of = (partition: number, epoch: number) =>
  proposal(2, wish(`a-${partition}-${epoch}`, 'suspend', { partition, epoch }));

function effects(...records: readonly RegistryRecord[]): string[] {
  return fold(ENFORCE, ...records)
    .verdicts.slice(1)
    .map(({ effect }) => effect);
}

describe('an owner', () => {
  it('makes void what the owner before proposes from then on', () => {
    expect(effects(of(0, 1), owner(2, 0, 2), of(0, 1), of(0, 2))).toEqual(['applied', 'applied', 'refused', 'applied']);
  });

  it('says who owns the partition now', () => {
    const { verdicts, fold: f } = fold(ENFORCE, owner(1, 3, 9), of(3, 8));
    expect(verdicts[2]).toMatchObject({
      effect: 'refused',
      code: 'registry.refused',
      reason: 'epoch 8 of partition 3 is over: 9 owns it',
    });
    expect(f.entry('', 'a-3-8')).toBeNull();
  });

  it('lets the rightful owner make the proposal that the former one made too late', () => {
    const late = wish('a', 'suspend', { epoch: 1 });
    expect(effects(owner(1, 0, 2), proposal(2, late), proposal(2, { ...late, epoch: 2 }))).toEqual([
      'applied',
      'refused',
      'applied',
    ]);
  });

  it('may declare itself again', () => {
    expect(effects(owner(1, 0, 2), owner(1, 0, 2), of(0, 2))).toEqual(['applied', 'applied', 'applied']);
  });

  it('is refused where a later one has declared itself, and changes nothing', () => {
    const { verdicts } = fold(ENFORCE, owner(1, 0, 5), owner(2, 0, 4), of(0, 4), of(0, 5));
    expect(verdicts.slice(1).map(({ effect }) => effect)).toEqual(['applied', 'refused', 'refused', 'applied']);
    expect(verdicts[2]).toMatchObject({
      code: 'registry.refused',
      reason: 'epoch 4 of partition 0 is over: 5 owns it',
    });
  });

  it('is one of its own partition alone', () => {
    expect(effects(owner(1, 0, 9), of(1, 1), owner(1, 1, 2), of(1, 1))).toEqual([
      'applied',
      'applied',
      'applied',
      'refused',
    ]);
  });

  it('is remembered in a snapshot', () => {
    const { fold: f } = fold(ENFORCE, owner(1, 0, 7), owner(1, 2, 3));
    const restored = restoreFold(throughJson(f.snapshot()));
    expect(restored.snapshot()).toEqual(f.snapshot());
    expect(restored.apply(of(0, 6)).effect).toBe('refused');
    expect(restored.apply(of(2, 2)).effect).toBe('refused');
    expect(restored.apply(of(2, 3)).effect).toBe('applied');
  });

  it('moves the clock as every record does', () => {
    const f = createFold();
    f.apply(owner(40, 0, 1));
    expect(f.clockMs()).toBe(40);
  });
});
