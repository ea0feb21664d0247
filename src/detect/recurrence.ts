/**
 * The same new thing again and again: a target that a known endpoint never had before, or a model the agent never
 * called, in session after session of the day on which it first appeared. One new recipient is a new customer, who may
 * come back once; one that turns up in every third session from then on is where the data goes. The score is
 * -ln P(Poisson >= k) of its sessions so far, against what a new thing that is here to stay would have: a tenth of the
 * agent's sessions since. New tools are not counted: a tool that is rolled out is used at once and often. What is
 * adopted has become usual; three sessions over a day adopt it, so this looks at the first day or so. No memory but the
 * known sets.
 */
import { ENDPOINTS, knownAgeMs, knownSessions, PAIRS } from '../agent/known.js';
import { DETECTORS, F, STREAMS, WINDOW_STEP_8 } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { lnPoissonTail } from '../math/tail.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('recurrence');
const HOUR_MS = 3_600_000;
/** Window of session starts in an hour. */
const STARTS_HOUR = STREAMS.events.length + 2;
/** Closed days before which everything is new to an agent that is new itself, and what it does comes again. */
const DAYS_MIN = 4;
/** Sessions from which a new target and a new model recur: to come back once is what errands do. */
const TARGET_SESSIONS_MIN = 3;
const MODEL_SESSIONS_MIN = 2;
/** Sessions that are expected whatever the pace, and the part of the agent's own that are. */
const EXPECTED_MIN = 0.5;
const EXPECTED_SHARE = 0.1;
/** What is left of the score where others of the cohort have adopted the thing. */
const KNOWN_TO_COHORT = 0.3;

/** The detector of new targets and models that stay. */
export const recurrence: Detector = {
  name: 'recurrence',
  features: ['sessions with one new target', 'sessions with one new model'],
  score(o: Observation, readings: Readings): void {
    const isModel = o.endpointNewHere && o.event?.operation === 'chat';
    const isTarget = !isModel && o.pairNewHere && !o.endpointNovel;
    const set = isModel ? ENDPOINTS : PAIRS;
    const slot = isModel ? o.endpointSlot : o.pairSlot;
    const p = o.profile;
    const isDue = (isModel || isTarget) && p.u32[p.at4 + F.days] >= DAYS_MIN;
    const sessions = isDue ? knownSessions(p, set, slot) + 1 : 0;
    if (sessions < (isModel ? MODEL_SESSIONS_MIN : TARGET_SESSIONS_MIN)) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    const hours = knownAgeMs(p, set, slot, o.timeMs) / HOUR_MS;
    const expected =
      EXPECTED_MIN + EXPECTED_SHARE * (hours * p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * STARTS_HOUR] + sessions);
    const known = isTarget ? o.pairPeers : o.endpointPeers;
    const score = -lnPoissonTail(sessions, expected) * (known > 0 ? KNOWN_TO_COHORT : 1);
    readings.set(INDEX, score, isModel ? 1 : 0, sessions, expected);
  },
  learn(): void {},
};
