/**
 * Room score/: raw scores to probabilities per agent-day, and many of them to one. Pure.
 *
 * Calibration is per agent and detector, on the day's largest score: its mean and variance over the agent's own days,
 * shrunk towards the fleet's (empirical Bayes with the fleet's within- and between-agent variances), fitted by a
 * Gumbel law (method of moments: beta = sd sqrt(6)/pi, mu = mean - 0.5772 beta). P(an ordinary day reaches s) is then
 * a budget in pages per agent-day at once. A fleet-wide tail law, learned from how earlier days fell out against what
 * was stated for them, corrects what the Gumbel law gets wrong.
 */
import { DETECTOR_COUNT, DETECTORS, F, type Profile, WINDOW_COUNT } from '../agent/layout.js';
import type { CohortModel } from '../detect/model.js';
import { lnGumbelTail } from '../math/tail.js';

const FUSED = DETECTORS.indexOf('fused');
const JOINT = DETECTORS.indexOf('joint');
const EULER = 0.5772156649015329;
const SQRT6_OVER_PI = Math.sqrt(6) / Math.PI;
/** Days that the fleet's within-agent variance counts for. */
const VARIANCE_DAYS = 6;
/** Memory of an agent's own days. */
const DAYS_MEMORY = 12;
/** A day beyond this tail probability is learned as if it stood there: an attack is not the new usual. */
const CLAMP_TAILS = 7;
/** Days after which an agent's own law clamps. */
const CLAMP_AFTER = 3;
/** No agent's days are believed to be steadier than half a nat. */
const VARIANCE_MIN = 0.25;
/**
 * The first days do not count: everything is new to an agent that is new itself, and laws that remember it would be
 * wide for weeks.
 */
export const BURN_DAYS = 4;

/** Computes the Gumbel laws in force for one profile: after a day was closed, and when a model was activated. */
export function refreshLaws(p: Profile, model: CohortModel, stamp: number): void {
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    const days = p.f32[p.at4 + F.dayCount + d];
    const law = model.days[d];
    const within = Math.max(law.within, VARIANCE_MIN);
    const between = Math.max(law.between, VARIANCE_MIN);
    const own = days / (days + within / between);
    const mean = own * p.f32[p.at4 + F.dayMean + d] + (1 - own) * law.mean;
    const shrunk = (days * p.f32[p.at4 + F.dayVar + d] + VARIANCE_DAYS * within) / (days + VARIANCE_DAYS);
    const variance = shrunk + (between * within) / (within + days * between);
    const beta = Math.sqrt(variance) * SQRT6_OVER_PI;
    p.f32[p.at4 + F.beta + d] = beta;
    p.f32[p.at4 + F.mu + d] = mean - EULER * beta;
  }
  // Under another law a count that was quiet may be worth a look.
  p.f32.fill(0, p.at4 + F.windowQuiet, p.at4 + F.windowQuiet + WINDOW_COUNT);
  p.u32[p.at4 + F.modelStamp] = stamp;
}

/** -ln P(an ordinary day of this agent reaches `score`), nats, before the fleet's tail law. */
export function statedSurprise(p: Profile, detector: number, score: number): number {
  return -lnGumbelTail(score, p.f32[p.at4 + F.mu + detector], p.f32[p.at4 + F.beta + detector]);
}

/** The same after the fleet's tail law. */
export function surprise(stated: number, detector: number, model: CohortModel): number {
  const tail = model.tails[detector];
  return stated > tail.from ? Math.LN10 + (stated - tail.from) / tail.stretch : (stated * Math.LN10) / tail.from;
}

/** Stated surprise of the running day's maxima, by detector; the fused one is kept as it was stated. */
export function daySurprises(p: Profile): number[] {
  const out: number[] = [];
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    const max = p.f32[p.at4 + F.dayMax + d];
    out.push(d === FUSED ? p.f32[p.at4 + F.dayFused] : max > 0 ? statedSurprise(p, d, max) : 0);
  }
  return out;
}

/** Takes the running day's maxima into the agent's own law and clears them. */
export function closeDay(p: Profile): void {
  const isSettled = p.u32[p.at4 + F.days] >= BURN_DAYS;
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    const value = p.f32[p.at4 + F.dayMax + d];
    p.f32[p.at4 + F.dayMax + d] = 0;
    // A day on which the cohort had no forest says nothing about the days on which it has one.
    if (d === JOINT && value === 0) continue;
    learnDay(p, d, value, isSettled);
  }
  p.f32[p.at4 + F.dayFused] = 0;
  p.u32[p.at4 + F.days]++;
}

function learnDay(p: Profile, d: number, value: number, isSettled: boolean): void {
  const count = p.at4 + F.dayCount + d;
  const cap = p.f32[p.at4 + F.mu + d] + CLAMP_TAILS * p.f32[p.at4 + F.beta + d];
  const learned = p.f32[count] >= CLAMP_AFTER && value > cap ? cap : value;
  if (isSettled) p.f32[count] = Math.min(p.f32[count] + 1, DAYS_MEMORY);
  const n = Math.max(1, p.f32[count]);
  const mean = p.at4 + F.dayMean + d;
  const variance = p.at4 + F.dayVar + d;
  const delta = learned - p.f32[mean];
  p.f32[mean] += delta / n;
  p.f32[variance] += (delta * delta * (1 - 1 / n) - p.f32[variance]) / n;
}
