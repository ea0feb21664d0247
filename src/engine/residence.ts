/**
 * Who is in the table: admission, eviction to the shelf and the exact way back, and the close of days and sessions of
 * an agent that is being looked at.
 */

import { ageKnown, ENDPOINTS, PAIRS } from '../agent/known.js';
import {
  DETECTOR_COUNT,
  DETECTORS,
  F,
  PROFILE_BYTES,
  type Profile,
  WINDOW_COUNT,
  WINDOW_STEP_8,
} from '../agent/layout.js';
import { SESSION_BYTES, U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { scoreSilence } from '../detect/silence.js';
import { closeDay, daySurprises, refreshLaws } from '../score/calibrate.js';
import { finishIdle, makeRoom } from './observe.js';
import type { Outcome } from './outcome.js';
import { cohortOf } from './standing.js';
import type { EngineState } from './state.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MINUTES = 60;
/** After a longer absence the days before these are forgotten: the memory of days is shorter. */
const DAYS_CLOSED_MAX = 60;
/** No model has this stamp. */
const STALE = 0;
const SILENCE = DETECTORS.indexOf('silence');
const PAGED = 1;
const ALARMED = 4;

/** Slot of an agent with its profile aimed at, admitting or reloading it where need be; -1: refused. */
export function seat(state: EngineState, tenant: string, root: string, bound: boolean, timeMs: number): number {
  const { table, observation } = state;
  const seated = table.find(tenant, root, bound);
  if (seated !== -1) {
    table.aim(observation.profile, seated);
    state.warmth = observation.profile.warm() ^ state.sessions.warm(seated) ^ table.warm(seated);
    return seated;
  }
  const key = agentKey(tenant, root, bound);
  const position = state.shelved.get(key);
  const room = table.admit(key, position !== undefined, timeMs);
  if (room === -2) return -1;
  if (room >= 0) evict(state, room);
  // More than one has to go where a configuration has made the table smaller.
  while (table.size > 0 && table.size >= table.agentsMax) evict(state, table.leastUsed());
  const slot = table.insert(tenant, root, bound, timeMs);
  state.sighted.forgetSlot(slot);
  table.aim(observation.profile, slot);
  if (position === undefined) found(state, timeMs, key);
  else reload(state, slot, position);
  state.counts.agents = table.size;
  return slot;
}

/** First event of an agent nobody knows. */
function found(state: EngineState, timeMs: number, key: string): void {
  const p = state.observation.profile;
  p.f64[p.at8 + F.lastMs] = timeMs;
  p.f32[p.at4 + F.novelShare] = 1;
  p.f32[p.at4 + F.errorRate] = 0.05;
  p.f32[p.at4 + F.errorAgain] = 0.3;
  p.u32[p.at4 + F.day] = Math.floor(timeMs / DAY_MS);
  takeModel(state, key);
}

/** Brings cohort and laws of the aimed profile up to the model in force. */
export function takeModel(state: EngineState, key: string): void {
  const p = state.observation.profile;
  if (p.u32[p.at4 + F.modelStamp] === state.modelStamp) return;
  p.u32[p.at4 + F.role] = cohortOf(state, key) + 1;
  refreshLaws(p, state.model, state.modelStamp);
}

/**
 * Closes every day of the agent that ended before `timeMs`, one by one, and emits each for learn/. A day without an
 * event counts too: the budget is in pages per agent-day. Closing them late teaches the same as closing them in time:
 * they are judged by the laws of the agent's latest event, whatever was activated since, and the next event has the
 * laws computed anew.
 */
export function turnDays(state: EngineState, slot: number, timeMs: number, outcome: Outcome): void {
  const p = state.observation.profile;
  const day = Math.floor(timeMs / DAY_MS);
  if (day <= p.u32[p.at4 + F.day]) return;
  const first = Math.max(p.u32[p.at4 + F.day], day - DAYS_CLOSED_MAX);
  for (let running = first; running < day; running++) turnDay(state, slot, running, outcome);
  p.u32[p.at4 + F.day] = day;
  p.u32[p.at4 + F.modelStamp] = STALE;
}

function turnDay(state: EngineState, slot: number, running: number, outcome: Outcome): void {
  const { observation: o, table } = state;
  const p = o.profile;
  const { f32, u32, at4 } = p;
  const { key, bound } = table.entry(slot);
  const endMs = (running + 1) * DAY_MS;
  noteSilence(state, endMs);
  if (bound) {
    outcome.samples.push({
      kind: 'day',
      timeMs: endMs,
      agent: key,
      id: `day:${running}`,
      days: u32[at4 + F.days],
      max: Array.from(f32.subarray(at4 + F.dayMax, at4 + F.dayMax + DETECTOR_COUNT)),
      surprise: daySurprises(p),
      marginal: (u32[at4 + F.flags] & (PAGED | ALARMED)) === PAGED,
      paged: (u32[at4 + F.flags] & (PAGED | ALARMED)) !== 0,
      windowMean: perWindow(p, F.windowMean),
      windowSquare: perWindow(p, F.windowSquare),
    });
  }
  closeDay(p);
  ageKnown(p, ENDPOINTS);
  ageKnown(p, PAIRS);
  p.f64[p.at8 + F.daySpend] = 0;
  u32[at4 + F.flags] &= ~(PAGED | ALARMED);
}

/** A field of every window, to six digits: more would be noise. */
function perWindow(p: Profile, field: number): number[] {
  return Array.from({ length: WINDOW_COUNT }, (_, w) =>
    Number(p.f64[p.at8 + field + WINDOW_STEP_8 * w].toPrecision(6)),
  );
}

/** The longest silence of a day stands at its end. */
function noteSilence(state: EngineState, endMs: number): void {
  const { observation: o, readings } = state;
  const timeMs = o.timeMs;
  o.timeMs = endMs;
  scoreSilence(o, readings);
  o.timeMs = timeMs;
  const at = o.profile.at4 + F.dayMax + SILENCE;
  o.profile.f32[at] = Math.max(o.profile.f32[at], readings.score[SILENCE]);
}

/** Hands an agent's profile and sessions to the shelf and frees its slot. */
export function evict(state: EngineState, slot: number): void {
  const { table, sessions } = state;
  const rows = sessions.rowsOf(slot).reverse();
  const bytes = new Uint8Array(PROFILE_BYTES + rows.length * SESSION_BYTES);
  bytes.set(table.raw(slot));
  let at = PROFILE_BYTES;
  for (const row of rows) {
    writeRow(state, row, bytes, at);
    at += SESSION_BYTES;
    sessions.close(row);
  }
  const key = table.key(slot);
  state.shelved.set(key, state.shelf.append(bytes));
  for (const oldest of state.shelved.keys()) {
    if (state.shelved.size <= state.settings.shelvedMax) break;
    state.shelved.delete(oldest);
  }
  table.remove(slot);
  state.counts.evictions++;
}

function reload(state: EngineState, slot: number, position: number): void {
  const bytes = state.shelf.read(position);
  const { table } = state;
  table.raw(slot).set(bytes.subarray(0, PROFILE_BYTES));
  for (let at = PROFILE_BYTES; at < bytes.length; at += SESSION_BYTES) {
    makeRoom(state, slot);
    readRow(state, slot, bytes, at);
  }
  const { key, minute } = table.entry(slot);
  state.shelved.delete(key);
  state.counts.reloads++;
  state.missedLookMs = lastLook(state.nowMs, minute);
}

/** When an agent of this minute was last looked at by the partition's clock, ms. */
export function lastLook(nowMs: number, minute: number): number {
  const now = Math.floor(nowMs / MINUTE_MS);
  return (now - ((((now - minute) % MINUTES) + MINUTES) % MINUTES)) * MINUTE_MS;
}

/** Copies one session's row out. */
export function writeRow(state: EngineState, row: number, bytes: Uint8Array, at: number): void {
  bytes.set(state.sessions.raw(row), at);
}

/** Opens a session for `slot` from a copied row; returns its row. */
export function readRow(state: EngineState, slot: number, bytes: Uint8Array, at: number): number {
  const { sessions } = state;
  const copy = new Uint32Array(bytes.slice(at, at + SESSION_BYTES).buffer);
  const row = sessions.open(slot, copy[U.hash], 0);
  sessions.u32.set(copy, row * U.ROW);
  sessions.u32[row * U.ROW + U.agent] = slot;
  return row;
}

/** Bytes of one session in a snapshot and on the shelf. */
export const SESSION_ROW_BYTES = SESSION_BYTES;

/**
 * What an hourly look does for the profile: ends idle sessions and closes days. It does not matter how often it was
 * done before, so a profile that comes back from the shelf does at once what it missed.
 */
export function lookAfter(state: EngineState, slot: number, timeMs: number, outcome: Outcome): void {
  const p = state.observation.profile;
  if (timeMs < p.f64[p.at8 + F.lastMs]) return;
  finishIdle(state.observation, state.sessions, slot, timeMs, state.settings.sessionIdleMs);
  turnDays(state, slot, timeMs, outcome);
}

/** Has the cohort and the laws of an agent computed anew at its next event, wherever its profile is. */
export function refreshAgent(state: EngineState, tenant: string, agent: string): void {
  const { table, observation, shelved, shelf } = state;
  const { profile: p } = observation;
  const slot = table.find(tenant, agent, true);
  const key = agentKey(tenant, agent, true);
  const position = shelved.get(key);
  if (slot !== -1) {
    table.aim(p, slot);
    p.u32[p.at4 + F.modelStamp] = STALE;
  } else if (position !== undefined) {
    const bytes = shelf.read(position).slice();
    p.aim(bytes.buffer, 0);
    p.u32[p.at4 + F.modelStamp] = STALE;
    shelved.set(key, shelf.append(bytes));
  }
}

/** Forgets all that was learned of a seated agent; what it has spent today stays spent. */
export function resetSeated(state: EngineState, slot: number): void {
  const { table, sessions, observation } = state;
  for (const row of sessions.rowsOf(slot)) sessions.close(row);
  table.aim(observation.profile, slot);
  resetProfile(state, table.key(slot));
}

/** The same for an agent whose profile waits on the shelf. */
export function resetShelved(state: EngineState, key: string, position: number): void {
  const { observation, shelved, shelf } = state;
  const bytes = shelf.read(position).slice(0, PROFILE_BYTES);
  observation.profile.aim(bytes.buffer, 0);
  resetProfile(state, key);
  shelved.set(key, shelf.append(bytes));
}

function resetProfile(state: EngineState, key: string): void {
  const p = state.observation.profile;
  const spent = p.f64[p.at8 + F.daySpend];
  const lastMs = p.f64[p.at8 + F.lastMs];
  p.clear();
  found(state, lastMs, key);
  p.f64[p.at8 + F.daySpend] = spent;
}
