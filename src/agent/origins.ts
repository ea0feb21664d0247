/**
 * Where an agent is called from and with what: the last few sources, environments and credentials of a profile, each
 * with the minute of its last use, a credential also with the task it last served. Small sets: an agent has one or two
 * of each, or a new one every time, and who has a new one every time says nothing by having another.
 */
import { CREDENTIAL_SLOTS, ENVIRONMENT_SLOTS, F, type Profile, SOURCE_SLOTS } from './layout.js';

/** Where one of the sets lies in a profile. */
export interface OriginSet {
  readonly slots: number;
  readonly hash: number;
  /** Last use, minutes since the epoch. */
  readonly minute: number;
}

/** Where it was called from. */
export const SOURCES: OriginSet = { slots: SOURCE_SLOTS, hash: F.sourceHash, minute: F.sourceMinute };
/** What it worked in. */
export const ENVIRONMENTS: OriginSet = {
  slots: ENVIRONMENT_SLOTS,
  hash: F.environmentHash,
  minute: F.environmentMinute,
};
/** What it showed. */
export const CREDENTIALS: OriginSet = { slots: CREDENTIAL_SLOTS, hash: F.credentialHash, minute: F.credentialMinute };

/** Slot of a hash, or -1; 0 stands for nothing and is never found. */
export function findOrigin(p: Profile, set: OriginSet, hash: number): number {
  if (hash === 0) return -1;
  const base = p.at4 + set.hash;
  for (let i = 0; i < set.slots; i++) if (p.u32[base + i] === hash) return i;
  return -1;
}

/** Notes a use at `minute`; what is not in the set replaces what was used longest ago. Returns its slot. */
export function useOrigin(p: Profile, set: OriginSet, hash: number, minute: number): number {
  let slot = findOrigin(p, set, hash);
  if (slot === -1) {
    slot = 0;
    for (let i = 1; i < set.slots; i++) {
      if (p.u32[p.at4 + set.minute + i] < p.u32[p.at4 + set.minute + slot]) slot = i;
    }
    p.u32[p.at4 + set.hash + slot] = hash;
  }
  p.u32[p.at4 + set.minute + slot] = minute;
  return slot;
}
