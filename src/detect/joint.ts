/**
 * The joint view: twelve features of the moment, each standardised against the agent's own history, scored by the
 * cohort's rotating isolation forest. Runs at most once per agent and 30 s, and at once when a univariate p is small. Features are ln-like, so that a ratio is a distance.
 */
import { DETECTORS, F, FEATURE_COUNT, STREAMS } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { S, U } from '../agent/sessions.js';
import { slidingCount } from '../agent/window.js';
import { type Forest, scoreForest } from './forest.js';

const INDEX = DETECTORS.indexOf('joint');
const STEP_MEMORY = 2048;
const Z_MAX = 8;
/** A forest's score lies in (0, 1); drawn out like this a step of it is worth about what a nat is elsewhere. */
const NATS_PER_SCORE = 16;
/** One row is learned per agent and this long, ms. */
export const JOINT_EVERY_MS = 30_000;

/** Names of the features, in row order; part of the stable feature dictionary. */
export const JOINT_FEATURES = [
  'calls in 1 min',
  'calls in 10 min',
  'calls in 1 h',
  'session starts in 1 h',
  'cost of the session',
  'calls of the session',
  'failures in a row',
  'surprise of the session',
  'surprise over days',
  'cost of the call',
  'output per input token',
  'bytes out',
] as const;

const EVENTS_MINUTE = 1;
const EVENTS_TEN_MINUTES = 2;
const EVENTS_HOUR = 3;
const STARTS_HOUR = STREAMS.events.length + 2;

const raw = new Float64Array(FEATURE_COUNT);

function ln1(x: number): number {
  return Math.log(1 + x);
}

/** Fills o.row with the standardised features of the moment; where `learns`, takes them into mean and variance. */
export function fillRow(o: Observation, learns: boolean): void {
  const p = o.profile;
  const event = o.event;
  raw[0] = ln1(slidingCount(p, EVENTS_MINUTE, o.timeMs));
  raw[1] = ln1(slidingCount(p, EVENTS_TEN_MINUTES, o.timeMs));
  raw[2] = ln1(slidingCount(p, EVENTS_HOUR, o.timeMs));
  raw[3] = ln1(slidingCount(p, STARTS_HOUR, o.timeMs));
  raw[4] = Math.log(o.sessionNumber(S.costUsd) + 1e-4);
  raw[5] = ln1(o.sessionNumber(S.events));
  raw[6] = ln1(o.sessionCount(U.errorRun));
  raw[7] = ln1(o.sessionNumber(S.novelty));
  raw[8] = ln1(p.f64[p.at8 + F.creepLevel]);
  raw[9] = event !== null && event.costUsd !== null && event.costUsd > 0 ? Math.log(event.costUsd) : Number.NaN;
  raw[10] =
    event !== null && event.inputTokens !== null ? ln1(event.outputTokens ?? 0) - ln1(event.inputTokens) : Number.NaN;
  raw[11] = event !== null && event.bytesOut !== null ? ln1(event.bytesOut) : Number.NaN;

  const weight = p.f32[p.at4 + F.featureWeight];
  const next = weight < STEP_MEMORY ? weight + 1 : STEP_MEMORY;
  if (learns) p.f32[p.at4 + F.featureWeight] = next;
  for (let i = 0; i < FEATURE_COUNT; i++) {
    const mean = p.at4 + F.featureMean + i;
    const variance = p.at4 + F.featureVar + i;
    if (Number.isNaN(raw[i])) {
      o.row[i] = 0;
      continue;
    }
    const delta = raw[i] - p.f32[mean];
    const z = delta / Math.sqrt(p.f32[variance] + 0.05);
    o.row[i] = weight < 32 ? 0 : Math.max(-Z_MAX, Math.min(Z_MAX, z));
    if (!learns) continue;
    const step = weight > 32 ? Math.max(-4, Math.min(4, z)) * Math.sqrt(p.f32[variance] + 0.05) : delta;
    p.f32[mean] += step / next;
    p.f32[variance] += (step * step * (1 - 1 / next) - p.f32[variance]) / next;
  }
}

/** Scores o.row with the cohort's forest, when there is one. */
export function scoreJoint(o: Observation, forest: Forest | null, readings: Readings): void {
  if (forest === null || o.profile.f32[o.profile.at4 + F.featureWeight] < 64) {
    readings.set(INDEX, 0, 0, 0, 0);
    return;
  }
  const score = scoreForest(forest, o.row, 0);
  readings.set(INDEX, score * NATS_PER_SCORE, 0, score, 0.5);
}
