import { describe, expect, it } from 'vitest';
import {
  ageKnown,
  ENDPOINTS,
  findKnown,
  insertKnown,
  isAdopted,
  knownAgeMs,
  knownSessions,
  PAIRS,
  useKnown,
} from '../../src/agent/known.js';
import type { Profile } from '../../src/agent/layout.js';
import { createProfile, strayBytes } from './profile.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const T0 = Date.UTC(2025, 5, 2);
const ADOPTION = { sessions: 3, ageMs: DAY_MS };

/** Sessions that have used an entry, as their rows would remember them. */
const usedIn = new WeakMap<Profile, Set<string>>();

/** A use of the entry with hash `low`, inserted where it is new; true where it was adopted by this use. */
function use(p: Profile, low: number, session: number, timeMs: number, set = ENDPOINTS): boolean {
  const found = findKnown(p, set, low, 7);
  const slot = found === -1 ? insertKnown(p, set, low, 7, timeMs) : found;
  const uses = usedIn.get(p) ?? new Set<string>();
  usedIn.set(p, uses);
  const use = `${set.low} ${low} ${session}`;
  const isFirst = !uses.has(use);
  uses.add(use);
  return useKnown(p, set, slot, isFirst, timeMs, ADOPTION);
}

const adopted = (p: Profile, low: number, set = ENDPOINTS): boolean => isAdopted(p, set, findKnown(p, set, low, 7));

/** Adopts an entry in the three sessions that it takes. */
function adopt(p: Profile, low: number, set = ENDPOINTS): void {
  use(p, low, 1, T0, set);
  use(p, low, 2, T0 + HOUR_MS, set);
  expect(use(p, low, 3, T0 + DAY_MS, set)).toBe(true);
}

describe('known sets', () => {
  it('adopt after three sessions over a day, and say so once', () => {
    const p = createProfile();
    expect(use(p, 1, 1, T0)).toBe(false);
    expect(use(p, 1, 2, T0 + 1)).toBe(false);
    expect(adopted(p, 1)).toBe(false);
    expect(use(p, 1, 3, T0 + DAY_MS)).toBe(true);
    expect(adopted(p, 1)).toBe(true);
    expect(use(p, 1, 4, T0 + DAY_MS + 1)).toBe(false);
    expect(adopted(p, 1)).toBe(true);
  });

  it('remember the hour of first use, adopted or not, until the entry is replaced', () => {
    const p = createProfile();
    const age = (timeMs: number): number => knownAgeMs(p, ENDPOINTS, findKnown(p, ENDPOINTS, 1, 7), timeMs);
    expect(age(T0)).toBe(0);
    adopt(p, 1);
    expect(age(T0 + DAY_MS)).toBe(DAY_MS);
    use(p, 1, 4, T0 + 9 * DAY_MS);
    expect(age(T0 + 400 * DAY_MS + HOUR_MS)).toBe(400 * DAY_MS + HOUR_MS);
    expect(knownSessions(p, ENDPOINTS, findKnown(p, ENDPOINTS, 1, 7))).toBe(3);
  });

  it('do not adopt what many sessions of one day used', () => {
    const p = createProfile();
    for (let session = 1; session <= 200; session++)
      expect(use(p, 1, session, T0 + (session - 1) * 60_000)).toBe(false);
    expect(use(p, 1, 201, T0 + DAY_MS - 60_000)).toBe(false);
    expect(adopted(p, 1)).toBe(false);
    expect(use(p, 1, 202, T0 + DAY_MS)).toBe(true);
  });

  it('do not adopt what two sessions used for days, however often', () => {
    const p = createProfile();
    for (let hour = 0; hour < 60; hour++) expect(use(p, 1, hour < 30 ? 1 : 2, T0 + hour * HOUR_MS)).toBe(false);
    expect(adopted(p, 1)).toBe(false);
    expect(knownSessions(p, ENDPOINTS, findKnown(p, ENDPOINTS, 1, 7))).toBe(2);
  });

  it('take two sessions that take turns for two', () => {
    const p = createProfile();
    for (let hour = 0; hour < 60; hour++) expect(use(p, 1, hour % 2, T0 + hour * HOUR_MS)).toBe(false);
    expect(knownSessions(p, ENDPOINTS, findKnown(p, ENDPOINTS, 1, 7))).toBe(2);
    expect(use(p, 1, 3, T0 + 60 * HOUR_MS)).toBe(true);
  });

  it('count sessions up to a bound, and are adopted all the same', () => {
    const p = createProfile();
    for (let session = 0; session < 1000; session++) use(p, 1, session, T0);
    expect(knownSessions(p, ENDPOINTS, findKnown(p, ENDPOINTS, 1, 7))).toBe(255);
    expect(use(p, 1, 1000, T0 + DAY_MS)).toBe(true);
  });

  it('tell entries apart by both halves of the hash, and endpoints from pairs', () => {
    const p = createProfile();
    adopt(p, 1);
    expect(findKnown(p, ENDPOINTS, 1, 8)).toBe(-1);
    expect(findKnown(p, ENDPOINTS, 7, 1)).toBe(-1);
    expect(findKnown(p, PAIRS, 1, 7)).toBe(-1);
    expect(isAdopted(p, ENDPOINTS, -1)).toBe(false);
    expect(knownSessions(p, ENDPOINTS, -1)).toBe(0);
  });

  it.each([
    ['endpoints', ENDPOINTS],
    ['pairs', PAIRS],
  ])('%s: a full set gives up what is not adopted first, then what is least used', (_name, set) => {
    const p = createProfile();
    for (let low = 1; low < set.slots; low++) adopt(p, low, set);
    // Often used in one day, but not adopted.
    for (let session = 0; session < 100; session++) use(p, 500, session, T0 + session, set);
    use(p, 501, 1, T0, set);
    expect(findKnown(p, set, 500, 7)).toBe(-1);
    for (let low = 1; low < set.slots; low++) expect(adopted(p, low, set), `entry ${low}`).toBe(true);

    adopt(p, 501, set);
    for (let low = 2; low < set.slots; low++) use(p, low, 9, T0 + 2 * DAY_MS, set);
    use(p, 501, 9, T0 + 2 * DAY_MS, set);
    use(p, 502, 1, T0 + 2 * DAY_MS, set);
    expect(findKnown(p, set, 1, 7)).toBe(-1);
    expect(adopted(p, 501, set)).toBe(true);
    expect(strayBytes(p)).toBe(0);
  });

  it('forget what is no longer used before what is used every day', () => {
    const p = createProfile();
    for (let low = 1; low <= ENDPOINTS.slots; low++) adopt(p, low);
    for (let minute = 1; minute <= 10; minute++) use(p, 1, 9, T0 + DAY_MS + minute * 60_000);
    for (let day = 2; day < 60; day++) {
      ageKnown(p, ENDPOINTS);
      for (let low = 2; low <= ENDPOINTS.slots; low++) use(p, low, 100 + day, T0 + day * DAY_MS);
    }
    use(p, 900, 1, T0 + 60 * DAY_MS);
    expect(findKnown(p, ENDPOINTS, 1, 7)).toBe(-1);
    expect(adopted(p, 2)).toBe(true);
  });
});
