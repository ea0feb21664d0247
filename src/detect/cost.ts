/**
 * Cost trajectory: what a session has cost so far, what the last hour has cost, and whether sessions slowly grow
 * dearer; each on ln US dollars against the agent's own history. Spend is multiplicative: its logarithm is what is
 * close to normal, and the daily calibration takes care of the rest.
 */
import { DETECTORS, F, type Profile } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { S } from '../agent/sessions.js';
import type { Detector } from './detector.js';

const SESSION = DETECTORS.indexOf('session');
const SPEND = DETECTORS.indexOf('spend');
const DRIFT = DETECTORS.indexOf('drift');
const HOUR_MS = 3_600_000;
/** Weight and variance of the cold-start law, in sessions (or active hours) and squared nats. */
const PRIOR_WEIGHT = 3;
const PRIOR_VARIANCE = 1;
/** From so many standard deviations on the score grows with their square: no session of an agent comes there by chance. */
const FAR = 3;
/** Smallest variance of ln cost, squared nats. */
const SPREAD_MIN = 0.25;
/** Memory of the laws, sessions and active hours. */
const SESSION_MEMORY = 300;
const SPEND_MEMORY = 168;
const ANCHOR_MEMORY = 4000;
/** CUSUM slack and clamp of one step, standard deviations. The anchor is frozen while the CUSUM stands above FREEZE. */
const SLACK = 0.3;
const STEP_MAX = 2.5;
const FREEZE = 6;
/**
 * Before so many closed days the anchor never is: whoever freezes it on its first sessions is deaf for good, its sum at the
 * ceiling long before anything happens.
 */
const OPEN_DAYS = 7;
/** The CUSUM goes no higher: what it says beyond is the same, and it must come back when the cost does. */
const DRIFT_MAX = 200;
/** The sum is heard only while the last sessions still stand above the anchor: what is over has been told. */
const LEVEL_STEP = 1 / 16;
const LEVEL_MIN = 0.35;
const COST_MIN = 1e-7;
/** Costs to be learned before a law says anything. */
export const COST_LEAST = 4;

/**
 * Twice the distance of ln cost from its mean in standard deviations (more beyond three), with the uncertainty of a short history in them;
 * 0 within one. A distance and not -ln p of a normal law: sessions that cost what they never did come in all agents,
 * and a square would make of each the surest thing of all. No agent's costs are believed to be steadier than SPREAD_MIN:
 * three times a usual that hardly varies is no spending spree.
 */
function costScore(usd: number, mean: number, variance: number, weight: number): number {
  if (weight < COST_LEAST) return 0;
  const z = (Math.log(usd) - mean) / costDeviation(variance, weight);
  if (z <= 1) return 0;
  return z < FAR ? 2 * z : (2 / FAR) * z * z;
}

/** Standard deviation of ln cost that a law of this variance and weight (1 or more) is judged with. */
export function costDeviation(variance: number, weight: number): number {
  const spread = (variance * weight + PRIOR_VARIANCE * PRIOR_WEIGHT) / (weight + PRIOR_WEIGHT);
  return Math.sqrt(Math.max(spread, SPREAD_MIN) * (1 + 1 / weight));
}

/** Cost of the running session against finished ones. */
export const session: Detector = {
  name: 'session',
  features: ['cost of the session so far, USD'],
  score(o: Observation, readings: Readings): void {
    const usd = o.sessionNumber(S.costUsd);
    const priced = o.event !== null && o.event.costUsd !== null && o.event.costUsd > 0;
    const p = o.profile;
    const mean = p.f64[p.at8 + F.sessionLnMean];
    const score = priced ? costScore(usd, mean, p.f64[p.at8 + F.sessionLnVar], p.f32[p.at4 + F.sessionWeight]) : 0;
    readings.set(SESSION, score, 0, usd, score > 0 ? Math.exp(mean) : 0);
  },
  learn(): void {},
};

/** Spend of the last hour against active hours. */
export const spend: Detector = {
  name: 'spend',
  features: ['spend of the last hour, USD'],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const priced = o.event !== null && o.event.costUsd !== null && o.event.costUsd > 0;
    if (!priced) {
      readings.set(SPEND, 0, 0, 0, 0);
      return;
    }
    const part = (o.timeMs - p.u32[p.at4 + F.spendIndex] * HOUR_MS) / HOUR_MS;
    const usd = p.f32[p.at4 + F.spendCurrent] + p.f32[p.at4 + F.spendPrevious] * (1 - part);
    const mean = p.f64[p.at8 + F.spendLnMean];
    const score = costScore(usd, mean, p.f64[p.at8 + F.spendLnVar], p.f32[p.at4 + F.spendWeight]);
    readings.set(SPEND, score, 0, usd, score > 0 ? Math.exp(mean) : 0);
  },
  learn(): void {},
};

/** Sessions that slowly grow dearer, against the anchor. */
export const drift: Detector = {
  name: 'drift',
  features: ['sessions dearer than the anchor, CUSUM in standard deviations'],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const up = p.f32[p.at4 + F.driftUp];
    // It moves when a session ends; the next one to begin hears of it.
    const isUp = p.f32[p.at4 + F.driftLevel] > LEVEL_MIN;
    readings.set(DRIFT, o.opensSession && isUp ? up : 0, 0, up, 0);
  },
  learn(): void {},
};

/** Adds the event's cost to the running session, hour and day; called by the engine before scoring. */
export function countCost(o: Observation): void {
  const usd = o.event === null || o.event.costUsd === null ? 0 : o.event.costUsd;
  advanceSpend(o.profile, o.timeMs);
  if (usd <= 0) return;
  const p = o.profile;
  o.s64[o.s8at + S.costUsd] += usd;
  p.f32[p.at4 + F.spendCurrent] += usd;
  p.f64[p.at8 + F.daySpend] += usd;
}

/** Closes the hours that ended before `timeMs`; an hour without spend teaches nothing. */
export function advanceSpend(p: Profile, timeMs: number): void {
  const index = Math.floor(timeMs / HOUR_MS);
  const gone = index - p.u32[p.at4 + F.spendIndex];
  if (gone <= 0) return;
  const usd = p.f32[p.at4 + F.spendCurrent];
  if (usd > COST_MIN) learnNormal(p, F.spendLnMean, F.spendLnVar, F.spendWeight, Math.log(usd), SPEND_MEMORY, 3);
  p.f32[p.at4 + F.spendPrevious] = gone === 1 ? usd : 0;
  p.f32[p.at4 + F.spendCurrent] = 0;
  p.u32[p.at4 + F.spendIndex] = index;
}

/** Learns a finished session's cost, and moves the drift CUSUM against the anchor. */
export function learnSessionCost(o: Observation): void {
  const usd = o.sessionNumber(S.costUsd);
  if (usd <= COST_MIN) return;
  const p = o.profile;
  const ln = Math.log(usd);
  learnNormal(p, F.sessionLnMean, F.sessionLnVar, F.sessionWeight, ln, SESSION_MEMORY, 3);
  const weight = p.f32[p.at4 + F.anchorWeight];
  const up = p.at4 + F.driftUp;
  const level = p.at4 + F.driftLevel;
  if (weight >= 20) {
    const z = (ln - p.f64[p.at8 + F.anchorLnMean]) / Math.sqrt(p.f64[p.at8 + F.anchorLnVar] + 0.01);
    p.f32[level] += (Math.max(-STEP_MAX, Math.min(STEP_MAX, z)) - p.f32[level]) * LEVEL_STEP;
    p.f32[up] = Math.min(DRIFT_MAX, Math.max(0, p.f32[up] + Math.max(-STEP_MAX, Math.min(STEP_MAX, z)) - SLACK));
  }
  if (p.f32[up] < FREEZE || p.u32[p.at4 + F.days] < OPEN_DAYS)
    learnNormal(p, F.anchorLnMean, F.anchorLnVar, F.anchorWeight, ln, ANCHOR_MEMORY, 3);
}

/** Decayed mean and variance with clamped updates: one step never counts for more than `clamp` deviations. */
function learnNormal(
  p: Profile,
  meanField: number,
  varField: number,
  weightField: number,
  value: number,
  memory: number,
  clamp: number,
): void {
  const weight = p.f32[p.at4 + weightField];
  const mean = p.f64[p.at8 + meanField];
  const variance = p.f64[p.at8 + varField];
  let delta = value - mean;
  if (weight > 8) {
    const limit = clamp * Math.sqrt(variance + 0.01);
    delta = Math.max(-limit, Math.min(limit, delta));
  }
  const next = weight < memory ? weight + 1 : memory;
  p.f32[p.at4 + weightField] = next;
  p.f64[p.at8 + meanField] = mean + delta / next;
  p.f64[p.at8 + varField] = variance + (delta * delta * (1 - 1 / next) - variance) / next;
}
