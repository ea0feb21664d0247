/**
 * How far the restriction in force came at each place that has to carry it out: a connector, or the traffic itself.
 * One state per place, the last one that was recorded; forgotten once the restriction ends.
 */
import type { FoldState } from './fold-state.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { PlaceEffect, RegistryRecord } from './registry.js';

/** Places of one restriction; there are as many as there are connectors. */
const PLACES_MAX = 32;

/** Of a restriction that nobody has carried out yet. */
export const NO_EFFECTS: readonly PlaceEffect[] = Object.freeze([]);

/** Takes in what became of a restriction at one place. What is about an earlier one changes nothing. */
export function judgeEffect(state: FoldState, record: Extract<RegistryRecord, { type: 'effect' }>): Judgement {
  const { tenant, agent, version, place, state: now, reason } = record;
  const held = state.inventory.get(tenant, agent);
  const nothing = (words: string): Judgement => ({
    ...{ effect: 'none', reason: words, code: null, entry: held?.entry ?? null },
  });
  if (held?.restrictedVersion === null || held === undefined) return nothing('no restriction in force any more');
  if (version < held.restrictedVersion || version > held.entry.version) return nothing('of another restriction');
  const before = held.effects.find((one) => one.place === place);
  if (before !== undefined && before.version > version) return nothing('of another restriction');
  if (before?.version === version && before.state === now && before.reason === reason) return duplicate(held);
  if (before === undefined && held.effects.length >= PLACES_MAX) {
    return refuse('registry.refused', `${agent}: more than ${PLACES_MAX} places`, held);
  }
  const effect: PlaceEffect = { place, version, state: now, reason, atMs: state.clockMs };
  held.effects = [...held.effects.filter((one) => one !== before), effect];
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}
