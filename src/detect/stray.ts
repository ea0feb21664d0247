/**
 * A stray target: one that no agent of the tenant has adopted, in a session that otherwise goes where this agent goes. An
 * injected task rides on a task that is known; a task that is new itself is new as a whole, and whose targets are new
 * every time (customers, orders) meets few that it knows. The score is -ln of the agent's own share of sessions that
 * held a stray target (Good-Turing), over the root of the new things of the session so far. Three numbers of a session's
 * memory, one of a profile's.
 */
import { DETECTORS, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { U } from '../agent/sessions.js';
import type { Detector } from './detector.js';

const INDEX = DETECTORS.indexOf('stray');
/** Memory of the share, sessions; and the least share that so many can show. */
const SHARE_STEP = 1 / 64;
const SHARE_MIN = 1 / 128;

/** The detector of targets that nobody knows among targets that the agent knows. */
export const stray: Detector = {
  name: 'stray',
  features: ['targets that nobody has adopted, in a session that is known otherwise'],
  score(o: Observation, readings: Readings): void {
    const isStranger = meetsStranger(o);
    const isFriend = !o.pairNovel && o.event !== null && o.event.target !== null;
    const meets = isFriend && o.sessionCount(U.company) === 0;
    if (isStranger) o.s32[o.s4at + U.strangers]++;
    if (meets) o.s32[o.s4at + U.company] = 1;
    const strangers = o.sessionCount(U.strangers);
    if (!(isStranger || meets) || strangers === 0 || o.sessionCount(U.company) === 0) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    const p = o.profile;
    const share = p.f32[p.at4 + F.strayShare];
    const score = -Math.log(Math.max(SHARE_MIN, share)) / Math.sqrt(o.sessionCount(U.novelCount));
    readings.set(INDEX, score, 0, strangers, share);
  },
  learn(): void {},
};

/**
 * Whether the call goes to a target that nobody has adopted, once a session. What fell over reached nobody (mistyped and
 * made-up names are ordinary) and counts once it is reached after all; a refusal says that there was a door.
 */
function meetsStranger(o: Observation): boolean {
  if (!o.pairNovel || o.pairPeers > 0 || o.targetKnown) return false;
  const fallen = o.s4at + U.fallen;
  const isAgain = o.s32[fallen] === o.pairLow;
  if (!o.pairNewHere && !isAgain) return false;
  const fell = o.event?.status === 'error';
  if (fell) o.s32[fallen] = o.pairLow;
  else if (isAgain) o.s32[fallen] = 0;
  return !fell;
}

/** Learns a finished session: whether it held a stray target. */
export function learnSessionStray(o: Observation): void {
  const p = o.profile;
  const held = o.sessionCount(U.strangers) > 0 && o.sessionCount(U.company) > 0 ? 1 : 0;
  p.f32[p.at4 + F.strayShare] += (held - p.f32[p.at4 + F.strayShare]) * SHARE_STEP;
}
