/**
 * What the places that carry restrictions out say of them, as the registry keeps it: the last word of each place on
 * each agent. It changes nobody's standing; it is there so that a restart knows what is still to be done, and people
 * what was done.
 */
import type { FoldState } from './fold-state.js';
import { type Judgement, refuse } from './judgement.js';
import type { Effect, RegistryRecord } from './registry.js';

/** Places remembered per agent; beyond it the one that has been silent longest is forgotten. */
export const PLACES_MAX = 32;

const NOTHING: readonly Effect[] = Object.freeze([]);

/** Takes the word of a place in. Refused from a person, about an agent that is not known, and where it is outdated. */
export function judgeEffect(state: FoldState, record: Extract<RegistryRecord, { type: 'effect' }>): Judgement {
  const { tenant, agent, version, place, reason, root = null } = record;
  const held = state.inventory.get(tenant, agent);
  if (record.actor.startsWith('person:')) return refuse('registry.refused', 'no person reports an effect', held);
  if (held === undefined) return refuse('registry.unknown-agent', `${agent} is not known`, undefined);
  const known = effectsOf(state, tenant, agent);
  const before = known.find((one) => one.place === place);
  if (before !== undefined && before.root === root && before.version > version) {
    return refuse('registry.refused', `${place} has spoken of version ${before.version} of ${agent} already`, held);
  }
  const effect: Effect = { place, version, root, state: record.state, reason, timeMs: state.clockMs };
  const others = known.filter((one) => one.place !== place).slice(1 - PLACES_MAX);
  state.effects.set(keyOf(tenant, agent), [...others, effect]);
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}

/** The last word of each place on the agent, the oldest first. */
export function effectsOf(state: FoldState, tenant: string, agent: string): readonly Effect[] {
  return state.effects.get(keyOf(tenant, agent)) ?? NOTHING;
}

function keyOf(tenant: string, agent: string): string {
  return JSON.stringify([tenant, agent]);
}
