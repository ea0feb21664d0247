/**
 * The brakes: at most so many automatic restrictions in any stretch of one interval, over all agents. The one too many
 * opens the breaker: for a whole interval nothing is stopped automatically, because a cause that wants so many stops
 * at once is more likely a mistake of ours than that many agents gone wrong.
 */
import type { Brakes } from '../decide/policy.js';

/** What the brakes remember. */
export interface BrakeState {
  /** Registry clock of the automatic restrictions that may still count, ascending. */
  readonly stopsMs: readonly number[];
  /** The breaker closes at this time; null: closed. */
  readonly openUntilMs: number | null;
}

/** Brakes that nothing has touched. */
export const BRAKES_FREE: BrakeState = { stopsMs: [], openUntilMs: null };

/** Automatic restrictions that may still be made now; 0 while the breaker is open. */
export function stopsLeft(state: BrakeState, brakes: Brakes, nowMs: number): number {
  if (state.openUntilMs !== null && nowMs < state.openUntilMs) return 0;
  const counted = state.stopsMs.filter((atMs) => atMs > nowMs - brakes.intervalMs).length;
  return Math.max(0, brakes.stopsMax - counted);
}

/** The brakes after one automatic restriction. */
export function withStop(state: BrakeState, brakes: Brakes, nowMs: number): BrakeState {
  const kept = state.stopsMs.filter((atMs) => atMs > nowMs - brakes.intervalMs);
  return { ...state, stopsMs: [...kept, nowMs] };
}

/** One proposal too many: opens the breaker; an open one keeps its end. */
export function withSkip(state: BrakeState, brakes: Brakes, nowMs: number): BrakeState {
  return state.openUntilMs === null ? { ...state, openUntilMs: nowMs + brakes.intervalMs } : state;
}
