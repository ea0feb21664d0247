/**
 * Data that goes where it never went, or as never so much of it went.
 *
 * Bytes to a new target over days: what calls have sent to targets that the agent began to use lately, as far as it is
 * more than its calls usually send, summed with a half-life of three days. Data that leaves a little at a time leaves
 * in calls that would be nothing alone; a customer new to the agent is sent what the others are sent. The raw score is
 * the logarithm of the sum in usual calls. A target is new for three days after its first use: its adoption does not
 * end it, else whoever is patient would be done with on the second day.
 *
 * Bytes of one call to a target that is known: against the largest call so far, because agents differ in how unevenly
 * they send, and an agent's own largest call is where its tail ends. It says nothing below twice that one. What is
 * largest grows by a quarter a call at most, so that no single call makes the next one usual, and fades over thousands.
 *
 * Four numbers of memory; two multiplications an event, a logarithm where a call is large.
 */
import { knownAgeMs, PAIRS } from '../agent/known.js';
import { DETECTORS, F, type Profile } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('egress');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** How long a target is new, and the half-life of what it was sent. */
const NEW_MS = 3 * DAY_MS;
const HALF_LIFE_MINUTES = 3 * 1440;
/** Usual calls that a call may carry before it counts. */
const USUAL_CALLS = 4;
/** Calls in the mean, at most; from MEAN_MIN on one call counts for at most CLAMP of it. */
const MEAN_MEMORY = 500;
const MEAN_MIN = 20;
const CLAMP = 10;
/** Usual calls in the sum from which it says anything. */
const LEVEL_MIN = 16;
/** A nat of ln bytes is worth this many. */
const SCALE = 2;
/** The same of a call to a known target: beyond twice the largest so far no healthy call was seen to come. */
const SCALE_KNOWN = 4;
/** Times the largest call so far from which on one to a known target says anything; calls that must have been seen. */
const RECORD = 2;
const RECORD_CALLS = 100;
/** One call raises what is largest by this factor at most; every call takes this part of it away. */
const GROWTH_MAX = 1.25;
const FADE = 1 / 5000;
/** The feature of a known target, and its index. */
export const LARGEST_CALL = 'bytes out of one call, against the largest so far';
const RECORD_FEATURE = 1;

/** The detector of data that leaves. */
export const egress: Detector = {
  name: 'egress',
  features: ['bytes beyond the usual to new targets, over days', LARGEST_CALL],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const mean = p.f32[p.at4 + F.bytesMean];
    const bytes = bytesOf(o);
    const excess = bytes - USUAL_CALLS * mean;
    if (excess <= 0 || p.f32[p.at4 + F.bytesWeight] < MEAN_MIN) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    if (!isNewTarget(o)) {
      scoreRecord(o, bytes, readings);
      return;
    }
    const level = p.at4 + F.egressLevel;
    const minute = Math.floor(o.timeMs / MINUTE_MS);
    const gap = Math.max(0, minute - p.u32[p.at4 + F.egressMinute]);
    p.f32[level] = p.f32[level] * Math.exp((-Math.LN2 * gap) / HALF_LIFE_MINUTES) + excess;
    p.u32[p.at4 + F.egressMinute] = minute;
    const usual = LEVEL_MIN * Math.max(1, mean);
    const score = SCALE * Math.log(p.f32[level] / usual);
    readings.set(INDEX, score > 0 ? score : 0, 0, p.f32[level], usual);
  },
  learn(o: Observation): void {
    const bytes = bytesOf(o);
    if (bytes <= 0) return;
    const p = o.profile;
    const mean = p.at4 + F.bytesMean;
    const weight = p.at4 + F.bytesWeight;
    learnRecord(p, bytes);
    const learned = p.f32[weight] < MEAN_MIN ? bytes : Math.min(bytes, CLAMP * p.f32[mean]);
    p.f32[weight] = Math.min(p.f32[weight] + 1, MEAN_MEMORY);
    p.f32[mean] += (learned - p.f32[mean]) / p.f32[weight];
  },
};

/** A call to a target that is known: of one that names none, its endpoint must be. */
function scoreRecord(o: Observation, bytes: number, readings: Readings): void {
  const p = o.profile;
  const largest = Math.max(1, p.f32[p.at4 + F.bytesLargest]);
  const isRecord = bytes > RECORD * largest && p.f32[p.at4 + F.bytesWeight] >= RECORD_CALLS && !o.endpointNovel;
  const score = isRecord ? SCALE_KNOWN * Math.log(bytes / (RECORD * largest)) : 0;
  readings.set(INDEX, score, RECORD_FEATURE, isRecord ? bytes : 0, isRecord ? largest : 0);
}

function learnRecord(p: Profile, bytes: number): void {
  const at = p.at4 + F.bytesLargest;
  const largest = p.f32[at] * (1 - FADE);
  const isKnown = p.f32[p.at4 + F.bytesWeight] >= MEAN_MIN;
  const learned = isKnown && bytes > GROWTH_MAX * largest ? GROWTH_MAX * largest : bytes;
  p.f32[at] = learned > largest ? learned : largest;
}

/** Bytes that the call sent out; prompts to a model are no exfiltration. */
function bytesOf(o: Observation): number {
  const { event } = o;
  return event === null || event.operation === 'chat' || event.bytesOut === null ? 0 : event.bytesOut;
}

function isNewTarget(o: Observation): boolean {
  return (
    o.event !== null &&
    o.event.target !== null &&
    (o.pairFirst || knownAgeMs(o.profile, PAIRS, o.pairSlot, o.timeMs) < NEW_MS)
  );
}
