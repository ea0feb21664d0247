/**
 * Silence: how unlikely it is that an agent which is expected to call has not. P(no event in a gap) under the
 * negative-binomial law of the hourly count, hours taken as independent: G k ln(1 + mu/k) nats for a gap of G hours.
 * Always told apart from attacks: the finding is called quiet and never wakes anybody.
 */
import { DETECTORS, F, type Profile, STREAMS } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { windowVariance } from '../agent/window.js';

const INDEX = DETECTORS.indexOf('silence');
const HOUR = STREAMS.events.length - 1;
const HOUR_MS = 3_600_000;
/** Hours of history before silence says anything. */
const HOURS_MIN = 24;

/** Surprise at a gap of so many hours under the law of the hourly count, nats; 0 before there is a law. */
export function silenceNats(p: Profile, gapHours: number): number {
  const mean = p.f64[p.at8 + F.windowMean + HOUR];
  if (p.f32[p.at4 + F.windowWeight + HOUR] < HOURS_MIN || mean <= 0) return 0;
  const excess = Math.max(windowVariance(p, HOUR) - mean, mean * 1e-3);
  const k = (mean * mean) / excess;
  return gapHours * k * Math.log(1 + mean / k);
}

/** Hours between calls that are usual. */
export function usualGapHours(p: Profile): number {
  return 1 / p.f64[p.at8 + F.windowMean + HOUR];
}

/** Scores the gap between the agent's last event and `o.timeMs` (a tick). */
export function scoreSilence(o: Observation, readings: Readings): void {
  const p = o.profile;
  const gapHours = (o.timeMs - p.f64[p.at8 + F.lastMs]) / HOUR_MS;
  const nats = gapHours < 1 ? 0 : silenceNats(p, gapHours);
  readings.set(INDEX, nats, 0, gapHours, nats > 0 ? usualGapHours(p) : 0);
}
