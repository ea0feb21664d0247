/** What people are told of a breaker that opened, and what the brakes say when they are asked. */
import type { Proposal } from '../decide/finding.js';
import { type BrakeOpening, cohortNames, isOpen, openingDue, stopsLeft, withoutOver, withTold } from './brake.js';
import { brakesOf, type FoldState } from './fold-state.js';
import { cohortOf } from './proposal.js';
import type { BrakesState, BreakerOpening } from './registry.js';

/** Agents that an opening names at most. */
const AGENTS_MAX = 100;
const WORST = ['medium', 'high', 'critical'] as const;

/** The brakes as anybody may read them. */
export function brakesState(state: FoldState): BrakesState {
  const { brake, clockMs, skipped } = state;
  const brakes = brakesOf(state);
  return {
    brakes,
    left: stopsLeft(brake, brakes, clockMs),
    open: isOpen(brake, clockMs),
    skipped: skipped.proposals(),
    openings: brake.openings.filter((one) => clockMs < one.untilMs).map((one) => viewOf(state, one)),
  };
}

/** Closes what is over; the opening that people are to be told of with this record, once. */
export function turnBrake(state: FoldState): BreakerOpening | null {
  if (state.brake.openings.length === 0) return null;
  const due = openingDue(state.brake, state.clockMs);
  if (due !== null) state.brake = withTold(state.brake, due);
  state.brake = withoutOver(state.brake, state.clockMs);
  return due === null ? null : viewOf(state, due);
}

function viewOf(state: FoldState, opening: BrakeOpening): BreakerOpening {
  const { cohort, level, sinceMs, untilMs, policy, rule, skipped } = opening;
  const { tenant, role } = cohort === null ? { tenant: null, role: null } : cohortNames(cohort);
  const agents = state.skipped
    .proposals()
    .filter((proposal) => isHeldBy(state, opening, proposal))
    .slice(0, AGENTS_MAX)
    .map(({ agent }) => agent);
  return { tenant, role, severity: WORST[level], sinceMs, untilMs, policy, rule, skipped, agents };
}

function isHeldBy(state: FoldState, { cohort }: BrakeOpening, proposal: Proposal): boolean {
  return cohort === null || cohortOf(state, proposal) === cohort;
}
