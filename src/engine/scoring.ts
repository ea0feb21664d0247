/** Score: detectors over one observation, their readings calibrated and fused. Learning follows scoring, never precedes it. */
import { isInteresting } from '../agent/interest.js';
import { ENDPOINTS, insertKnown, PAIRS, useKnown } from '../agent/known.js';
import { DETECTOR_COUNT, DETECTORS, ENDPOINT_STEP, F } from '../agent/layout.js';
import type { Attribution } from '../decide/finding.js';
import { attributeForest } from '../detect/forest.js';
import { fillRow, JOINT_EVERY_MS, JOINT_FEATURES, scoreJoint } from '../detect/joint.js';
import { hex64 } from '../math/hash.js';
import { statedSurprise, surprise } from '../score/calibrate.js';
import { fuse, shares, WEIGHT_MIN, WEIGHTS } from '../score/fuse.js';
import { adoptionOf } from './deploy.js';
import { targetHash } from './observe.js';
import type { Outcome, Sample } from './outcome.js';
import type { EngineState } from './state.js';

const JOINT = DETECTORS.indexOf('joint');
const FUSED = DETECTORS.indexOf('fused');
/** One joint-model row in this many is emitted as a sample. */
const SAMPLE_EVERY = 16;
/** Share of new targets of an endpoint that nobody has seen a call of. */
const UNKNOWN_TARGET_SHARE = 0.5;
/** No fused p is believed to be smaller. */
const P_MIN = 1e-300;
/** Surprise of a single detector at which the joint view is asked at once, nats. */
const JOINT_NATS = 3;
/** Attributions listed in a finding, at most; the smallest share listed. */
const ATTRIBUTIONS_MAX = 4;
const SHARE_MIN = 0.02;

/** Calibrated surprise of the observation under test, by detector, nats. */
export const surprises = new Float64Array(DETECTOR_COUNT);

/**
 * Runs every detector on the observation and returns the fused probability that an ordinary day of this agent gets
 * this strange; 1 when no detector is interested.
 */
export function scoreEvent(state: EngineState, bound: boolean, outcome: Outcome): number {
  const { observation: o, readings, catalogue } = state;
  surprises.fill(0);
  let interesting = false;
  for (let i = 0; i < catalogue.length; i++) {
    catalogue[i].score(o, readings);
    if (judge(state, i)) interesting = true;
  }
  // Rows are learned at their own pace, whatever is going on: else the law of a busy hour would be its own.
  const p = o.profile;
  const isDue = o.timeMs - p.f64[p.at8 + F.lastForestMs] >= JOINT_EVERY_MS;
  if (isDue || (interesting && surprises.some((x) => x > JOINT_NATS))) {
    fillRow(o, isDue);
    const cohort = p.u32[p.at4 + F.role];
    scoreJoint(o, cohort === 0 ? null : state.model.cohorts[cohort - 1].forest, readings);
    if (judge(state, JOINT)) interesting = true;
    if (isDue) p.f64[p.at8 + F.lastForestMs] = o.timeMs;
    if (isDue && bound) sampleRow(state, outcome);
  }
  return interesting ? settle(state, fuse(surprises)) : 1;
}

/**
 * The last calibration: how strange whole days turn out over the fleet, against what fusing states. Detectors that
 * fire together make fused pages rarer than stated, heavy tails make them more frequent.
 */
function settle(state: EngineState, p: number): number {
  const stated = -Math.log(p);
  const profile = state.observation.profile;
  const at = profile.at4 + F.dayFused;
  if (stated > profile.f32[at]) profile.f32[at] = stated;
  const x = surprise(stated, FUSED, state.model) - Math.log(state.model.bar);
  return Math.max(P_MIN, Math.exp(-Math.max(0, x)));
}

/** Calibrates one reading and keeps the day's maxima; true where the score is worth a closer look. */
function judge(state: EngineState, detector: number): boolean {
  const p = state.observation.profile;
  const score = state.readings.score[detector];
  const max = p.at4 + F.dayMax + detector;
  if (score > p.f32[max]) p.f32[max] = score;
  return listen(state, detector);
}

/** Calibrates one reading without keeping it. */
export function listen(state: EngineState, detector: number): boolean {
  const p = state.observation.profile;
  const score = state.readings.score[detector];
  if (score <= 0 || !isInteresting(p, detector, score)) {
    surprises[detector] = 0;
    return false;
  }
  surprises[detector] = Math.max(0, surprise(statedSurprise(p, detector, score), detector, state.model));
  return true;
}

function sampleRow(state: EngineState, outcome: Outcome): void {
  const o = state.observation;
  const p = o.profile;
  const at = p.at4 + F.sampleCount;
  if (++p.u32[at] < SAMPLE_EVERY || p.f32[p.at4 + F.featureWeight] < 64) return;
  p.u32[at] = 0;
  outcome.samples.push({
    kind: 'row',
    timeMs: o.timeMs,
    agent: state.table.key(o.slot),
    id: o.event?.id ?? '',
    values: Array.from(o.row),
  });
}

/**
 * Takes the observation into the profile: detectors first, then the sets of known endpoints and targets. What is
 * adopted is told to learn/, unless the sender is unbound: nobody may teach a cohort under a name that is not theirs.
 */
export function learnEvent(state: EngineState, bound: boolean, outcome: Outcome): void {
  const { observation: o } = state;
  const p = o.profile;
  if (o.endpointSlot === -1) {
    o.endpointSlot = insertKnown(p, ENDPOINTS, o.endpointLow, o.endpointHigh, o.timeMs);
    p.f32[p.at4 + F.endpointNewTarget + ENDPOINT_STEP * o.endpointSlot] = UNKNOWN_TARGET_SHARE;
  }
  for (const detector of state.catalogue) detector.learn(o);
  const rule = adoptionOf(state, ENDPOINTS, o.endpointSlot);
  const adopts = useKnown(p, ENDPOINTS, o.endpointSlot, o.endpointNewHere, o.timeMs, rule);
  if (adopts && bound) {
    const what = o.event?.operation === 'chat' ? 'model' : 'endpoint';
    tellAdopted(state, what, hex64(o.endpointHigh, o.endpointLow), outcome);
  }
  if (o.event === null || o.event.target === null) return;
  if (o.pairSlot === -1) o.pairSlot = insertKnown(p, PAIRS, o.pairLow, o.pairHigh, o.timeMs);
  if (useKnown(p, PAIRS, o.pairSlot, o.pairNewHere, o.timeMs, adoptionOf(state, PAIRS, o.pairSlot)) && bound) {
    tellAdopted(state, 'pair', hex64(o.pairHigh, o.pairLow), outcome);
    tellAdopted(state, 'target', targetHash(o.event.target, state.settings.hashSeed), outcome);
  }
}

type Adopted = Extract<Sample, { kind: 'adopted' }>;

/** The agent's key is read here and not for every event: it lies far from everything else. */
function tellAdopted(state: EngineState, what: Adopted['what'], hash: string, outcome: Outcome): void {
  const { observation: o, table } = state;
  const agent = table.key(o.slot);
  outcome.samples.push({ kind: 'adopted', timeMs: o.timeMs, agent, id: o.event?.id ?? '', what, hash });
}

/** Whether any detector has a part in the fused score. */
export function hasCause(): boolean {
  return surprises.some((x) => x > Math.LN2);
}

/** The detector with the largest part in the fused score. */
export function leader(): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    if (surprises[d] <= 0) continue;
    // The tangent of a small p is 1/(pi p): its logarithm orders parts without overflow.
    const part = surprises[d] + Math.log(Math.max(WEIGHTS[d], WEIGHT_MIN));
    if (part > most) {
      most = part;
      best = d;
    }
  }
  return best;
}

/** Who had which part in the fused score, largest first. */
export function attribute(state: EngineState): Attribution[] {
  const { readings, features, observation: o, model } = state;
  const parts = shares(surprises);
  const list: Attribution[] = [];
  for (let d = 0; d < DETECTOR_COUNT; d++) {
    if (parts[d] < SHARE_MIN) continue;
    const names = features.get(DETECTORS[d]) ?? [];
    let feature = names[readings.feature[d]] ?? '';
    let observed = readings.observed[d];
    let expected = readings.expected[d];
    if (d === JOINT) {
      const forest = model.cohorts[o.profile.u32[o.profile.at4 + F.role] - 1].forest;
      const importance = forest === null ? null : attributeForest(forest, o.row);
      const top = importance === null ? 0 : importance.indexOf(Math.max(...importance));
      feature = `${JOINT_FEATURES[top]}, standard deviations`;
      observed = o.row[top];
      expected = 0;
    }
    list.push({
      detector: DETECTORS[d],
      feature,
      observed: round(observed),
      expected: round(expected),
      share: round(parts[d]),
    });
  }
  return list.sort((a, b) => b.share - a.share).slice(0, ATTRIBUTIONS_MAX);
}

/** Four significant digits: what a person reads and a file keeps. */
export function round(x: number): number {
  return Number(x.toPrecision(4));
}
