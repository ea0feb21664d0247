/**
 * The ledger of what was not adopted: each session's new surprise, summed over sessions with a half-life of a day. One
 * odd session fades; the same strange call in ten sessions of a day, or a new privilege every other day, adds up.
 */
import { ENDPOINTS, knownSessions, PAIRS } from '../agent/known.js';
import { DETECTORS, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('creep');
const HALF_LIFE_MS = 86_400_000;
/** The level is a sum of bursts: its logarithm has the tail that the daily law assumes. */
const SCALE = 4;

/** The level behind a score: what is usual on the day's strangest moment, nats. */
function usualLevel(score: number): number {
  return (score * score) / (SCALE * SCALE);
}

/** Sessions in which the new thing was met before: what comes again is recurrence's to say. */
function sessionsBefore(o: Observation): number {
  const known = o.endpointNewHere ? knownSessions(o.profile, ENDPOINTS, o.endpointSlot) : 0;
  return known > 0 || !o.pairNewHere ? known : knownSessions(o.profile, PAIRS, o.pairSlot);
}

/** The ledger as a detector. */
export const creep: Detector = {
  name: 'creep',
  features: ['surprise at what is not adopted, over days, nats'],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const level = p.at8 + F.creepLevel;
    const gapMs = Math.max(0, o.timeMs - p.f64[p.at8 + F.creepMs]);
    p.f64[level] =
      p.f64[level] * Math.exp((-Math.LN2 * gapMs) / HALF_LIFE_MS) + o.addedSurprise / (1 + sessionsBefore(o));
    p.f64[p.at8 + F.creepMs] = o.timeMs;
    readings.set(
      INDEX,
      o.addedSurprise > 0 ? SCALE * Math.sqrt(p.f64[level]) : 0,
      0,
      p.f64[level],
      usualLevel(p.f32[p.at4 + F.dayMean + INDEX]),
    );
  },
  learn(): void {},
};
