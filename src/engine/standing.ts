/**
 * How far an agent's profile can be trusted: by its own closed days, or by a cohort that lends it laws before it has
 * any. And which cohort that is: the role that people gave, from the first event on; else the learner's.
 */
import { F, type Profile } from '../agent/layout.js';
import { type CohortLaw, type CohortModel, roleCohort } from '../detect/model.js';
import type { EngineState } from './state.js';

/** learning: nothing to judge by; provisional: some days, or those of a cohort; calibrated: a week of its own. */
export const STANDINGS = ['learning', 'provisional', 'calibrated'] as const;
export type Standing = (typeof STANDINGS)[number];

/** Closed days from which a profile is provisional, and calibrated. */
const PROVISIONAL_DAYS = 3;
const CALIBRATED_DAYS = 7;

/** Index of an agent's cohort in the model in force; -1: none. */
export function cohortOf(state: EngineState, key: string): number {
  const role = state.facts.get(key)?.role;
  if (role !== null && role !== undefined) {
    const given = state.cohortIds.get(roleCohort(key.slice(0, key.indexOf('\u0000')), role));
    if (given !== undefined) return given;
  }
  return state.model.cohortOf.get(key) ?? -1;
}

/** What the profile's cohort lends it; null: nothing. The profile must be up to the model. */
export function cohortLaw(p: Profile, model: CohortModel): CohortLaw | null {
  const role = p.u32[p.at4 + F.role];
  return role === 0 ? null : model.cohorts[role - 1].law;
}

/** State of a profile with so many closed days; `isLent`: its cohort has a law. */
export function standingOf(closedDays: number, isLent: boolean): Standing {
  if (closedDays >= CALIBRATED_DAYS) return 'calibrated';
  return closedDays >= PROVISIONAL_DAYS || isLent ? 'provisional' : 'learning';
}

/** Counts the agents at work by standing; each by its cohort in the model in force, met under it or not. */
export function countStandings(state: EngineState): void {
  const { table, counts, observation, model } = state;
  const p = observation.profile;
  for (const standing of STANDINGS) counts[standing] = 0;
  for (const slot of table.oldestFirst()) {
    table.aim(p, slot);
    const closedDays = p.u32[p.at4 + F.days];
    const cohort = closedDays < PROVISIONAL_DAYS ? cohortOf(state, table.key(slot)) : -1;
    counts[standingOf(closedDays, cohort !== -1 && model.cohorts[cohort].law !== null)]++;
  }
}
