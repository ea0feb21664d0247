/** Which findings a person's verdict can be about, and what of their events it goes by. */
import type { Kind } from './finding.js';

/** Kinds whose findings name an endpoint: the like of one is about the same endpoint. */
export const NAMES_ENDPOINT: ReadonlySet<Kind> = new Set([
  'retry-loop',
  'new-endpoint',
  'new-target',
  'privilege-creep',
  'recurring-target',
]);

/** Those that name the target too. */
export const NAMES_TARGET: ReadonlySet<Kind> = new Set(['new-target', 'recurring-target']);

/**
 * Milder faces of a kind: the same measurement of the same trouble, told apart by how far it has gone. Whoever answers
 * the one is not to be woken by the other.
 */
export const MILDER_FACES: Readonly<Partial<Record<Kind, readonly Kind[]>>> = {
  'retry-loop': ['error-burst', 'rate-burst'],
  'fan-out': ['rate-burst'],
  'session-spend': ['spend'],
};

/** A limit that people set, what is about no agent, and what says that a stop failed: no verdict can mute these. */
export const UNMUTABLE: ReadonlySet<Kind> = new Set([
  'budget',
  'agent-flood',
  'source-refused',
  'breaker-open',
  'stop-unverified',
  'delivery-dead',
  'halted',
]);
