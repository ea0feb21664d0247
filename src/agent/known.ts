/**
 * What an agent is known to use: a small set of endpoints and one of (endpoint, target) pairs in its profile.
 * Something new is adopted only after several sessions spread over a day, so that a repeated attack does not
 * become normal by repeating. A full set replaces its least used entry, not yet adopted ones first.
 */
import { ENDPOINT_SLOTS, ENDPOINT_STEP, F, PAIR_SLOTS, PAIR_STEP, type Profile } from './layout.js';

const ADOPTED = 0x80000000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Where the hour of first use stands in an entry's state: 23 bits, nine hundred years. */
const BORN_SHIFT = 8;
const BORN_MASK = 0x7fffff;
/** Sessions are counted up to here. */
const SESSIONS_MAX = 255;

/** Where one of the two sets lies in a profile: its slots, and the fields of each slot. */
export interface KnownSet {
  readonly slots: number;
  /** What is looked through: low halves of the hashes, and decayed uses; one after the other. */
  readonly low: number;
  readonly count: number;
  /** What is read of the slot that was found, and from one slot to the next. */
  readonly high: number;
  readonly minute: number;
  readonly state: number;
  readonly step: number;
}

/** The set of endpoints. */
export const ENDPOINTS: KnownSet = {
  slots: ENDPOINT_SLOTS,
  low: F.endpointLow,
  step: ENDPOINT_STEP,
  high: F.endpointHigh,
  minute: F.endpointMinute,
  state: F.endpointState,
  count: F.endpointCount,
};
/** The set of (endpoint, target) pairs. */
export const PAIRS: KnownSet = {
  slots: PAIR_SLOTS,
  low: F.pairLow,
  step: PAIR_STEP,
  high: F.pairHigh,
  minute: F.pairMinute,
  state: F.pairState,
  count: F.pairCount,
};

/** Slot of a hash, or -1. Linear: few cache lines hold the low halves, and replacement needs no tombstones. */
export function findKnown(p: Profile, set: KnownSet, low: number, high: number): number {
  const { u32, at4 } = p;
  const base = at4 + set.low;
  for (let i = 0; i < set.slots; i++) {
    if (u32[base + i] === low && u32[at4 + set.high + set.step * i] === high) return i;
  }
  return -1;
}

/** Whether nothing stands in a slot. */
export function isFree(p: Profile, set: KnownSet, slot: number): boolean {
  return p.u32[p.at4 + set.low + slot] === 0 && p.u32[p.at4 + set.high + set.step * slot] === 0;
}

/** Whether the entry in a slot has been adopted; false for slot -1. */
export function isAdopted(p: Profile, set: KnownSet, slot: number): boolean {
  return slot >= 0 && (p.u32[p.at4 + set.state + set.step * slot] & ADOPTED) !== 0;
}

/** Sessions in which an entry was used, up to 255; 0 for slot -1. */
export function knownSessions(p: Profile, set: KnownSet, slot: number): number {
  return slot < 0 ? 0 : p.u32[p.at4 + set.state + set.step * slot] & SESSIONS_MAX;
}

/** Time since an entry was first used, adopted or not, ms, to the hour; 0 for slot -1. */
export function knownAgeMs(p: Profile, set: KnownSet, slot: number, timeMs: number): number {
  if (slot < 0) return 0;
  return (
    (Math.floor(timeMs / HOUR_MS) - ((p.u32[p.at4 + set.state + set.step * slot] >>> BORN_SHIFT) & BORN_MASK)) * HOUR_MS
  );
}

/** Places a hash, replacing the least used entry where the set is full. */
export function insertKnown(p: Profile, set: KnownSet, low: number, high: number, timeMs: number): number {
  let victim = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < set.slots; i++) {
    const count = p.f32[p.at4 + set.count + i];
    // No rank is below its count: most slots need no second look.
    if (count >= least) continue;
    const rank = count + ((p.u32[p.at4 + set.state + set.step * i] & ADOPTED) !== 0 ? 1e6 : 0);
    if (rank < least) {
      least = rank;
      victim = i;
      if (count === 0) break;
    }
  }
  p.u32[p.at4 + set.low + victim] = low;
  p.u32[p.at4 + set.high + set.step * victim] = high;
  p.u32[p.at4 + set.minute + set.step * victim] = Math.floor(timeMs / MINUTE_MS);
  p.u32[p.at4 + set.state + set.step * victim] = ((Math.floor(timeMs / HOUR_MS) & BORN_MASK) << BORN_SHIFT) >>> 0;
  p.f32[p.at4 + set.count + victim] = 0;
  return victim;
}

/** When an entry is adopted: after so many sessions, the first of them at least so long ago. */
export interface Adoption {
  readonly sessions: number;
  readonly ageMs: number;
}

/** One session less, and never none. */
export function eased({ sessions, ageMs }: Adoption): Adoption {
  return { sessions: Math.max(1, sessions - 1), ageMs };
}

/**
 * Notes one use. `isFirst`: the first use in its session; only those count, however the calls of sessions interleave.
 * Returns true where this use adopts the entry.
 */
export function useKnown(
  p: Profile,
  set: KnownSet,
  slot: number,
  isFirst: boolean,
  timeMs: number,
  adoption: Adoption,
): boolean {
  const at = p.at4 + set.state + set.step * slot;
  const state = p.u32[at];
  const minute = Math.floor(timeMs / MINUTE_MS);
  if ((state & ADOPTED) !== 0) {
    if (p.u32[p.at4 + set.minute + set.step * slot] !== minute) p.f32[p.at4 + set.count + slot] += 1;
    p.u32[p.at4 + set.minute + set.step * slot] = minute;
    return false;
  }
  const sessions = Math.min(SESSIONS_MAX, (state & SESSIONS_MAX) + (isFirst ? 1 : 0));
  if (isFirst) p.f32[p.at4 + set.count + slot] += 1;
  const ageMs = (minute - p.u32[p.at4 + set.minute + set.step * slot]) * MINUTE_MS;
  const adopts = sessions >= adoption.sessions && ageMs >= adoption.ageMs;
  p.u32[at] = ((adopts ? ADOPTED : 0) | (state & (BORN_MASK << BORN_SHIFT)) | sessions) >>> 0;
  if (adopts) p.u32[p.at4 + set.minute + set.step * slot] = minute;
  return adopts;
}

/** Ages all counts by one day: half-life 14 days. */
const DAY_KEEP = Math.exp(-Math.LN2 / 14);

/** Ages the counts of a set by one day. */
export function ageKnown(p: Profile, set: KnownSet): void {
  for (let i = 0; i < set.slots; i++) p.f32[p.at4 + set.count + i] *= DAY_KEEP;
}

/** Adopts an entry because a person vouches for it, placing it where it is not there; returns its slot. */
export function adoptKnown(p: Profile, set: KnownSet, low: number, high: number, timeMs: number): number {
  const found = findKnown(p, set, low, high);
  const slot = found === -1 ? insertKnown(p, set, low, high, timeMs) : found;
  if (isAdopted(p, set, slot)) return slot;
  p.u32[p.at4 + set.state + set.step * slot] = (ADOPTED | knownSessions(p, set, slot)) >>> 0;
  p.u32[p.at4 + set.minute + set.step * slot] = Math.floor(timeMs / MINUTE_MS);
  // An entry without a use would be the first to make room.
  if (p.f32[p.at4 + set.count + slot] < 1) p.f32[p.at4 + set.count + slot] = 1;
  return slot;
}

/** Empties the slots of entries that are not adopted and were first seen in the minute of `sinceMs` or later. */
export function forgetNovel(p: Profile, set: KnownSet, sinceMs: number): void {
  const minute = Math.floor(sinceMs / MINUTE_MS);
  for (let i = 0; i < set.slots; i++) {
    if (!isAdopted(p, set, i) && p.u32[p.at4 + set.minute + set.step * i] >= minute) clearKnown(p, set, i);
  }
}

/** Empties a slot. */
export function clearKnown(p: Profile, set: KnownSet, slot: number): void {
  p.u32[p.at4 + set.low + slot] = 0;
  p.u32[p.at4 + set.high + set.step * slot] = 0;
  p.u32[p.at4 + set.minute + set.step * slot] = 0;
  p.u32[p.at4 + set.state + set.step * slot] = 0;
  p.f32[p.at4 + set.count + slot] = 0;
}
