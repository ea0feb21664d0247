/** Suppressions in the fold: who may, how many are remembered, and what a snapshot holds. */
import { expect, it } from 'vitest';
import { restoreFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { REMEMBERED_MAX } from '../../src/registry/suppressions.js';
import { suppressionOf } from '../engine/suppression-of.js';
import { BOB, fold, HOUR_MS, last, throughJson } from './records.js';

const suppress = (timeMs: number, id: string, rest: object = {}): RegistryRecord => ({
  ...{ type: 'suppress', timeMs, ...BOB, ...rest },
  suppression: suppressionOf({ id, timeMs, fromMs: timeMs, untilMs: timeMs + HOUR_MS }),
});
const undo = (timeMs: number, id: string, rest: object = {}): RegistryRecord => ({
  ...{ type: 'suppress-undo', timeMs, id, ...BOB, ...rest },
});
const engine = { actor: 'engine:0' };

it('are said and taken back by persons alone, each once', () => {
  expect(last(suppress(1, 's-1', engine))).toMatchObject({ effect: 'refused' });
  expect(last(suppress(1, 's-1'), suppress(2, 's-1'))).toMatchObject({ effect: 'duplicate' });
  expect(last(suppress(1, 's-1'), undo(2, 's-1', engine))).toMatchObject({ effect: 'refused' });
  expect(last(suppress(1, 's-1'), undo(2, 's-1'))).toMatchObject({ effect: 'applied' });
  expect(last(suppress(1, 's-1'), undo(2, 's-1'), undo(3, 's-1'))).toMatchObject({ effect: 'refused' });
  expect(last(suppress(1, 's-1'), undo(HOUR_MS + 1, 's-1'))).toMatchObject({ effect: 'refused' });
  expect(last(undo(1, 's-1'))).toMatchObject({ effect: 'refused', reason: 'no suppression s-1 is in force' });
});

it('are in a snapshot, with those that are over', () => {
  const made = fold(suppress(1, 's-1'), suppress(2, 's-2'), undo(3, 's-1')).fold;
  const again = restoreFold(throughJson(made.snapshot()));
  expect(again.suppressions()).toEqual(made.suppressions());
  expect(again.suppressions()).toMatchObject([
    { undoneMs: 3, undoneBy: BOB.actor },
    { undoneMs: null, undoneBy: null },
  ]);
});

it('are forgotten, the oldest that is over first', () => {
  const many = Array.from({ length: REMEMBERED_MAX + 2 }, (_, at) => [suppress(1, `s-${at}`), undo(1, `s-${at}`)]);
  const kept = fold(suppress(1, 'stands'), ...many.flat()).fold.suppressions();
  expect(kept.length).toBe(REMEMBERED_MAX);
  expect(kept.map(({ suppression }) => suppression.id).slice(0, 2)).toEqual(['stands', 's-3']);
});
