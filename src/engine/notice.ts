/** What a profile cannot answer for by itself: a newcomer by its cohort, what is new by a deploy. */
import { DETECTORS } from '../agent/layout.js';
import type { Kind, Severity } from '../decide/finding.js';
import { shares } from '../score/fuse.js';
import { leader, surprises } from './scoring.js';
import { cohortLaw } from './standing.js';
import type { EngineState } from './state.js';

/**
 * Kinds that a newcomer may page for from its first event where its cohort has a law for them: what nobody in the
 * cohort does. Its own pace is not known yet, so it has to be rarer by a power of ten, and the cause must carry the
 * score by itself: that everything is new to a newcomer must not help.
 */
const OF_COHORT: ReadonlySet<Kind> = new Set(['rate-burst', 'fan-out']);
const LEADER_MIN = 0.5;

/** Whether the observation is so far from what the agent's cohort does that a newcomer pages for it. */
export function isBeyondCohort(state: EngineState, kind: Kind, severity: Severity): boolean {
  if (!OF_COHORT.has(kind) || (severity !== 'high' && severity !== 'critical')) return false;
  return cohortLaw(state.observation.profile, state.model) !== null && shares(surprises)[leader()] >= LEADER_MIN;
}

/** Detectors of what a deploy explains. Where they make up half of a score, something else leads it in vain. */
const DEPLOY_EXPLAINS: readonly number[] = (['novelty', 'creep', 'recurrence', 'ledger'] as const).map((name) =>
  DETECTORS.indexOf(name),
);
const EXPLAINED_MIN = 0.5;

/** Whether a deploy explains the observation. */
export function isExplained(state: EngineState): boolean {
  if (!state.observation.isDeploy) return false;
  const parts = shares(surprises);
  return DEPLOY_EXPLAINS.includes(leader()) || DEPLOY_EXPLAINS.reduce((sum, d) => sum + parts[d], 0) >= EXPLAINED_MIN;
}
