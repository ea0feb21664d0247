/**
 * Profile mixing: sessions that are less like the agent's own profile than like somebody else's. Whoever works under
 * another's credential brings along endpoints and a model that this agent never used and that others of its tenant use
 * all the time; a new tool that is rolled out, or a task that comes for the first time, brings what nobody uses or what
 * the agent's own cohort does. The score is a profile likelihood: of each new thing ln p(others) - ln p(own), where the
 * best of the others uses it as a matter of course (p = 1) and p(own) is the agent's unseen mass (Good-Turing; models
 * have one of their own, for an agent hardly ever changes its model), summed over sessions with a half-life of a day.
 * What is adopted has become the agent's own. Three numbers of memory; a comparison an event.
 */
import { DETECTORS, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('mixing');
const MINUTE_MS = 60_000;
const HALF_LIFE_MINUTES = 1440;
/** Smallest unseen mass of endpoints, and of models; weight of one call in the latter. */
const ENDPOINT_MIN = 0.02;
const MODEL_MIN = 0.005;
const MODEL_STEP = 1 / 500;
/** The level is a sum of steps: its root has the tail that the daily law assumes. */
const SCALE = 4;
/** One endpoint that others have is a new task, one model a change of models: from more than that on it speaks. */
const LEVEL_MIN = 5.5;

/** The detector of two who share one name. */
export const mixing: Detector = {
  name: 'mixing',
  features: ['likeness to the profiles of others, nats'],
  score(o: Observation, readings: Readings): void {
    const nats = o.endpointFirst && o.endpointUsers > 0 ? likeness(o) : 0;
    if (nats === 0) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    const p = o.profile;
    const level = p.at4 + F.mixingLevel;
    const minute = Math.floor(o.timeMs / MINUTE_MS);
    const gap = Math.max(0, minute - p.u32[p.at4 + F.mixingMinute]);
    p.f32[level] = p.f32[level] * Math.exp((-Math.LN2 * gap) / HALF_LIFE_MINUTES) + nats;
    p.u32[p.at4 + F.mixingMinute] = minute;
    const more = p.f32[level] - LEVEL_MIN;
    readings.set(INDEX, more > 0 ? SCALE * Math.sqrt(more) : 0, 0, p.f32[level], 0);
  },
  learn(o: Observation): void {
    if (o.event === null || o.event.operation !== 'chat') return;
    const p = o.profile;
    const share = p.at4 + F.modelShare;
    p.f32[share] += ((o.endpointFirst ? 1 : 0) - p.f32[share]) * MODEL_STEP;
  },
};

/** ln p(others) - ln p(own) of an endpoint that the agent has not adopted and others have. */
function likeness(o: Observation): number {
  const p = o.profile;
  if (o.event !== null && o.event.operation === 'chat')
    return -Math.log(Math.max(MODEL_MIN, p.f32[p.at4 + F.modelShare]));
  return o.endpointPeers > 0 ? 0 : -Math.log(Math.max(ENDPOINT_MIN, p.f32[p.at4 + F.novelShare]));
}
