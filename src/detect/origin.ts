/**
 * Where a call comes from: a source or an environment that the agent was never called from, two sources that take
 * turns within minutes, and a credential that is used again after its task was over. Each is judged by the agent's own
 * habit: its surprise is -ln of the decayed share of occasions on which this agent had one (Good-Turing), so that an
 * agent with a new address for every run says nothing by having another. Events that carry none of it score 0.
 *
 * A task is over when the agent has begun another under another credential and the first has rested for half an hour;
 * nobody tells the engine of an end. An agent with one credential for all tasks never returns to one. Memory: four
 * sources, two environments, four credentials and four shares; a look through the sets for every event.
 */
import { DETECTORS, F, type Profile } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { CREDENTIALS, ENVIRONMENTS, findOrigin, SOURCES, useOrigin } from '../agent/origins.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('origin');
const MINUTE_MS = 60_000;
/** Sources that were both used within this many minutes are in use at once. */
const AT_ONCE_MINUTES = 10;
/** A credential that has rested for as long belongs to a task that is over, if another has begun since. */
const REST_MINUTES = 30;
/** Weight of one occasion in a share, and the smallest share believed. */
const STEP = 1 / 24;
const STEP_AT_ONCE = 1 / 200;
const SHARE_MIN = 0.01;
/** What is hardly a surprise is none, nats. */
const NATS_MIN = 1;

/** Index of the feature of new sources. */
export const NEW_SOURCE_FEATURE = 0;
/** Index of the feature of two sources at once. */
export const TWO_SOURCES_FEATURE = 1;
/** Index of the feature of new environments. */
export const NEW_ENVIRONMENT_FEATURE = 2;
/** Index of the feature of credentials used after their task. */
export const AFTER_TASK_FEATURE = 3;

/** The detector of calls from elsewhere. */
export const origin: Detector = {
  name: 'origin',
  features: [
    'surprise at a source never seen before, nats',
    'surprise at two sources at once, nats',
    'surprise at an environment never seen before, nats',
    'surprise at a credential used after its task, nats',
  ],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    let sum = 0;
    let most = 0;
    let feature = 0;
    for (let f = 0; f < 4; f++) {
      const nats = happens(o, f) ? -Math.log(Math.max(SHARE_MIN, 1 - p.f32[p.at4 + steadyField(f)])) : 0;
      sum += nats;
      if (nats > most) {
        most = nats;
        feature = f;
      }
    }
    readings.set(INDEX, sum > NATS_MIN ? sum : 0, feature, sum > NATS_MIN ? most : 0, 0);
  },
  learn(o: Observation): void {
    const p = o.profile;
    if (o.sourceHash !== 0) learnSource(o, p);
    if (o.environmentHash !== 0) {
      if (o.opensSession || happens(o, NEW_ENVIRONMENT_FEATURE)) learnShare(o, NEW_ENVIRONMENT_FEATURE, STEP);
      useOrigin(p, ENVIRONMENTS, o.environmentHash, minuteOf(o));
    }
    if (o.credentialHash !== 0) learnCredential(o, p);
  },
};

function minuteOf(o: Observation): number {
  return Math.floor(o.timeMs / MINUTE_MS);
}

/** Field of the decayed share of occasions on which the feature did NOT happen: 0 for an agent nobody knows. */
function steadyField(feature: number): number {
  if (feature === NEW_SOURCE_FEATURE) return F.sourceSteady;
  if (feature === TWO_SOURCES_FEATURE) return F.sourceSingle;
  return feature === NEW_ENVIRONMENT_FEATURE ? F.environmentSteady : F.taskSteady;
}

function happens(o: Observation, feature: number): boolean {
  if (feature === NEW_SOURCE_FEATURE) return o.sourceHash !== 0 && findOrigin(o.profile, SOURCES, o.sourceHash) === -1;
  if (feature === TWO_SOURCES_FEATURE) return takesTurns(o);
  if (feature === NEW_ENVIRONMENT_FEATURE) {
    return o.environmentHash !== 0 && findOrigin(o.profile, ENVIRONMENTS, o.environmentHash) === -1;
  }
  return isAfterTask(o);
}

function learnShare(o: Observation, feature: number, step: number): void {
  const p = o.profile;
  const at = p.at4 + steadyField(feature);
  p.f32[at] += ((happens(o, feature) ? 0 : 1) - p.f32[at]) * step;
}

/** Back from another source to one used minutes ago; a move to a new address is not. */
function takesTurns(o: Observation): boolean {
  const p = o.profile;
  const last = p.u32[p.at4 + F.sourceLast];
  if (o.sourceHash === 0 || last === 0 || last === o.sourceHash) return false;
  const slot = findOrigin(p, SOURCES, o.sourceHash);
  const other = findOrigin(p, SOURCES, last);
  if (slot === -1 || other === -1) return false;
  const since = minuteOf(o) - AT_ONCE_MINUTES;
  return p.u32[p.at4 + F.sourceMinute + slot] >= since && p.u32[p.at4 + F.sourceMinute + other] >= since;
}

function learnSource(o: Observation, p: Profile): void {
  if (o.opensSession || happens(o, NEW_SOURCE_FEATURE)) learnShare(o, NEW_SOURCE_FEATURE, STEP);
  learnShare(o, TWO_SOURCES_FEATURE, STEP_AT_ONCE);
  useOrigin(p, SOURCES, o.sourceHash, minuteOf(o));
  p.u32[p.at4 + F.sourceLast] = o.sourceHash;
}

/** A credential that has rested while the agent began another task under another credential. */
function isAfterTask(o: Observation): boolean {
  const p = o.profile;
  const slot = findOrigin(p, CREDENTIALS, o.credentialHash);
  if (slot === -1) return false;
  const used = p.u32[p.at4 + F.credentialMinute + slot];
  const task = p.u32[p.at4 + F.credentialTask + slot];
  if (task === 0 || minuteOf(o) - used < REST_MINUTES) return false;
  return p.u32[p.at4 + F.taskLast] !== task && p.u32[p.at4 + F.taskBegan] > used;
}

/** Every task that begins, and every return to one that is over, is an occasion. */
function learnCredential(o: Observation, p: Profile): void {
  const known = findOrigin(p, CREDENTIALS, o.credentialHash);
  const begins = known === -1 || (o.taskHash !== 0 && p.u32[p.at4 + F.credentialTask + known] !== o.taskHash);
  if (begins || isAfterTask(o)) learnShare(o, AFTER_TASK_FEATURE, STEP);
  const slot = useOrigin(p, CREDENTIALS, o.credentialHash, minuteOf(o));
  if (!begins) return;
  p.u32[p.at4 + F.credentialTask + slot] = o.taskHash;
  if (o.taskHash === 0 || p.u32[p.at4 + F.taskLast] === o.taskHash) return;
  p.u32[p.at4 + F.taskLast] = o.taskHash;
  p.u32[p.at4 + F.taskBegan] = minuteOf(o);
}
