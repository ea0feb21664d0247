/** How far stops came, as the registry keeps it. */
import { expect, it } from 'vitest';
import { PLACES_MAX } from '../../src/registry/effects.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import { effect, stop, throughJson } from './records.js';

it('keeps the last word of each place, the oldest first, and over a restart', () => {
  const fold = createFold();
  fold.apply(stop(1, 'clerk'));
  fold.apply(effect(2, 'clerk'));
  fold.apply(effect(3, 'clerk', { place: 'directory', root: 'crew', version: 9, reason: 'it took it' }));
  fold.apply(effect(4, 'clerk', { state: 'confirmed' }));
  const told = [
    { place: 'directory', version: 9, root: 'crew', state: 'sent', reason: 'it took it', timeMs: 3 },
    { place: 'gate', version: 2, root: null, state: 'confirmed', reason: null, timeMs: 4 },
  ];
  expect(fold.effects('', 'clerk')).toEqual(told);
  expect(restoreFold(throughJson(fold.snapshot())).effects('', 'clerk')).toEqual(told);
  expect(fold.effects('acme', 'clerk')).toEqual([]);
});

it('goes on from a snapshot that knew of none', () => {
  const { effects: _, ...old } = createFold().snapshot() as Record<string, unknown>;
  expect(restoreFold(old).effects('', 'clerk')).toEqual([]);
});

it('refuses the word of a person, of nobody known, and of a process that is behind', () => {
  const fold = createFold();
  fold.apply(stop(1, 'clerk'));
  fold.apply(effect(2, 'clerk', { version: 4, state: 'confirmed' }));
  expect(fold.apply(effect(3, 'clerk', { actor: 'person:ada' }))).toMatchObject({ code: 'registry.refused' });
  expect(fold.apply(effect(3, 'nobody'))).toMatchObject({ code: 'registry.unknown-agent' });
  expect(fold.apply(effect(3, 'clerk', { version: 3, state: 'dead' }))).toMatchObject({ effect: 'refused' });
  expect(fold.effects('', 'clerk')).toMatchObject([{ version: 4, state: 'confirmed' }]);
});

it('remembers so many places and no more', () => {
  const fold = createFold();
  fold.apply(stop(1, 'clerk'));
  for (let n = 0; n < PLACES_MAX + 5; n++) fold.apply(effect(2, 'clerk', { place: `p${n}` }));
  const places = fold.effects('', 'clerk').map(({ place }) => place);
  expect(places).toHaveLength(PLACES_MAX);
  expect(places[0]).toBe('p5');
});
