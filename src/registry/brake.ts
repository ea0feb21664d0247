/**
 * The brakes: at most so many automatic restrictions in any stretch of one interval, over all agents and over those
 * of one role; and of either the milder findings may use a part alone, so that whoever provokes cheap stops of others
 * does not use up those that a grave finding will need. The one too many opens the breaker: for a whole interval
 * nothing of its like is stopped automatically, because a cause that wants so many stops at once is more likely a
 * mistake of ours than that many agents gone wrong.
 */
import { COHORT_STOPS_MAX, SHARES_DEFAULT } from '../decide/brakes-file.js';
import type { Severity } from '../decide/finding.js';
import type { Brakes } from '../decide/policy.js';

/** How grave a stop's finding is, as the brakes tell them apart: 0 medium and below, 1 high, 2 critical. */
export type Level = 0 | 1 | 2;

/** An automatic restriction that may still count. */
export interface BrakeStop {
  /** Registry clock, ms. */
  readonly atMs: number;
  readonly level: Level;
  /** As `cohortKey` says it; null: the agent has no role. */
  readonly cohort: string | null;
}

/** An open breaker. */
export interface BrakeOpening {
  /** Whose stops it holds back; null: everybody's. */
  readonly cohort: string | null;
  /** It holds back stops of this level and below. */
  readonly level: Level;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Of the first stop that it held back. */
  readonly policy: string;
  readonly rule: string;
  /** Stops held back so far. */
  readonly skipped: number;
  /** People were told of it. */
  readonly isTold: boolean;
}

/** What the brakes remember. */
export interface BrakeState {
  /** Ascending by time. */
  readonly stops: readonly BrakeStop[];
  /** Oldest first. */
  readonly openings: readonly BrakeOpening[];
}

/** Whose stop the brakes are asked about. */
export interface Braked {
  readonly level: Level;
  readonly cohort: string | null;
}

/** What stands in a stop's way. */
export interface Block extends Braked {
  /** Automatic stops that are allowed to it, of `max`. */
  readonly limit: number;
  readonly max: number;
}

/** Brakes that nothing has touched. */
export const BRAKES_FREE: BrakeState = { stops: [], openings: [] };

/** People are told this long after a breaker opened, so that they are told of all that it skipped at once, ms. */
const GATHER_MS = 2_000;
/** Below so many stops there is nothing to share. */
const SHARED_MIN = 3;
const OPENINGS_MAX = 100;
const CRITICAL: Level = 2;
const LEVELS: Readonly<Record<Severity, Level>> = { info: 0, low: 0, medium: 0, high: 1, critical: CRITICAL };

/** The level of a finding's severity. */
export function levelOf(severity: Severity): Level {
  return LEVELS[severity];
}

/** One name for a role of one tenant; null where there is no role. */
export function cohortKey(tenant: string, role: string | null): string | null {
  return role === null ? null : JSON.stringify([tenant, role]);
}

/** The role of a cohort's key. */
export function cohortNames(cohort: string): { readonly tenant: string; readonly role: string } {
  const [tenant, role] = JSON.parse(cohort) as [string, string];
  return { tenant, role };
}

/** What stands against a stop now; null: nothing. */
export function blockOf(state: BrakeState, brakes: Brakes, asked: Braked, nowMs: number): Block | null {
  const { cohort } = asked;
  const all = blockIn(state, brakes, null, asked.level, nowMs);
  return all ?? (cohort === null ? null : blockIn(state, brakes, cohort, asked.level, nowMs));
}

function blockIn(
  { stops, openings }: BrakeState,
  brakes: Brakes,
  cohort: string | null,
  level: Level,
  nowMs: number,
): Block | null {
  const max = cohort === null ? brakes.stopsMax : (brakes.cohortMax ?? COHORT_STOPS_MAX);
  const open = openings.find((one) => one.cohort === cohort && one.level >= level && nowMs < one.untilMs);
  if (open !== undefined) return { cohort, level: open.level, limit: limitOf(brakes, max, open.level), max };
  const counted = stops.filter(
    (one) => one.atMs > nowMs - brakes.intervalMs && (cohort === null || one.cohort === cohort),
  );
  // The gravest first: where even that is used up, it is what the breaker is opened for.
  for (let at: Level = CRITICAL; at >= level; at--) {
    const limit = limitOf(brakes, max, at);
    if (counted.filter((one) => one.level <= at).length >= limit) return { cohort, level: at as Level, limit, max };
  }
  return null;
}

/** Stops that findings of a level and below may use together, of `max`. */
function limitOf({ shares = SHARES_DEFAULT }: Brakes, max: number, level: Level): number {
  if (level === CRITICAL || max < SHARED_MIN) return max;
  return Math.max(1, Math.min(max, Math.round(max * (level === 0 ? shares.medium : shares.high))));
}

/** Automatic stops that the gravest findings may still make now; 0 while a breaker holds everything back. */
export function stopsLeft({ stops, openings }: BrakeState, brakes: Brakes, nowMs: number): number {
  if (openings.some((one) => one.cohort === null && one.level === CRITICAL && nowMs < one.untilMs)) return 0;
  return Math.max(0, brakes.stopsMax - stops.filter((one) => one.atMs > nowMs - brakes.intervalMs).length);
}

/** The brakes after one automatic restriction. */
export function withStop(state: BrakeState, brakes: Brakes, { level, cohort }: Braked, nowMs: number): BrakeState {
  const kept = state.stops.filter((one) => one.atMs > nowMs - brakes.intervalMs);
  return { ...state, stops: [...kept, { atMs: nowMs, level, cohort }] };
}

/** One stop was held back: opens the breaker; one that is open as wide keeps its end. `more`: stops it counts anew. */
export function withSkip(
  state: BrakeState,
  { intervalMs }: Brakes,
  { cohort, level }: Block,
  { policy, rule }: Pick<BrakeOpening, 'policy' | 'rule'>,
  nowMs: number,
  more: number,
): BrakeState {
  const before = state.openings.find((one) => one.cohort === cohort && nowMs < one.untilMs);
  const skipped = (before?.skipped ?? 0) + more;
  const next: BrakeOpening =
    before !== undefined && before.level >= level
      ? { ...before, skipped }
      : { cohort, level, sinceMs: nowMs, untilMs: nowMs + intervalMs, policy, rule, skipped, isTold: false };
  const others = state.openings.filter((one) => one !== before);
  return { ...state, openings: [...others, next].slice(-OPENINGS_MAX) };
}

/** Closes every breaker; what was counted stays counted. */
export function closed({ stops }: BrakeState): BrakeState {
  return { stops, openings: [] };
}

/** An opening that people are to be told of now; null: none. */
export function openingDue({ openings }: BrakeState, nowMs: number): BrakeOpening | null {
  return openings.find((one) => !one.isTold && nowMs >= toldAtMs(one)) ?? null;
}

/** The brakes once people were told of an opening. */
export function withTold(state: BrakeState, told: BrakeOpening): BrakeState {
  return { ...state, openings: state.openings.map((one) => (one === told ? { ...one, isTold: true } : one)) };
}

/** The brakes without what is over and told. */
export function withoutOver(state: BrakeState, nowMs: number): BrakeState {
  const left = state.openings.filter((one) => !one.isTold || nowMs < one.untilMs);
  return left.length === state.openings.length ? state : { ...state, openings: left };
}

/** When the next breaker closes, or people are to be told of one; infinite: never. */
export function nextTurnMs({ openings }: BrakeState): number {
  return openings.reduce(
    (next, one) => Math.min(next, one.isTold ? one.untilMs : toldAtMs(one)),
    Number.POSITIVE_INFINITY,
  );
}

/** Whether any breaker holds anything back. */
export function isOpen({ openings }: BrakeState, nowMs: number): boolean {
  return openings.some((one) => nowMs < one.untilMs);
}

function toldAtMs({ sinceMs, untilMs }: BrakeOpening): number {
  return Math.min(sinceMs + GATHER_MS, untilMs);
}

/** As a snapshot of an earlier version held it. */
interface EarlierState {
  readonly stopsMs: readonly number[];
  readonly openUntilMs: number | null;
}

/** The state in a snapshot; null where it is none. */
export function readBrake(saved: unknown): BrakeState | null {
  const given = saved as Partial<BrakeState & EarlierState> | null | undefined;
  if (Array.isArray(given?.stops) && Array.isArray(given.openings)) return saved as BrakeState;
  if (!Array.isArray(given?.stopsMs)) return null;
  const stops = given.stopsMs.map((atMs: number) => ({ atMs, level: CRITICAL, cohort: null }));
  const untilMs = given.openUntilMs ?? null;
  if (untilMs === null) return { stops, openings: [] };
  const sinceMs = stops.at(-1)?.atMs ?? untilMs;
  const open: BrakeOpening = {
    ...{ cohort: null, level: CRITICAL, sinceMs, untilMs, policy: '', rule: '' },
    ...{ skipped: 0, isTold: true },
  };
  return { stops, openings: [open] };
}
