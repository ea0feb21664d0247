/**
 * What the registry keeps of drills, and who may hold one. A drill is a true stop, of an agent that is there for
 * nothing else.
 */
import type { FoldState } from './fold-state.js';
import type { Held } from './inventory.js';
import type { Judgement } from './judgement.js';
import type { DrillResult } from './registry.js';

/** Label of the agents that drills may stop. */
export const CANARY_LABEL = 'canary';

/** Drills kept, newest: a year of weekly ones. */
const DRILLS_MAX = 60;

/** Keeps a drill's result; the same one told twice is one. */
export function keepDrill(state: FoldState, drill: DrillResult): Judgement {
  const isKnown = state.drills.some(({ id }) => id === drill.id);
  if (isKnown) return { effect: 'duplicate', reason: 'told before', code: null, entry: null };
  state.drills = [...state.drills, drill].slice(-DRILLS_MAX);
  return { effect: 'applied', reason: null, code: null, entry: null };
}

/** Persons stop and release whomever they may; the server itself nobody but a canary, for its own drills. */
export function mayStop(actor: string, held: Held | undefined): boolean {
  if (actor.startsWith('person:')) return true;
  return actor === 'system' && held?.entry.labels.includes(CANARY_LABEL) === true;
}
