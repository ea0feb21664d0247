/**
 * Call rate, session starts, delegations: counts in sliding windows against a negative-binomial law whose mean and
 * dispersion are the agent's own (method of moments, k = mu^2 / max(var - mu, eps)); the score is the largest
 * -ln P(NB >= x | NB >= 1) over the windows: how large the burst is, not how rare it is that anything happens at all
 * (that is novelty's to say). Real clients are overdispersed: Poisson and z-scores are off by orders of magnitude.
 * A late event says nothing here: its window has gone.
 */
import { interestingScore } from '../agent/interest.js';
import {
  DETECTORS,
  type DetectorName,
  F,
  type Profile,
  WINDOW_COUNT,
  WINDOW_MS,
  WINDOW_STEP_4,
  WINDOW_STEP_8,
} from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { addCount, firstCount, livedBuckets, slidingCount, windowVariance } from '../agent/window.js';
import type { AgentEvent } from '../event/event.js';
import { lnNegativeBinomialTail } from '../math/tail.js';
import type { Detector } from './detector.js';
import type { CohortModel } from './model.js';

/** From this k on a count is Poisson for all that a bucket can show. */
const DISPERSION_MAX = 1000;
/** The cold-start law counts as this much history, ms, as long as the agent has hardly called. */
export const PRIOR_MS = 6 * 3_600_000;
/**
 * After so many calls of its own it counts half, and falls with their square: agents lie orders of magnitude apart, and
 * to mix the mean of another into one's own is to believe in bursts that never were.
 */
const PRIOR_CALLS = 20;
/** Buckets below which it matters that the agent came in the middle of its first. */
export const YOUNG = 16;
/** Buckets of a window that the rate in the next shorter one is worth: a window that has not closed yet has no other. */
export const SHORTER_WEIGHT = 4;
/**
 * Buckets that the dispersion of the cold-start law is worth, that of a cohort's own, and for a longer window that of the
 * next shorter one. Whoever bursts in its first minute has nothing but the burst to show, and must not be excused by it.
 */
const COLD_DISPERSION_WEIGHT = 1;
const COHORT_DISPERSION_WEIGHT = 16;
const SHORTER_DISPERSION_WEIGHT = 16;

/**
 * Cold-start laws by window: a row for agents of no cohort, then one for each cohort of the model in force, so that the
 * profile's own cohort index finds its row.
 */
export class WindowPrior {
  mean = new Float64Array(WINDOW_COUNT);
  square = new Float64Array(WINDOW_COUNT);
  /** By row: buckets that its dispersion is worth. */
  dispersionWeight = new Float64Array(1).fill(COLD_DISPERSION_WEIGHT);

  use(model: CohortModel): void {
    const size = (1 + model.cohorts.length) * WINDOW_COUNT;
    if (this.mean.length !== size) {
      this.mean = new Float64Array(size);
      this.square = new Float64Array(size);
      this.dispersionWeight = new Float64Array(1 + model.cohorts.length).fill(COLD_DISPERSION_WEIGHT);
    }
    this.mean.set(model.windowMean);
    this.square.set(model.windowSquare);
    for (const [i, { law }] of model.cohorts.entries()) {
      this.dispersionWeight[i + 1] = law === null ? COLD_DISPERSION_WEIGHT : COHORT_DISPERSION_WEIGHT;
      this.mean.set(law === null ? model.windowMean : law.windowMean, (i + 1) * WINDOW_COUNT);
      this.square.set(law === null ? model.windowSquare : law.windowSquare, (i + 1) * WINDOW_COUNT);
    }
  }
}

/**
 * A detector over `count` windows from `first`; events for which `counts` is true count. A window is tested from `least`
 * events on, and only above its mean by `deviations` standard deviations. A `dispersionMin` above 0 keeps the law from
 * believing in any number of a thing that hardly ever happens.
 */
export function createCounts(
  name: DetectorName,
  noun: string,
  first: number,
  count: number,
  least: number,
  deviations: number,
  prior: WindowPrior,
  counts: (o: Observation) => boolean,
  dispersionMin = 0,
): Detector {
  const index = DETECTORS.indexOf(name);
  const last = first + count;
  const features: string[] = [];
  const priorWeight: number[] = [];
  for (let w = first; w < last; w++) {
    features.push(`${noun} in ${windowName(WINDOW_MS[w])}`);
    priorWeight.push(Math.max(1, PRIOR_MS / WINDOW_MS[w]));
  }

  return {
    name,
    features,
    score(o: Observation, readings: Readings): void {
      const p = o.profile;
      // Between counted events a window only empties: what it holds was judged when it was put in.
      if (o.isLate || !counts(o)) {
        readings.set(index, 0, 0, 0, 0);
        return;
      }
      let best = 0;
      let feature = 0;
      let observed = 0;
      let expected = 0;
      let mean = 0;
      let dispersion = 0;
      const trust = trustOf(p, first);
      const row = p.u32[p.at4 + F.role] * WINDOW_COUNT;
      const coldWeight = prior.dispersionWeight[p.u32[p.at4 + F.role]];
      for (let w = first; w < last; w++) {
        const n = p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w];
        const x = n === 1 ? firstCount(p, w, o.timeMs) : slidingCount(p, w, o.timeMs);
        const m = priorWeight[w - first] * (1 - trust);
        const like = w > first ? SHORTER_WEIGHT * trust : 0;
        const shorter = w > first ? (mean * WINDOW_MS[w]) / WINDOW_MS[w - 1] : 0;
        const lived = n < YOUNG ? livedBuckets(p, w) : n;
        mean =
          (p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w] * n + prior.mean[row + w] * m + shorter * like) /
          (lived + m + like);
        dispersion = dispersionOf(p, w, n * trust, prior, row + w, w > first ? dispersion : 0, coldWeight);
        // A count as low as one that was not worth a look cannot be worth one, nor raise the day's maximum.
        if (x < least || x <= p.f32[p.at4 + F.windowQuiet + WINDOW_STEP_4 * w]) continue;
        const variance = mean * dispersion;
        // Nothing within two deviations of the mean can be the day's strangest minute.
        if (x <= mean + deviations * Math.sqrt(variance > mean ? variance : mean)) continue;
        const k = Math.max(dispersionMin, (mean * mean) / Math.max(variance - mean, (mean * mean) / DISPERSION_MAX));
        const score = lnAny(mean, k) - lnNegativeBinomialTail(x, mean, k);
        p.f32[p.at4 + F.windowQuiet + WINDOW_STEP_4 * w] = quietCount(p, index, x, score, mean, k);
        if (score > best) {
          best = score;
          feature = w - first;
          observed = x;
          expected = mean;
        }
      }
      readings.set(index, best, feature, observed, expected);
    },
    count(o: Observation): void {
      if (!counts(o)) return;
      for (let w = first; w < last; w++) addCount(o.profile, w, 1);
    },
    /** Windows learn when their buckets close, as time goes by. */
    learn(): void {},
  };
}

/** How much the agent's own calls count against the cold-start law, 0 to 1. */
export function trustOf(p: Profile, first: number): number {
  const calls =
    (p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * first] * p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * first]) /
    PRIOR_CALLS;
  return (calls * calls) / (1 + calls * calls);
}

/**
 * Variance over mean of a window's counts: the agent's own, over `n` buckets that tell, shrunk towards what the next
 * shorter window has shown (calls that are independent within a minute mostly are so within ten), times how much more
 * uneven the longer one is by the cold-start law. `shorter` is 0 for the shortest window.
 */
export function dispersionOf(
  p: Profile,
  w: number,
  n: number,
  prior: WindowPrior,
  at: number,
  shorter: number,
  coldWeight: number,
): number {
  const own = windowVariance(p, w) / Math.max(p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w], 1e-9);
  const cold = coldDispersion(prior, at);
  if (shorter === 0) return (own * n + cold * coldWeight) / (n + coldWeight);
  const like = 1 + (shorter - 1) * Math.max(1, cold / coldDispersion(prior, at - 1));
  return (own * n + like * SHORTER_DISPERSION_WEIGHT) / (n + SHORTER_DISPERSION_WEIGHT);
}

function coldDispersion(prior: WindowPrior, at: number): number {
  const mean = prior.mean[at];
  return Math.max(1, (prior.square[at] - mean * mean) / Math.max(mean, 1e-9));
}

/**
 * Largest count that, under the same law, surely neither is worth a look nor raises the day's maximum. One count more
 * adds at most -ln of the least ratio of neighbouring probabilities to the score: (j + k)/(j + 1) mean/(mean + k) is at
 * least half of mean/(mean + k) for j >= 1.
 */
function quietCount(p: Profile, index: number, x: number, score: number, mean: number, k: number): number {
  const bar = interestingScore(p, index);
  const known = Math.min(bar, p.f32[p.at4 + F.dayMax + index]);
  if (score <= known) return x + (known - score) / (Math.LN2 + Math.log1p(k / mean));
  return score <= bar ? x : 0;
}

/** Whether an event starts a sub-agent. */
export function isDelegation(event: AgentEvent | null): boolean {
  return event !== null && (event.operation === 'invoke_agent' || event.operation === 'create_agent');
}

/** ln P(NB >= 1) = ln(1 - (1 + mean/k)^-k). */
function lnAny(mean: number, k: number): number {
  return Math.log(-Math.expm1(-k * Math.log1p(mean / k)));
}

function windowName(ms: number): string {
  return ms < 60_000 ? `${ms / 1000} s` : ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
}
