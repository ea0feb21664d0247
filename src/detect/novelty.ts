/**
 * Endpoints and targets: surprise at what the agent has not adopted. A hijacked agent keeps its tools and changes its
 * targets, so the (endpoint, target) pair counts beside the endpoint. The surprise of a new thing is -ln of the
 * agent's own unseen mass (Good-Turing: the share of sessions, and of an endpoint's calls, that brought something
 * never seen before), softened where other members of the cohort have adopted it. A session's score is the sum over its distinct
 * new things.
 */
import { DETECTORS, ENDPOINT_STEP, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { S, U } from '../agent/sessions.js';
import type { Detector } from './detector.js';
import { isSensitive } from './sensitive.js';

const INDEX = DETECTORS.indexOf('novelty');
const SHARE_STEP = 1 / 48;
const TARGET_STEP = 1 / 24;
const SHARE_MIN = 0.02;
const TARGET_MIN = 0.02;
/** Closed days before which nothing can have been adopted, and every target would be news again in each session. */
const TARGET_DAYS_MIN = 2;
/** Added where a new endpoint's name is sensitive, nats. */
const SENSITIVE_NATS = 2;
/** What is left of the surprise when at least one, or a third, of the cohort's others have adopted the thing. */
const KNOWN_TO_ONE = 0.3;
const KNOWN_TO_MANY = 0.1;

/** Index of the feature of new endpoints. */
export const NEW_ENDPOINT_FEATURE = 0;
/** Index of the feature of new targets. */
export const NEW_TARGET_FEATURE = 1;

/** Surprise at what a session holds that is new. */
export const novelty: Detector = {
  name: 'novelty',
  features: ['surprise at new endpoints in the session, nats', 'surprise at new targets in the session, nats'],
  score(o: Observation, readings: Readings): void {
    o.addedSurprise = 0;
    const total = o.s8at + S.novelty;
    let feature = NEW_TARGET_FEATURE;
    if (o.endpointNewHere) {
      feature = NEW_ENDPOINT_FEATURE;
      o.addedSurprise = endpointSurprise(o) * discount(o);
    } else if (o.pairNewHere && !o.endpointNovel && o.profile.u32[o.profile.at4 + F.days] >= TARGET_DAYS_MIN) {
      o.addedSurprise = pairSurprise(o) * discount(o);
    }
    o.s64[total] += o.addedSurprise;
    const p = o.profile;
    readings.set(INDEX, o.addedSurprise > 0 ? o.s64[total] : 0, feature, o.s64[total], p.f32[p.at4 + F.surpriseLevel]);
  },
  learn(o: Observation): void {
    const p = o.profile;
    if (o.endpointFirst) o.s32[o.s4at + U.firsts]++;
    if (o.endpointSlot >= 0) {
      const at = p.at4 + F.endpointNewTarget + ENDPOINT_STEP * o.endpointSlot;
      p.f32[at] += ((o.pairFirst ? 1 : 0) - p.f32[at]) * TARGET_STEP;
    }
  },
};

/** Learns a finished session: whether it held something new, and how surprising it was. */
export function learnSessionNovelty(o: Observation): void {
  const p = o.profile;
  const sum = o.sessionNumber(S.novelty);
  const first = o.sessionCount(U.firsts) > 0 ? 1 : 0;
  p.f32[p.at4 + F.novelShare] += (first - p.f32[p.at4 + F.novelShare]) * SHARE_STEP;
  p.f32[p.at4 + F.surpriseLevel] += (sum - p.f32[p.at4 + F.surpriseLevel]) * SHARE_STEP;
}

/** New things of one session come together: one odd task brings many. Each counts for half of the one before it. */
function discount(o: Observation): number {
  const before = o.s32[o.s4at + U.surprises]++;
  return before > 10 ? 0 : 1 / (1 << before);
}

function softened(surprise: number, known: number, peers: number): number {
  if (known === 0 || peers === 0) return surprise;
  return surprise * (known * 3 >= peers ? KNOWN_TO_MANY : KNOWN_TO_ONE);
}

function endpointSurprise(o: Observation): number {
  const p = o.profile;
  const share = Math.max(SHARE_MIN, p.f32[p.at4 + F.novelShare]);
  const own = -Math.log(share) + (o.event !== null && isSensitive(o.event.endpoint) ? SENSITIVE_NATS : 0);
  return softened(own, o.endpointPeers, o.peers);
}

function pairSurprise(o: Observation): number {
  const p = o.profile;
  const share = Math.max(TARGET_MIN, p.f32[p.at4 + F.endpointNewTarget + ENDPOINT_STEP * o.endpointSlot]);
  const own = -Math.log(share);
  // A target that the tenant's agents use for other things is no stranger, whoever they are.
  if (o.pairPeers === 0 && o.targetKnown) return own * KNOWN_TO_ONE;
  return softened(own, o.pairPeers, o.peers);
}
