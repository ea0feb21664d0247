/**
 * What a profile is taught where people say that something was expected: the level that was seen becomes a part of
 * what is usual for the agent, what it used is adopted, and what had added up against it is cleared. And what it
 * forgets where they say that it was an attack. Touches nothing but the one profile.
 */
import { adoptKnown, ENDPOINTS, findKnown, forgetNovel, isFree, PAIRS } from '../agent/known.js';
import { ENDPOINT_STEP, F, type Profile, RECORDED, STREAMS, WINDOW_STEP_4, WINDOW_STEP_8 } from '../agent/layout.js';
import type { Kind } from '../decide/finding.js';
import { ERROR_RUN_FEATURE } from '../detect/errors.js';
import { JOINT_FEATURES } from '../detect/joint.js';
import { confirmLevel } from '../detect/ramp.js';
import { hash64 } from '../math/hash.js';
import type { Level, Names } from './level.js';
import { PAIR_SALT } from './observe.js';

/** Pseudo-observations of the level make up this part of the law: it is usual then, and what was usual still is. */
const SHARE = 0.25;
/** Share of new targets of an endpoint that nobody has seen a call of. */
const UNKNOWN_TARGET_SHARE = 0.5;
/** No run of failures is taught to be longer than a chain of this probability makes it. */
const AGAIN_MAX = 0.9;
const COST_MIN = 1e-7;
/** Kinds about what is new: their endpoint and target are adopted. */
const NOVEL: ReadonlySet<Kind> = new Set([
  'new-endpoint',
  'new-target',
  'novelty-creep',
  'privilege-creep',
  'recurring-target',
]);

/** First window of each detector that counts, and how many it has. */
const WINDOWS: ReadonlyMap<string, readonly [first: number, count: number]> = countingDetectors();

function countingDetectors(): Map<string, [number, number]> {
  const detectors = { events: 'rate', starts: 'starts', spawns: 'delegation', errors: 'errors' } as const;
  const windows = new Map<string, [number, number]>();
  let first = 0;
  for (const stream of ['events', 'starts', 'spawns', 'errors'] as const) {
    windows.set(detectors[stream], [first, STREAMS[stream].length]);
    first += STREAMS[stream].length;
  }
  return windows;
}

const hash = new Uint32Array(2);

/** Those features of a detector that count in windows, shortest first; none where it counts nothing. */
export function windowsOf(detector: string, features: readonly string[]): readonly string[] {
  return features.slice(0, WINDOWS.get(detector)?.[1] ?? 0);
}

/** Hashes names as an event's are hashed. */
export function hashNames(endpoint: string, target: string | null, seed: number): Names {
  hash64(endpoint, seed, hash);
  const [high, low] = hash;
  if (target === null) return { endpoint: [low, high], pair: null };
  hash64(target, (low ^ PAIR_SALT) >>> 0, hash);
  return { endpoint: [low, high], pair: [hash[1], hash[0]] };
}

/** Teaches a profile one level; `features` are the detector's own. A detector without a law of levels learns nothing. */
export function teachLevel(p: Profile, { detector, feature, level }: Level, features: readonly string[]): void {
  const windows = WINDOWS.get(detector);
  const index = features.indexOf(feature);
  if (windows !== undefined && index >= 0 && index < windows[1]) {
    teachWindow(p, windows[0] + index, level);
    return;
  }
  if (detector === 'errors' && index === ERROR_RUN_FEATURE) teachRun(p, level);
  else if (detector === 'session') teachSession(p, level);
  else if (detector === 'spend') teachSpend(p, level);
  else if (detector === 'drift') teachDrift(p);
  else if (detector === 'ramp') confirmLevel(p);
  else if (detector === 'creep') p.f64[p.at8 + F.creepLevel] = 0;
  else if (detector === 'ledger') p.f64[p.at8 + F.ledgerLevel] = 0;
  else if (detector === 'silence') teachWindow(p, STREAMS.events.length - 1, 0);
  else if (detector === 'joint') teachFeature(p, feature, level);
}

/** Adopts what a finding about something new was about. */
export function teachNames(p: Profile, kind: Kind, names: Names, timeMs: number): void {
  if (!NOVEL.has(kind)) return;
  const [low, high] = names.endpoint;
  const isNew = findKnown(p, ENDPOINTS, low, high) === -1;
  const slot = adoptKnown(p, ENDPOINTS, low, high, timeMs);
  if (isNew) p.f32[p.at4 + F.endpointNewTarget + ENDPOINT_STEP * slot] = UNKNOWN_TARGET_SHARE;
  if (names.pair !== null) adoptKnown(p, PAIRS, names.pair[0], names.pair[1], timeMs);
}

/** Forgets endpoints and pairs that are not adopted and were first seen at `sinceMs` or later. */
export function forgetSince(p: Profile, sinceMs: number): void {
  forgetNovel(p, ENDPOINTS, sinceMs);
  forgetNovel(p, PAIRS, sinceMs);
  // An attack's volume is no excuse for the next; which day set a record nobody knows.
  p.f32.fill(0, p.at4 + F.dayRecord, p.at4 + F.dayRecord + RECORDED.length);
  for (let slot = 0; slot < ENDPOINTS.slots; slot++) {
    if (isFree(p, ENDPOINTS, slot)) p.f32[p.at4 + F.endpointNewTarget + ENDPOINT_STEP * slot] = 0;
  }
}

/** A window's mean and mean square, as if a part of its buckets had held `count`. */
function teachWindow(p: Profile, window: number, count: number): void {
  mix(p.f64, p.at8 + F.windowMean + WINDOW_STEP_8 * window, count);
  mix(p.f64, p.at8 + F.windowSquare + WINDOW_STEP_8 * window, count * count);
  // Under another law a count that was quiet may be worth a look.
  p.f32[p.at4 + F.windowQuiet + WINDOW_STEP_4 * window] = 0;
}

/** A chain of failures that is this long on average: 1/(1 - again) of them in a row. */
function teachRun(p: Profile, run: number): void {
  const again = Math.min(AGAIN_MAX, 1 - 1 / Math.max(1, run));
  const at = p.at4 + F.errorAgain;
  if (again > p.f32[at]) p.f32[at] = again;
}

function teachSession(p: Profile, usd: number): void {
  if (!(usd > COST_MIN)) return;
  const ln = Math.log(usd);
  teachNormal(p, F.sessionLnMean, F.sessionLnVar, ln);
  teachNormal(p, F.anchorLnMean, F.anchorLnVar, ln);
  p.f32[p.at4 + F.driftUp] = 0;
}

function teachSpend(p: Profile, usd: number): void {
  if (!(usd > COST_MIN)) return;
  teachNormal(p, F.spendLnMean, F.spendLnVar, Math.log(usd));
  p.f32[p.at4 + F.driftUp] = 0;
}

/** The sessions of late are the new anchor. */
function teachDrift(p: Profile): void {
  p.f64[p.at8 + F.anchorLnMean] = p.f64[p.at8 + F.sessionLnMean];
  p.f64[p.at8 + F.anchorLnVar] = p.f64[p.at8 + F.sessionLnVar];
  p.f32[p.at4 + F.driftUp] = 0;
}

/** One feature of the joint view; `z` in the standard deviations of its law as it was. */
function teachFeature(p: Profile, feature: string, z: number): void {
  const index = JOINT_FEATURES.findIndex((name) => feature.startsWith(`${name},`));
  if (index === -1) return;
  const mean = p.at4 + F.featureMean + index;
  const variance = p.at4 + F.featureVar + index;
  const delta = z * Math.sqrt(p.f32[variance] + 0.05);
  p.f32[mean] += SHARE * delta;
  p.f32[variance] = (1 - SHARE) * (p.f32[variance] + SHARE * delta * delta);
}

/** Mean and variance of a mixture: what was, and SHARE of observations at `value`. */
function teachNormal(p: Profile, meanField: number, varField: number, value: number): void {
  const mean = p.at8 + meanField;
  const variance = p.at8 + varField;
  const delta = value - p.f64[mean];
  p.f64[mean] += SHARE * delta;
  p.f64[variance] = (1 - SHARE) * (p.f64[variance] + SHARE * delta * delta);
}

function mix(values: Float64Array, at: number, value: number): void {
  values[at] += SHARE * (value - values[at]);
}
