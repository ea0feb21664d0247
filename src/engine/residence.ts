/**
 * Who is in the table: admission, eviction to the shelf and the exact way back, and the close of days and sessions of
 * an agent that is being looked at.
 */

import { ageKnown, ENDPOINTS, PAIRS } from '../agent/known.js';
import { F, PROFILE_BYTES } from '../agent/layout.js';
import { S, U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { closeDay, refreshLaws } from '../score/calibrate.js';
import { finishIdle } from './observe.js';
import type { Outcome } from './outcome.js';
import type { EngineState } from './state.js';

const DAY_MS = 86_400_000;
const ROW_BYTES = S.F64 * 8 + U.U32 * 4;
const PAGED = 1;
const ALARMED = 4;

/** Slot of an agent with its profile aimed at, admitting or reloading it where need be; -1: refused. */
export function seat(state: EngineState, tenant: string, root: string, bound: boolean, timeMs: number): number {
  const { table, observation } = state;
  let slot = table.find(tenant, root, bound);
  if (slot === -1) {
    const room = table.admit(tenant, root, bound, timeMs);
    if (room === -2) return -1;
    if (room >= 0) evict(state, room);
    slot = table.insert(tenant, root, bound, timeMs);
    table.aim(observation.profile, slot);
    const key = agentKey(tenant, root, bound);
    const position = state.shelved.get(key);
    if (position === undefined) {
      found(state, timeMs, key);
    } else {
      reload(state, slot, state.shelf.read(position));
      state.shelved.delete(key);
      state.counts.reloads++;
    }
    state.counts.agents = table.size;
    return slot;
  }
  table.aim(observation.profile, slot);
  return slot;
}

/** First event of an agent nobody knows. */
function found(state: EngineState, timeMs: number, key: string): void {
  const p = state.observation.profile;
  p.f64[p.at8 + F.firstMs] = timeMs;
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
  const cohort = state.model.cohortOf.get(key);
  p.u32[p.at4 + F.role] = cohort === undefined ? 0 : cohort + 1;
  refreshLaws(p, state.model, state.modelStamp);
}

/** Closes the agent's day where `timeMs` lies in a later one, and emits it for learn/. */
export function turnDay(state: EngineState, slot: number, timeMs: number, outcome: Outcome): void {
  const p = state.observation.profile;
  const day = Math.floor(timeMs / DAY_MS);
  const running = p.u32[p.at4 + F.day];
  if (day <= running) return;
  const { f32, at4 } = p;
  const count = F.dayMean - F.daySurprise;
  const key = state.table.key(slot);
  outcome.samples.push({
    kind: 'day',
    timeMs: (running + 1) * DAY_MS,
    agent: key,
    id: `day:${running}`,
    days: p.u32[at4 + F.days],
    max: Array.from(f32.subarray(at4 + F.dayMax, at4 + F.dayMax + count)),
    surprise: Array.from(f32.subarray(at4 + F.daySurprise, at4 + F.daySurprise + count)),
    marginal: (p.u32[at4 + F.flags] & (PAGED | ALARMED)) === PAGED,
  });
  closeDay(p);
  ageKnown(p, ENDPOINTS);
  ageKnown(p, PAIRS);
  p.u32[at4 + F.day] = day;
  p.f64[p.at8 + F.daySpend] = 0;
  p.u32[at4 + F.flags] &= ~(PAGED | ALARMED);
  takeModel(state, key);
}

/** Hands an agent's profile and sessions to the shelf and frees its slot. */
export function evict(state: EngineState, slot: number): void {
  const { table, sessions } = state;
  const rows = sessions.rowsOf(slot).reverse();
  const bytes = new Uint8Array(PROFILE_BYTES + rows.length * ROW_BYTES);
  bytes.set(table.raw(slot));
  let at = PROFILE_BYTES;
  for (const row of rows) {
    writeRow(state, row, bytes, at);
    at += ROW_BYTES;
    sessions.close(row);
  }
  const key = table.key(slot);
  state.shelved.set(key, state.shelf.append(bytes));
  if (state.shelved.size > state.settings.shelvedMax) {
    for (const oldest of state.shelved.keys()) {
      state.shelved.delete(oldest);
      break;
    }
  }
  table.remove(slot);
  state.counts.evictions++;
}

function reload(state: EngineState, slot: number, bytes: Uint8Array): void {
  state.table.raw(slot).set(bytes.subarray(0, PROFILE_BYTES));
  for (let at = PROFILE_BYTES; at < bytes.length; at += ROW_BYTES) readRow(state, slot, bytes, at);
  const p = state.observation.profile;
  if (p.u32[p.at4 + F.modelStamp] !== state.modelStamp) takeModel(state, state.table.key(slot));
}

/** Copies one session's row out. */
export function writeRow(state: EngineState, row: number, bytes: Uint8Array, at: number): void {
  const { f64, u32 } = state.sessions;
  const numbers = f64.slice(row * S.F64, (row + 1) * S.F64);
  const counts = u32.slice(row * U.U32, (row + 1) * U.U32);
  bytes.set(new Uint8Array(numbers.buffer), at);
  bytes.set(new Uint8Array(counts.buffer), at + S.F64 * 8);
}

/** Opens a session for `slot` from a copied row; returns its row. */
export function readRow(state: EngineState, slot: number, bytes: Uint8Array, at: number): number {
  const copy = bytes.slice(at, at + ROW_BYTES);
  const numbers = new Float64Array(copy.buffer, 0, S.F64);
  const counts = new Uint32Array(copy.buffer, S.F64 * 8, U.U32);
  const row = state.sessions.open(slot, counts[U.hash], numbers[S.lastMs]);
  state.sessions.f64.set(numbers, row * S.F64);
  state.sessions.u32.set(counts, row * U.U32);
  state.sessions.u32[row * U.U32 + U.agent] = slot;
  return row;
}

/** Bytes of one session in a snapshot and on the shelf. */
export const SESSION_ROW_BYTES = ROW_BYTES;

/** Ends the idle sessions of the agent that is being looked at. */
export function endIdleSessions(state: EngineState, slot: number, timeMs: number): void {
  finishIdle(state.observation, state.sessions, slot, timeMs, state.settings.sessionIdleMs);
}
