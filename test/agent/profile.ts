/** One profile in a buffer of its own, for tests that need no table. */
import { PROFILE_BYTES, Profile } from '../../src/agent/layout.js';

/** A zeroed profile, placed behind `before` others so that a field that forgets its offset is found out. */
export function createProfile(before = 1): Profile {
  const buffer = new ArrayBuffer((before + 2) * PROFILE_BYTES);
  const profile = new Profile();
  profile.f64 = new Float64Array(buffer);
  profile.f32 = new Float32Array(buffer);
  profile.u32 = new Uint32Array(buffer);
  profile.at8 = (before * PROFILE_BYTES) / 8;
  profile.at4 = (before * PROFILE_BYTES) / 4;
  return profile;
}

/** The bytes before and behind the profile: nobody may write there. */
export function strayBytes(profile: Profile): number {
  const all = new Uint8Array(profile.f64.buffer);
  const from = profile.at8 * 8;
  return all.filter((byte, at) => byte !== 0 && (at < from || at >= from + PROFILE_BYTES)).length;
}
