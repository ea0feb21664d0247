/**
 * From an event to an observation: the agent's windows moved to the event, its session found or opened, its endpoint
 * and target looked up. And the way back: what a finished session teaches.
 */
import { ENDPOINTS, findKnown, isAdopted, PAIRS } from '../agent/known.js';
import { F, WINDOW_COUNT, WINDOW_MS } from '../agent/layout.js';
import type { Observation } from '../agent/observation.js';
import { NOVEL_SLOTS, S, type SessionTable, U } from '../agent/sessions.js';
import { advanceWindow } from '../agent/window.js';
import { learnSessionCost } from '../detect/cost.js';
import type { CohortModel } from '../detect/model.js';
import { learnSessionNovelty } from '../detect/novelty.js';
import { learnSessionStray } from '../detect/stray.js';
import type { AgentEvent } from '../event/event.js';
import { hash32, hash64, hex64 } from '../math/hash.js';
import type { EngineState } from './state.js';

/** Most sessions of one agent at a time; the one opened first is ended for another. */
const SESSIONS_PER_AGENT = 32;
/** Keeps hashes of pairs apart from those of endpoints. */
export const PAIR_SALT = 0x5bd1e995;
/** And those of targets from both. */
const TARGET_SALT = 0x2545f491;

const pair = new Uint32Array(2);

/** Hash of a name for a known set; `salt` keeps pairs apart from endpoints. */
function hashInto(text: string, seed: number): void {
  hash64(text, seed, pair);
}

/** Hash of a name that an event may not carry: 0 where it does not. */
function nameHash(name: string | null, seed: number): number {
  return name === null ? 0 : hash32(name, seed) || 1;
}

/** Moves every window of the profile to `timeMs`. */
export function advanceWindows(o: Observation, timeMs: number): void {
  const p = o.profile;
  // The first window is the shortest and its length divides all others: while it stands still, so do they.
  if (p.u32[p.at4 + F.windowIndex] === Math.floor(timeMs / WINDOW_MS[0])) return;
  for (let w = 0; w < WINDOW_COUNT; w++) advanceWindow(p, w, timeMs);
}

/** Looks up endpoint and (endpoint, target), in the profile and in the cohort. */
export function lookUp(o: Observation, event: AgentEvent, seed: number, model: CohortModel): void {
  const p = o.profile;
  o.sourceHash = nameHash(event.source, seed);
  o.environmentHash = nameHash(event.environment, seed);
  o.credentialHash = nameHash(event.credential, seed);
  o.taskHash = nameHash(event.task, seed);
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
  o.targetKnown = o.pairNovel && isTargetKnown(event, seed, model);
  o.peers = 0;
  o.endpointPeers = 0;
  o.pairPeers = 0;
  o.endpointUsers = o.endpointNovel
    ? (model.users.get(event.tenant)?.get(hex64(o.endpointHigh, o.endpointLow)) ?? 0)
    : 0;
  const role = p.u32[p.at4 + F.role];
  if (role === 0 || !(o.endpointNovel || o.pairNovel)) return;
  const cohort = model.cohorts[role - 1];
  o.peers = cohort.members - 1;
  // A model's name says nothing about a role: which model an agent calls is judged on its own history alone.
  if (event.operation !== 'chat') o.endpointPeers = cohort.adopters.get(hex64(o.endpointHigh, o.endpointLow)) ?? 0;
  if (event.target !== null) o.pairPeers = cohort.adopters.get(hex64(o.pairHigh, o.pairLow)) ?? 0;
}

/** Hash of a target by itself, whatever is done to it: 16 hex digits. */
export function targetHash(target: string, seed: number): string {
  hashInto(target, (seed ^ TARGET_SALT) >>> 0);
  return hex64(pair[0], pair[1]);
}

function isTargetKnown({ tenant, target }: AgentEvent, seed: number, model: CohortModel): boolean {
  const known = model.targets.get(tenant);
  return known !== undefined && target !== null && known.has(targetHash(target, seed));
}

/** Hash of a session's name; events without one share a session that ends with idleness. */
export function sessionHash(session: string | null, seed: number): number {
  return session === null ? 0 : hash32(session, seed);
}

/** Finds or opens the event's session and aims the observation at it. */
export function enterSession(state: EngineState, slot: number, hash: number): void {
  const { observation: o, sessions, settings } = state;
  let row = sessions.find(slot, hash);
  if (row !== -1 && o.timeMs - sessions.f64[row * S.ROW + S.lastMs] > settings.sessionIdleMs) {
    finishSession(o, sessions, row);
    row = -1;
  }
  o.opensSession = row === -1;
  if (row === -1) {
    const rows = sessions.rowsOf(slot);
    if (rows.length >= SESSIONS_PER_AGENT) finishSession(o, sessions, rows[rows.length - 1]);
    else makeRoom(state, slot);
    row = sessions.open(slot, hash, o.timeMs);
    sessions.u32[row * U.ROW + U.ordinal] = ++o.profile.u32[o.profile.at4 + F.sessions];
  } else {
    sessions.touch(row, o.timeMs);
  }
  o.aimSession(sessions.f64, sessions.u32, row);
  o.s64[o.s8at + S.events]++;
}

/** Ends the least recently used sessions where the table is full: the one thing that lets agents touch each other. */
export function makeRoom(state: EngineState, slot: number): void {
  const { sessions, table, observation } = state;
  for (let row = sessions.full(); row !== -1; row = sessions.full()) {
    table.aim(observation.profile, sessions.ownerOf(row));
    finishSession(observation, sessions, row);
    table.aim(observation.profile, slot);
  }
}

/** Ends one session: the profile learns it. The observation must be aimed at the session's agent. */
export function finishSession(o: Observation, sessions: SessionTable, row: number): void {
  o.aimSession(sessions.f64, sessions.u32, row);
  learnSessionNovelty(o);
  learnSessionStray(o);
  learnSessionCost(o);
  sessions.close(row);
}

/**
 * Ends the agent's idle sessions, in the order in which they fell idle: looking once after a long while teaches the
 * profile the same as looking every hour.
 */
export function finishIdle(
  o: Observation,
  sessions: SessionTable,
  agent: number,
  timeMs: number,
  idleMs: number,
): void {
  const lastMs = (row: number): number => sessions.f64[row * S.ROW + S.lastMs];
  const idle = sessions.rowsOf(agent).filter((row) => timeMs - lastMs(row) > idleMs);
  idle.sort((a, b) => lastMs(a) - lastMs(b) || sessions.u32[a * U.ROW + U.hash] - sessions.u32[b * U.ROW + U.hash]);
  for (const row of idle) finishSession(o, sessions, row);
}

/** Notes what is not adopted in the session's row, so that each new thing counts once a session. */
export function noteNovel(o: Observation): void {
  o.endpointNewHere = o.endpointNovel && addsToSession(o, o.endpointLow);
  o.pairNewHere = o.pairNovel && addsToSession(o, o.pairLow);
}

function addsToSession(o: Observation, hash: number): boolean {
  const base = o.s4at + U.novel;
  const count = o.sessionCount(U.novelCount);
  const kept = count < NOVEL_SLOTS ? count : NOVEL_SLOTS;
  for (let i = 0; i < kept; i++) if (o.s32[base + i] === hash) return false;
  o.s32[base + (count % NOVEL_SLOTS)] = hash;
  o.s32[o.s4at + U.novelCount] = count + 1;
  return true;
}
