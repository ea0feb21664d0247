/**
 * Many detectors, one probability: the Cauchy combination (Liu and Xie, JASA 2020), which holds its level under any
 * dependence in the tail. Weights split the alert budget; a detector's share of a finding is its part of the sum.
 */
import { DETECTOR_COUNT, DETECTORS, type DetectorName } from '../agent/layout.js';
import { cauchyScore, combineCauchy } from '../math/tail.js';

/** Parts of the alert budget. Silence has none: it is reported apart and never wakes anybody. */
const SHARES: Readonly<Record<DetectorName, number>> = {
  rate: 1.5,
  starts: 4.5,
  delegation: 2,
  errors: 1,
  novelty: 2.5,
  creep: 1.5,
  session: 0.75,
  spend: 0.25,
  drift: 1,
  wake: 1.5,
  recurrence: 0.75,
  egress: 2,
  mixing: 1,
  origin: 0.5,
  ledger: 6,
  ramp: 1.5,
  stray: 5,
  joint: 0.05,
  silence: 0,
  fused: 0,
};
const total = DETECTORS.reduce((sum, name) => sum + SHARES[name], 0);
/** Weight of each detector, adding up to 1. */
export const WEIGHTS: Float64Array = Float64Array.from(DETECTORS, (name) => SHARES[name] / total);

/** Weight at which a detector without a part of the budget still explains itself, when it alone has spoken. */
export const WEIGHT_MIN = 1e-6;

/** The p of a detector with nothing to say: its tangent is 0, it speaks neither for nor against. None counts as more. */
const ABSTAINS = 0.5;

const p = new Float64Array(DETECTOR_COUNT);

/**
 * Fused probability of surprises in nats, (0, 1). A silent detector abstains: were it to speak against, fused days would
 * follow no law that a fleet could learn, and a little surprise would count for less than none (decision 0013).
 */
export function fuse(surprises: Float64Array): number {
  for (let d = 0; d < DETECTOR_COUNT; d++) p[d] = surprises[d] > Math.LN2 ? Math.exp(-surprises[d]) : ABSTAINS;
  return combineCauchy(p, WEIGHTS);
}

/** Each detector's part of the fused score; parts of detectors with nothing to say are 0, all parts add up to 1. */
export function shares(surprises: Float64Array): Float64Array {
  const out = new Float64Array(DETECTOR_COUNT);
  let sum = 0;
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    const tangent = surprises[d] > 0 ? Math.max(WEIGHTS[d], WEIGHT_MIN) * cauchyScore(Math.exp(-surprises[d])) : 0;
    out[d] = tangent > 0 ? tangent : 0;
    sum += out[d];
  }
  if (sum > 0) for (let d = 0; d < DETECTOR_COUNT; d++) out[d] /= sum;
  return out;
}
