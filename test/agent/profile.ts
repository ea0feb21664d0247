/** One profile in a buffer of its own, for tests that need no table. */
import { PROFILE_BYTES, Profile } from '../../src/agent/layout.js';

/** A zeroed profile, placed behind `before` others so that a field that forgets its offset is found out. */
export function createProfile(before = 1): Profile {
  const profile = new Profile();
  profile.aim(new ArrayBuffer((before + 2) * PROFILE_BYTES), before * PROFILE_BYTES);
  return profile;
}

/** The bytes before and behind the profile: nobody may write there. */
export function strayBytes(profile: Profile): number {
  const all = new Uint8Array(profile.f64.buffer);
  const from = profile.at8 * 8;
  return all.filter((byte, at) => byte !== 0 && (at < from || at >= from + PROFILE_BYTES)).length;
}
