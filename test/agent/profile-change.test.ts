import { describe, expect, it } from 'vitest';
import { adoptKnown, ENDPOINTS, findKnown, insertKnown, isAdopted, useKnown } from '../../src/agent/known.js';
import { ENDPOINT_STEP, F, PROFILE_BYTES, Profile } from '../../src/agent/layout.js';
import { changeSince, copyWords, putBack } from '../../src/agent/profile-change.js';
import { DAY_MS, START_MS } from '../engine/world.js';

function profile(): Profile {
  const p = new Profile();
  p.aim(new ArrayBuffer(2 * PROFILE_BYTES), PROFILE_BYTES);
  return p;
}

/** Fills the set of endpoints: hashes 1, 2, 3 ..., the first of them used least. */
function fill(p: Profile): void {
  for (let at = 0; at < ENDPOINTS.slots; at++) {
    const slot = insertKnown(p, ENDPOINTS, at + 1, 9, START_MS);
    p.f32[p.at4 + F.endpointCount + slot] = at + 1;
  }
}

describe('a change of a profile', () => {
  it('is what differs, whole elements, and nothing else', () => {
    const p = profile();
    p.f64[p.at8 + F.sessionLnMean] = 1;
    const before = copyWords(p);
    p.f64[p.at8 + F.sessionLnMean] = 1.5;
    p.f32[p.at4 + F.driftUp] = 3;
    const change = changeSince(before, p);
    expect(change).toHaveLength(3 * 3);
    p.f64[p.at8 + F.spendLnMean] = 7;
    putBack(change, p, []);
    expect(p.f64[p.at8 + F.sessionLnMean]).toBe(1);
    expect(p.f32[p.at4 + F.driftUp]).toBe(0);
    expect(p.f64[p.at8 + F.spendLnMean]).toBe(7);
  });

  it('brings back whom an adopted entry had displaced', () => {
    const p = profile();
    fill(p);
    const before = copyWords(p);
    adoptKnown(p, ENDPOINTS, 777, 9, START_MS + DAY_MS);
    const change = changeSince(before, p);
    expect(findKnown(p, ENDPOINTS, 1, 9)).toBe(-1);
    // It goes on learning in its slot, which is not its own.
    useKnown(p, ENDPOINTS, findKnown(p, ENDPOINTS, 777, 9), true, START_MS + 2 * DAY_MS, { sessions: 3, ageMs: 0 });
    putBack(change, p, []);
    expect(copyWords(p)).toEqual(before);
  });

  it('leaves a slot alone that went to something else since', () => {
    const p = profile();
    fill(p);
    const before = copyWords(p);
    const slot = adoptKnown(p, ENDPOINTS, 777, 9, START_MS);
    const change = changeSince(before, p);
    p.u32[p.at4 + F.endpointLow + slot] = 888;
    putBack(change, p, []);
    expect(findKnown(p, ENDPOINTS, 888, 9)).toBe(slot);
    expect(isAdopted(p, ENDPOINTS, slot)).toBe(true);
  });

  it('does not leave an entry twice that has found its way back meanwhile', () => {
    const p = profile();
    fill(p);
    const before = copyWords(p);
    const slot = adoptKnown(p, ENDPOINTS, 777, 9, START_MS);
    const change = changeSince(before, p);
    const back = insertKnown(p, ENDPOINTS, 1, 9, START_MS + DAY_MS);
    expect(back).not.toBe(slot);
    putBack(change, p, []);
    expect(findKnown(p, ENDPOINTS, 1, 9)).toBe(back);
    expect([p.u32[p.at4 + F.endpointLow + slot], p.u32[p.at4 + F.endpointState + ENDPOINT_STEP * slot]]).toEqual([
      0, 0,
    ]);
  });

  it('under a later one hands its words on to it', () => {
    const p = profile();
    const at = p.at8 + F.anchorLnMean;
    const set = (value: number) => {
      const before = copyWords(p);
      p.f64[at] = value;
      return changeSince(before, p);
    };
    p.f64[at] = 1;
    const [first, second, third] = [set(2), set(3), set(4)];
    putBack(first, p, [second, third]);
    expect(p.f64[at]).toBe(4);
    putBack(third, p, []);
    expect(p.f64[at]).toBe(3);
    putBack(second, p, []);
    expect(p.f64[at]).toBe(1);
  });
});
