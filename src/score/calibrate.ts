/**
 * Room score/: raw scores to probabilities per agent-day, and many of them to one. Pure.
 *
 * Calibration is per agent and detector, on the day's largest score, in two parts: how often a day of this agent holds
 * anything at all (a beta-binomial share), and how large it is then (a Gumbel law by the method of moments: beta = sd
 * sqrt(6)/pi, mu = mean - 0.5772 beta). Both are shrunk towards the fleet's, the law by its within- and between-agent
 * variances (empirical Bayes). P(an ordinary day reaches s) = P(any) P(s | any) is then a budget in pages per agent-day
 * at once. A fleet-wide tail law, learned from how earlier days fell out against what was stated for them, corrects
 * what is still wrong.
 */
import {
  DETECTOR_COUNT,
  DETECTORS,
  type DetectorName,
  F,
  type Profile,
  RECORDED,
  WINDOW_COUNT,
  WINDOW_STEP_4,
} from '../agent/layout.js';
import type { CohortModel, DayLaw } from '../detect/model.js';
import { lnGumbelTail } from '../math/tail.js';
import { trueSurprise } from './tail.js';

const FUSED = DETECTORS.indexOf('fused');
const JOINT = DETECTORS.indexOf('joint');
const LEDGER = DETECTORS.indexOf('ledger');
const EULER = 0.5772156649015329;
const SQRT6_OVER_PI = Math.sqrt(6) / Math.PI;
/** Days that the fleet's share of days with anything, and its within-agent variance, count for. */
const SHARE_DAYS = 4;
const VARIANCE_DAYS = 6;
/** No detector is believed to be silent on more days than all but one in a million: what was never seen may still come. */
const ANY_MIN = 1e-6;
/** Memory of an agent's own days. */
const DAYS_MEMORY = 12;
/** A day beyond this tail probability is learned as if it stood there: an attack is not the new usual. */
const CLAMP_TAILS = 7;
/**
 * Days after which an agent's own law clamps, whether they held anything or not: the first trouble of an agent that
 * never had any would else be its usual, and make it deaf to the next.
 */
const CLAMP_AFTER = 3;
/** No agent's days are believed to be steadier than half a nat. */
const VARIANCE_MIN = 0.25;
/**
 * Place of each detector's largest day; -1: none is kept. Of pace alone: a client's weekly batch comes back as large as
 * it was, and one day in twelve moves no law of means far enough. What is new is as new a second time, and what costs
 * or fails may be stopped for: the first trouble of an agent must not excuse the next.
 */
const RECORD_OF: readonly number[] = DETECTORS.map((name) => RECORDED.indexOf(name));
/** Part of it that is left a day later: half after 30. */
const RECORD_KEPT = Math.exp(-Math.LN2 / 30);
/** A score is worth a closer look from the one on that this part of ordinary days goes above. */
const INTERESTING_SHARE = 0.2;
/**
 * The first days do not count: everything is new to an agent that is new itself, and laws that remember it would be
 * wide for weeks. What is new goes on for longer: rare tasks come for the first time.
 */
export const BURN_DAYS = 4;
const BURN_DAYS_OF_NEW = 7;
const OF_NEW: ReadonlySet<DetectorName> = new Set([
  'novelty',
  'creep',
  'recurrence',
  'egress',
  'mixing',
  'origin',
  'ledger',
  'stray',
]);
const BURN: readonly number[] = DETECTORS.map((name) => (OF_NEW.has(name) ? BURN_DAYS_OF_NEW : BURN_DAYS));

/** Computes the laws in force for one profile: after a day was closed, and when a model was activated. */
export function refreshLaws(p: Profile, model: CohortModel, stamp: number): void {
  const role = p.u32[p.at4 + F.role];
  const days = (role === 0 ? null : model.cohorts[role - 1].law?.days) ?? model.days;
  for (let d = 0; d < DETECTOR_COUNT; d++) refreshLaw(p, d, days[d]);
  // Under another law a count that was quiet may be worth a look.
  for (let w = 0; w < WINDOW_COUNT; w++) p.f32[p.at4 + F.windowQuiet + WINDOW_STEP_4 * w] = 0;
  p.u32[p.at4 + F.modelStamp] = stamp;
}

function refreshLaw(p: Profile, d: number, law: DayLaw): void {
  const days = p.f32[p.at4 + F.dayCount + d];
  const share = (days * p.f32[p.at4 + F.dayShare + d] + SHARE_DAYS * law.share) / (days + SHARE_DAYS);
  const any = Math.max(share, ANY_MIN);
  const held = p.f32[p.at4 + F.dayHeld + d];
  const within = Math.max(law.within, VARIANCE_MIN);
  const between = Math.max(law.between, VARIANCE_MIN);
  const own = held / (held + within / between);
  const mean = own * p.f32[p.at4 + F.dayMean + d] + (1 - own) * law.mean;
  const shrunk = (held * p.f32[p.at4 + F.dayVar + d] + VARIANCE_DAYS * within) / (held + VARIANCE_DAYS);
  const variance = shrunk + (between * within) / (within + held * between);
  const beta = Math.sqrt(variance) * SQRT6_OVER_PI;
  const mu = mean - EULER * beta;
  p.f32[p.at4 + F.any + d] = any;
  p.f32[p.at4 + F.beta + d] = beta;
  p.f32[p.at4 + F.mu + d] = mu;
  const rare = any <= INTERESTING_SHARE;
  const interest = rare ? 0 : mu - beta * Math.log(-Math.log1p(-INTERESTING_SHARE / any));
  p.f32[p.at4 + F.interest + d] = Math.max(0, interest);
}

/** -ln P(an ordinary day of this agent reaches `score` > 0), nats, before the fleet's tail law. */
export function statedSurprise(p: Profile, detector: number, score: number): number {
  const beta = p.f32[p.at4 + F.beta + detector];
  const size = lnGumbelTail(score, p.f32[p.at4 + F.mu + detector], beta);
  const stated = -(Math.log(p.f32[p.at4 + F.any + detector]) + size);
  const slot = RECORD_OF[detector];
  const record = slot === -1 ? 0 : p.f32[p.at4 + F.dayRecord + slot];
  if (record === 0) return stated;
  // Whatever the law: the next day of n + 1 alike is as likely as any other to be the largest of them.
  const above = score > record ? (score - record) / beta : 0;
  return Math.min(stated, Math.log1p(p.f32[p.at4 + F.dayCount + detector]) + above);
}

/** The same after the fleet's tail law. */
export function surprise(stated: number, detector: number, model: CohortModel): number {
  return trueSurprise(stated, model.tails[detector]);
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

/** -ln p that a finding of a closed day would have had, nats, by detector: `stated` as daySurprises gave it. */
export function trueDay(stated: readonly number[], model: CohortModel): number[] {
  const bar = Math.log(model.bar);
  return stated.map((one, d) => Math.max(0, surprise(one, d, model) - (d === FUSED ? bar : 0)));
}

/** Takes the running day's maxima into the agent's own law and clears them. */
export function closeDay(p: Profile): void {
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    const value = p.f32[p.at4 + F.dayMax + d];
    p.f32[p.at4 + F.dayMax + d] = 0;
    // A day on which the cohort had no forest says nothing about the days on which it has one.
    if (d === JOINT && value === 0) continue;
    // The ledger remembers for as long as an agent's own law does: what adds up slowly would raise its own bar.
    if (d === LEDGER) continue;
    const isSettled = p.u32[p.at4 + F.days] >= BURN[d];
    learnDay(p, d, value, isSettled);
    if (RECORD_OF[d] !== -1 && isSettled) keepRecord(p, p.at4 + F.dayRecord + RECORD_OF[d], value);
  }
  p.f32[p.at4 + F.dayFused] = 0;
  p.u32[p.at4 + F.days]++;
}

function keepRecord(p: Profile, at: number, value: number): void {
  const kept = p.f32[at] * RECORD_KEPT;
  p.f32[at] = value > kept ? value : kept;
}

function learnDay(p: Profile, d: number, value: number, isSettled: boolean): void {
  const days = counted(p, p.at4 + F.dayCount + d, isSettled);
  const share = p.at4 + F.dayShare + d;
  p.f32[share] += ((value > 0 ? 1 : 0) - p.f32[share]) / days;
  if (value === 0) return;
  const cap = p.f32[p.at4 + F.mu + d] + CLAMP_TAILS * p.f32[p.at4 + F.beta + d];
  const learned = p.f32[p.at4 + F.dayCount + d] >= CLAMP_AFTER && value > cap ? cap : value;
  const n = counted(p, p.at4 + F.dayHeld + d, isSettled);
  const mean = p.at4 + F.dayMean + d;
  const variance = p.at4 + F.dayVar + d;
  const delta = learned - p.f32[mean];
  p.f32[mean] += delta / n;
  p.f32[variance] += (delta * delta * (1 - 1 / n) - p.f32[variance]) / n;
}

/** Counts one more day where it is settled; what the running mean divides by. */
function counted(p: Profile, at: number, isSettled: boolean): number {
  if (isSettled) p.f32[at] = Math.min(p.f32[at] + 1, DAYS_MEMORY);
  return Math.max(1, p.f32[at]);
}
