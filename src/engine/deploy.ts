/**
 * Deploys told from attacks. A profile goes on over versions: nothing is forgotten, no anchor moves. But for a day
 * after a version that was never the latest before, new tools and targets are what one expects, and they are notices;
 * what first comes then is adopted after one session less. That ends at once where the version changes again within a
 * day, goes back to the one before it, or uses something new with a sensitive name: who can choose a version must not
 * be able to hide behind it. Only bound senders speak for a version, and only the root of a tree, not its sub-agents.
 */
import type { Adoption, KnownSet } from '../agent/known.js';
import { F, type Profile } from '../agent/layout.js';
import type { Observation } from '../agent/observation.js';
import { isSensitive } from '../detect/sensitive.js';
import type { AgentEvent } from '../event/event.js';
import { hash32 } from '../math/hash.js';
import type { EngineState } from './state.js';

const MINUTE_MS = 60_000;
/** How long a deploy is new, minutes. */
const WINDOW_MINUTES = 24 * 60;
/** Bit of the profile's flags: the latest version came as a deploy does. */
const DEPLOYED = 8;

/** Notes the version of an event that is about to be scored; `isRoot`: its sender is bound, and the tree's own agent. */
export function noteVersion(o: Observation, event: AgentEvent, isRoot: boolean, seed: number): void {
  const p = o.profile;
  const minute = Math.floor(o.timeMs / MINUTE_MS);
  o.newVersion = null;
  // An event from before the latest one may be of the version before.
  const speaks = isRoot && event.version !== null && event.timeMs >= o.timeMs;
  if (speaks) change(p, Math.max(1, hash32(event.version as string, seed)), minute);
  const since = p.u32[p.at4 + F.versionMinute];
  const isNew = since !== 0 && minute - since < WINDOW_MINUTES;
  o.isDeploy = isNew && (p.u32[p.at4 + F.flags] & DEPLOYED) !== 0;
  if (isNew && speaks) o.newVersion = event.version;
}

function change(p: Profile, version: number, minute: number): void {
  const { u32, at4 } = p;
  const latest = u32[at4 + F.version];
  if (version === latest) return;
  const isBack = version === u32[at4 + F.versionBefore];
  const since = u32[at4 + F.versionMinute];
  const isSoon = since !== 0 && minute - since < WINDOW_MINUTES;
  u32[at4 + F.version] = version;
  u32[at4 + F.versionBefore] = latest;
  if (latest === 0) return;
  u32[at4 + F.versionMinute] = minute;
  if (isBack || isSoon) u32[at4 + F.flags] &= ~DEPLOYED;
  else u32[at4 + F.flags] |= DEPLOYED;
}

/** Ends the deploy where the observed event brings something new that is sensitive. */
export function endDeploy(o: Observation, event: AgentEvent): void {
  if (!o.isDeploy || !(o.endpointNovel || o.pairNovel)) return;
  if (!isSensitive(event.endpoint) && !(o.pairNovel && isSensitive(event.target ?? ''))) return;
  o.isDeploy = false;
  o.profile.u32[o.profile.at4 + F.flags] &= ~DEPLOYED;
}

/** When the entry in a slot is adopted: one session earlier where it first came with a deploy. */
export function adoptionOf(state: EngineState, set: KnownSet, slot: number): Adoption {
  const { profile: p } = state.observation;
  if ((p.u32[p.at4 + F.flags] & DEPLOYED) === 0) return state.settings.adoption;
  const after = p.u32[p.at4 + set.minute + set.step * slot] - p.u32[p.at4 + F.versionMinute];
  return after >= 0 && after < WINDOW_MINUTES ? state.deployAdoption : state.settings.adoption;
}
