/**
 * Call rate: counts in windows (counts.ts), and beside them a CUSUM over the gaps between calls, because a rate that
 * doubles for minutes stands out in no window: the log-likelihood ratio of twice the agent's rate against its own
 * (E. S. Page, Biometrika 41, 1954), for exponential gaps, divided by the dispersion of its counts. In nats, as the
 * windows' scores are.
 */
import { DETECTORS, F, type Profile, STREAMS, WINDOW_MS, WINDOW_STEP_4, WINDOW_STEP_8 } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { createCounts, type WindowPrior } from './counts.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('rate');
/** The change that the CUSUM is built for. */
const FACTOR = 2;
const GAIN = Math.log(FACTOR);
/** Calls that an agent must have made before its own rate is known well enough. */
const CALLS_MIN = 200;
/** While the CUSUM stands above, rate and dispersion are those of before: what is tested must not excuse itself. */
const HOLD = 2;
/** Buckets that the dispersion of the next shorter window is worth. */
const SHORTER_WEIGHT = 16;
const PACE_MAX = 30;
/** So many mean gaps without a call end whatever was going on. */
const GAPS_MAX = 12;
const MINUTE = 1;
const HOUR = 3;
/** Windows whose dispersion counts: 10 s, 1 min, 10 min. */
const WINDOWS = 3;
/** Index of the feature. */
const PACE_FEATURE = STREAMS.events.length;

/** The detector of call rates. */
export function createRate(prior: WindowPrior): Detector {
  const counts = createCounts('rate', 'calls', 0, STREAMS.events.length, 4, 2, prior, () => true);
  return {
    name: 'rate',
    features: [...counts.features, 'calls a minute since the pace rose'],
    count(o: Observation): void {
      counts.count?.(o);
      movePace(o);
    },
    score(o: Observation, readings: Readings): void {
      counts.score(o, readings);
      const p = o.profile;
      const up = p.f32[p.at4 + F.paceUp];
      if (o.isLate || up <= readings.score[INDEX]) return;
      const observed =
        p.f32[p.at4 + F.windowCurrent + WINDOW_STEP_4 * MINUTE] +
        p.f32[p.at4 + F.windowPrevious + WINDOW_STEP_4 * MINUTE];
      readings.set(INDEX, up, PACE_FEATURE, observed, p.f32[p.at4 + F.paceRate] * WINDOW_MS[MINUTE]);
    },
    learn: counts.learn,
  };
}

function movePace(o: Observation): void {
  const p = o.profile;
  const { f32, at4 } = p;
  const up = at4 + F.paceUp;
  if (p.f64[p.at8 + F.windowMean] * f32[at4 + F.windowWeight] < CALLS_MIN) return;
  if (f32[up] < HOLD || f32[at4 + F.paceRate] === 0) {
    f32[at4 + F.paceRate] = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * MINUTE] / WINDOW_MS[MINUTE];
    f32[at4 + F.paceSpread] = dispersionOf(p);
  }
  const gapMs = o.timeMs - p.f64[p.at8 + F.lastMs];
  // Whoever is busier by day than by night is compared with the hour before.
  const before = f32[at4 + F.windowPrevious + WINDOW_STEP_4 * HOUR] / WINDOW_MS[HOUR];
  const rate = Math.max(f32[at4 + F.paceRate], before);
  const step = (GAIN - (FACTOR - 1) * rate * gapMs) / f32[at4 + F.paceSpread];
  const next = rate * gapMs > GAPS_MAX ? 0 : f32[up] + step;
  f32[up] = next < 0 ? 0 : next > PACE_MAX ? PACE_MAX : next;
}

/** Variance over mean of the agent's counts, at least 1: of each window as far as it has buckets to tell. */
function dispersionOf(p: Profile): number {
  let dispersion = 1;
  for (let w = 0; w < WINDOWS; w++) {
    const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
    const mean = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w];
    const own = (p.f64[p.at8 + F.windowSquare + WINDOW_STEP_8 * w] - mean * mean) / Math.max(mean, 1e-9);
    dispersion = (own * n + dispersion * SHORTER_WEIGHT) / (n + SHORTER_WEIGHT);
  }
  return Math.max(1, dispersion);
}
