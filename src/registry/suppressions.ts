/**
 * What people said in advance of findings, as the registry keeps it for everybody to see: what stands, what is to come,
 * and what is over as far as it is remembered. The engines are told of each and act on it.
 */
import { UNMUTABLE } from '../decide/verdict-kinds.js';
import type { SuppressionRecord } from '../engine/record.js';
import { isPerson } from './actor.js';
import { type FoldState, rememberKey } from './fold-state.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { RegistryRecord, SuppressionState } from './registry.js';

/** Suppressions that stand or are to come at one time, over all agents. */
export const SUPPRESSIONS_MAX = 500;
/** With those that are over; the oldest of these are forgotten first. */
export const REMEMBERED_MAX = 1_000;
/** It lasts at least this long, ms. */
export const SUPPRESSED_MIN_MS = 60_000;
/** And ends at most this long after it was said, ms. */
export const SUPPRESSED_MAX_MS = 366 * 86_400_000;

const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Takes a suppression in. Refused beyond the limits, and where it names what is never muted. */
export function judgeSuppression(state: FoldState, { actor, suppression }: Of<'suppress'>): Judgement {
  const { suppressions, clockMs } = state;
  if (!isPerson(actor)) return refuse('registry.refused', 'only a person suppresses findings', undefined);
  if (suppressions.has(suppression.id)) return duplicate(undefined);
  const reason = reasonAgainst(suppression, clockMs) ?? reasonOfNumber(state);
  if (reason !== null) return refuse('registry.refused', reason, undefined);
  if (!rememberKey(state, `suppress ${suppression.id}`)) return duplicate(undefined);
  suppressions.set(suppression.id, { suppression, undoneMs: null, undoneBy: null });
  forgetOver(state);
  return APPLIED;
}

/** Takes a suppression back, before it begins or while it stands. */
export function judgeSuppressUndo(state: FoldState, { id, actor, timeMs }: Of<'suppress-undo'>): Judgement {
  if (!isPerson(actor)) return refuse('registry.refused', 'only a person takes a suppression back', undefined);
  const known = state.suppressions.get(id);
  if (known === undefined || isOver(known, state.clockMs)) {
    return refuse('registry.refused', `no suppression ${id} is in force`, undefined);
  }
  state.suppressions.set(id, { ...known, undoneMs: timeMs, undoneBy: actor });
  return APPLIED;
}

function reasonAgainst({ fromMs, untilMs, kinds }: SuppressionRecord, clockMs: number): string | null {
  if (untilMs <= clockMs) return 'the suppression is over already';
  if (untilMs - Math.max(fromMs, clockMs) < SUPPRESSED_MIN_MS) return 'a suppression lasts a minute at least';
  if (untilMs - clockMs > SUPPRESSED_MAX_MS) return 'a suppression ends within 366 days';
  const unmutable = kinds?.find((kind) => UNMUTABLE.has(kind));
  return unmutable === undefined ? null : `findings of kind ${unmutable} are never muted`;
}

function reasonOfNumber({ suppressions, clockMs }: FoldState): string | null {
  let standing = 0;
  for (const one of suppressions.values()) if (!isOver(one, clockMs)) standing += 1;
  if (standing < SUPPRESSIONS_MAX) return null;
  return `${SUPPRESSIONS_MAX} suppressions are in force, which is the most: take one back, or wait until one runs out`;
}

function forgetOver({ suppressions, clockMs }: FoldState): void {
  if (suppressions.size <= REMEMBERED_MAX) return;
  for (const [id, one] of suppressions) {
    if (!isOver(one, clockMs)) continue;
    suppressions.delete(id);
    return;
  }
}

function isOver({ suppression, undoneMs }: SuppressionState, nowMs: number): boolean {
  return undoneMs !== null || suppression.untilMs <= nowMs;
}
