/**
 * The law that counts.ts judges a count by, for whoever wants to see it: the same numbers, off the hot path. Reads a
 * profile whose windows stand at the time in question.
 */
import { F, type Profile, STREAMS, WINDOW_COUNT, WINDOW_MS, WINDOW_STEP_4, WINDOW_STEP_8 } from '../agent/layout.js';
import { livedBuckets } from '../agent/window.js';
import { dispersionOf, PRIOR_MS, SHORTER_WEIGHT, trustOf, type WindowPrior, YOUNG } from './counts.js';

/** Of one window: expected count, and variance over mean. */
export interface WindowLaw {
  readonly mean: number;
  readonly dispersion: number;
}

/** Laws by window, in the order of WINDOW_MS. `cohort`: index in the model in force, -1: none. */
export function windowLaws(p: Profile, prior: WindowPrior, cohort: number): WindowLaw[] {
  const laws: WindowLaw[] = [];
  let first = 0;
  for (const windows of Object.values(STREAMS)) {
    const trust = trustOf(p, first);
    for (let w = first; w < first + windows.length; w++) {
      laws.push(lawOf(p, prior, (cohort + 1) * WINDOW_COUNT, w, trust, w > first ? laws[w - 1] : null));
    }
    first += windows.length;
  }
  return laws;
}

function lawOf(
  p: Profile,
  prior: WindowPrior,
  row: number,
  w: number,
  trust: number,
  shorter: WindowLaw | null,
): WindowLaw {
  const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
  const m = Math.max(1, PRIOR_MS / WINDOW_MS[w]) * (1 - trust);
  const like = shorter === null ? 0 : SHORTER_WEIGHT * trust;
  const scaled = shorter === null ? 0 : (shorter.mean * WINDOW_MS[w]) / WINDOW_MS[w - 1];
  const lived = n < YOUNG ? livedBuckets(p, w) : n;
  const own = p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w] * n;
  const mean = (own + prior.mean[row + w] * m + scaled * like) / (lived + m + like);
  return {
    mean,
    dispersion: dispersionOf(
      p,
      w,
      n * trust,
      prior,
      row + w,
      shorter?.dispersion ?? 0,
      prior.dispersionWeight[row / WINDOW_COUNT],
    ),
  };
}
