/**
 * Room detect/: one file a detector. Pure. A detector scores an observation against the profile (higher is stranger,
 * 0 is nothing to say), then learns from it; it never thresholds and never decides. Scores are raw: score/ turns them
 * into probabilities per agent-day.
 */

import type { DetectorName } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';

/** What every detector offers. */
export interface Detector {
  readonly name: DetectorName;
  /** Names of what it measures, with units; Readings.feature points here. */
  readonly features: readonly string[];
  /** Counts the event before it is scored, so that what is tested includes it. Not called for late events. */
  count?(o: Observation): void;
  /** Writes one reading. */
  score(o: Observation, readings: Readings): void;
  /** Takes the observation into the profile. */
  learn(o: Observation): void;
}
