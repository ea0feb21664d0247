/**
 * From an event to an observation: the agent's windows moved to the event, its session found or opened, its endpoint
 * and target looked up. And the way back: what a finished session teaches.
 */
import { ENDPOINTS, findKnown, isAdopted, PAIRS } from '../agent/known.js';
import { F, WINDOW_COUNT } from '../agent/layout.js';
import type { Observation } from '../agent/observation.js';
import { S, type SessionTable, U } from '../agent/sessions.js';
import { advanceWindow } from '../agent/window.js';
import { learnSessionCost } from '../detect/cost.js';
import type { CohortModel } from '../detect/model.js';
import { learnSessionNovelty } from '../detect/novelty.js';
import type { AgentEvent } from '../event/event.js';
import { hash32, hash64, hex64 } from '../math/hash.js';

/** Most sessions of one agent at a time; the one opened first is ended for another. */
const SESSIONS_PER_AGENT = 32;
const PAIR_SALT = 0x5bd1e995;

const pair = new Uint32Array(2);

/** Hash of a name for a known set; `salt` keeps pairs apart from endpoints. */
function hashInto(text: string, seed: number): void {
  hash64(text, seed, pair);
}

/** Moves every window of the profile to `timeMs`. */
export function advanceWindows(o: Observation, timeMs: number): void {
  for (let w = 0; w < WINDOW_COUNT; w++) advanceWindow(o.profile, w, timeMs);
}

/** Looks up endpoint and (endpoint, target), in the profile and in the cohort. */
export function lookUp(o: Observation, event: AgentEvent, seed: number, model: CohortModel): void {
  const p = o.profile;
  hashInto(event.endpoint, seed);
  o.endpointLow = pair[1];
  o.endpointHigh = pair[0];
  o.endpointSlot = findKnown(p, ENDPOINTS, o.endpointLow, o.endpointHigh);
  o.endpointNovel = !isAdopted(p, ENDPOINTS, o.endpointSlot);
  o.endpointFirst = o.endpointSlot === -1;
  o.pairFirst = false;
  if (event.target === null) {
    o.pairLow = o.endpointLow;
    o.pairHigh = o.endpointHigh;
    o.pairSlot = -1;
    o.pairNovel = false;
  } else {
    hashInto(event.target, (o.endpointLow ^ PAIR_SALT) >>> 0);
    o.pairLow = pair[1];
    o.pairHigh = pair[0];
    o.pairSlot = findKnown(p, PAIRS, o.pairLow, o.pairHigh);
    o.pairNovel = !isAdopted(p, PAIRS, o.pairSlot);
    o.pairFirst = o.pairSlot === -1;
  }
  o.peers = 0;
  o.endpointPeers = 0;
  o.pairPeers = 0;
  const role = p.u32[p.at4 + F.role];
  if (role === 0 || !(o.endpointNovel || o.pairNovel)) return;
  const cohort = model.cohorts[role - 1];
  o.peers = cohort.members - 1;
  // A model's name says nothing about a role: which model an agent calls is judged on its own history alone.
  if (event.operation !== 'chat') o.endpointPeers = cohort.adopters.get(hex64(o.endpointHigh, o.endpointLow)) ?? 0;
  if (event.target !== null) o.pairPeers = cohort.adopters.get(hex64(o.pairHigh, o.pairLow)) ?? 0;
}

/** Hash of a session's name; events without one share a session that ends with idleness. */
export function sessionHash(session: string | null, seed: number): number {
  return session === null ? 0 : hash32(session, seed);
}

/** Finds or opens the event's session and aims the observation at it. */
export function enterSession(
  o: Observation,
  sessions: SessionTable,
  agent: number,
  hash: number,
  idleMs: number,
): void {
  let row = sessions.find(agent, hash);
  if (row !== -1 && o.timeMs - sessions.f64[row * S.F64 + S.lastMs] > idleMs) {
    finishSession(o, sessions, row);
    row = -1;
  }
  o.opensSession = row === -1;
  if (row === -1) {
    const rows = sessions.rowsOf(agent);
    if (rows.length >= SESSIONS_PER_AGENT) finishSession(o, sessions, rows[rows.length - 1]);
    row = sessions.open(agent, hash, o.timeMs);
    o.profile.u32[o.profile.at4 + F.sessions]++;
  } else {
    sessions.touch(row, o.timeMs);
  }
  o.aimSession(sessions.f64, sessions.u32, row);
  o.s64[o.s8at + S.events]++;
}

/** Ends one session: the profile learns it. The observation must be aimed at the session's agent. */
export function finishSession(o: Observation, sessions: SessionTable, row: number): void {
  o.aimSession(sessions.f64, sessions.u32, row);
  learnSessionNovelty(o);
  learnSessionCost(o);
  sessions.close(row);
}

/** Ends the agent's idle sessions. */
export function finishIdle(
  o: Observation,
  sessions: SessionTable,
  agent: number,
  timeMs: number,
  idleMs: number,
): void {
  for (let row = sessions.head(agent); row !== -1; ) {
    const next = sessions.next(row);
    if (timeMs - sessions.f64[row * S.F64 + S.lastMs] > idleMs) finishSession(o, sessions, row);
    row = next;
  }
}

/** Tag of a session inside a known set's entry. */
export function sessionTag(o: Observation): number {
  return o.s32[o.s4at + U.hash];
}
