/** Whether the places that have to carry a drill's stop out have said that they did. Pure. */
import type { Carrier } from '../connect/status.js';
import type { Effect } from '../registry/registry.js';

/** The stop of the canary, as the registry has it. */
export interface DrillStop {
  readonly canary: string;
  /** Of the canary's entry, with the stop in force. */
  readonly version: number;
}

/** What is known of one agent of the drill: which places it has, and how far the last word of each came. */
export interface DrillProof {
  readonly places: readonly string[];
  readonly effects: readonly Pick<Effect, 'place' | 'state' | 'version' | 'root'>[];
}

/**
 * true: every place has confirmed this very stop, or cannot be asked and took it. null: there is no place. Without a
 * stop nothing can be confirmed.
 */
export function isProved(stop: DrillStop | null, agent: string, { places, effects }: DrillProof): boolean | null {
  if (places.length === 0) return null;
  if (stop === null) return false;
  const root = agent === stop.canary ? null : stop.canary;
  const isDone = new Set<string>();
  for (const { place, state, version, root: of } of effects) {
    if (version === stop.version && of === root && (state === 'confirmed' || state === 'unobserved')) isDone.add(place);
  }
  return places.every((place) => isDone.has(place));
}

/** How long the slowest of the places has for its proof, ms; 0: there is none. */
export function slowestProofMs(places: readonly Pick<Carrier, 'verifyWithinMs'>[]): number {
  return Math.max(0, ...places.map(({ verifyWithinMs }) => verifyWithinMs));
}
