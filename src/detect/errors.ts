/**
 * Failures: a run of failures of one endpoint inside a session, against the agent's own rate of failing and of failing
 * again (a first-order Markov chain: -ln of the run's probability), and the count of failures in sliding windows.
 */
import { DETECTORS, F, STREAMS, WINDOW_MS } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { U } from '../agent/sessions.js';
import { createCounts, type WindowPrior } from './counts.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('errors');
const FIRST = WINDOW_MS.length - STREAMS.errors.length;
/** Decay of the error rates, events and failures. */
const RATE_STEP = 1 / 512;
const AGAIN_STEP = 1 / 64;
/** No agent is believed to fail more rarely than this, nor to repeat a failure more rarely. */
const RATE_MIN = 0.01;
const AGAIN_MIN = 0.3;
/** A model that fails once often fails again: its provider is down, for everybody. */
const AGAIN_MIN_MODEL = 0.7;

/** Index of the feature that counts failures in a row. */
export const ERROR_RUN_FEATURE = STREAMS.errors.length;

/** A model that does not answer is its provider's trouble, and everybody's at once: only its runs are counted. */
function isOwnFailure(o: Observation): boolean {
  return o.failed && o.event?.operation !== 'chat';
}

/** The detector of failures. */
export function createErrors(prior: WindowPrior): Detector {
  const counts = createCounts('errors', 'failed calls', FIRST, STREAMS.errors.length, 2, 0, prior, isOwnFailure);
  return {
    name: 'errors',
    features: [...counts.features, 'failures of one call in a row'],
    count: (o) => counts.count?.(o),
    score(o: Observation, readings: Readings): void {
      if (!o.failed) {
        readings.set(INDEX, 0, 0, 0, 0);
        return;
      }
      counts.score(o, readings);
      const run = o.sessionCount(U.errorRun);
      if (run < 2) return;
      const p = o.profile;
      const rate = Math.max(RATE_MIN, p.f32[p.at4 + F.errorRate]);
      const least = o.event?.operation === 'chat' ? AGAIN_MIN_MODEL : AGAIN_MIN;
      const again = Math.max(least, p.f32[p.at4 + F.errorAgain]);
      const score = -Math.log(rate) - (run - 1) * Math.log(Math.min(again, 0.9));
      if (score > readings.score[INDEX]) {
        readings.set(INDEX, score, ERROR_RUN_FEATURE, run, 1 / (1 - Math.min(again, 0.9)));
      }
    },
    learn(o: Observation): void {
      const p = o.profile;
      const at = p.at4 + F.errorRate;
      p.f32[at] += ((o.failed ? 1 : 0) - p.f32[at]) * RATE_STEP;
      const run = o.sessionCount(U.errorRun);
      // A run beyond eight teaches nothing: a loop would otherwise make itself usual.
      if (o.failed && run <= 8) {
        p.f32[p.at4 + F.errorAgain] += ((run > 1 ? 1 : 0) - p.f32[p.at4 + F.errorAgain]) * AGAIN_STEP;
      }
    },
  };
}

/** Keeps the session's run of failures; called by the engine before scoring. */
export function countRun(o: Observation): void {
  const at = o.s4at;
  if (!o.failed) {
    if (o.s32[at + U.errorEndpoint] === o.endpointLow) o.s32[at + U.errorRun] = 0;
    return;
  }
  const same = o.s32[at + U.errorEndpoint] === o.endpointLow && o.s32[at + U.errorRun] > 0;
  o.s32[at + U.errorRun] = same ? o.s32[at + U.errorRun] + 1 : 1;
  o.s32[at + U.errorEndpoint] = o.endpointLow;
}
