/**
 * Silence: how unlikely it is that an agent which is expected to call has not. P(no event in a gap) under the
 * negative-binomial law of the hourly count, hours taken as independent: G k ln(1 + mu/k) nats for a gap of G hours.
 * Always told apart from attacks: the finding is called quiet and never wakes anybody.
 */
import { DETECTORS, F, type Profile, STREAMS, WINDOW_STEP_8 } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { beforeEmpty, weightBefore } from '../agent/window.js';

const INDEX = DETECTORS.indexOf('silence');
const HOUR = STREAMS.events.length - 1;
const HOUR_MS = 3_600_000;
/** Hours of history before silence says anything. */
const HOURS_MIN = 24;

/**
 * Surprise at a gap of so many hours under the law of the hourly count, nats; 0 before there is a law. `learned`: how
 * many of these hours the law has taken for ordinary ones already, and should not have.
 */
export function silenceNats(p: Profile, gapHours: number, learned = 0): number {
  const before = beforeEmpty(p, HOUR, learned);
  const mean = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * HOUR] * before;
  if (weightBefore(p, HOUR, learned) < HOURS_MIN || mean <= 0) return 0;
  const variance = Math.max(p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * HOUR] * before - mean * mean, mean);
  const excess = Math.max(variance - mean, mean * 1e-3);
  const k = (mean * mean) / excess;
  return gapHours * k * Math.log(1 + mean / k);
}

/** Hours between calls that are usual; `learned` as above. */
export function usualGapHours(p: Profile, learned = 0): number {
  return 1 / (p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * HOUR] * beforeEmpty(p, HOUR, learned));
}

/** Scores the gap between the agent's last event and `o.timeMs` (a tick). */
export function scoreSilence(o: Observation, readings: Readings): void {
  const p = o.profile;
  const gapHours = (o.timeMs - p.f64[p.at8 + F.lastMs]) / HOUR_MS;
  const nats = gapHours < 1 ? 0 : silenceNats(p, gapHours);
  readings.set(INDEX, nats, 0, gapHours, nats > 0 ? usualGapHours(p) : 0);
}
