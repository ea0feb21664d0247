import { describe, expect, it } from 'vitest';
import {
  DETECTOR_COUNT,
  DETECTORS,
  ENDPOINT_STEP,
  F,
  LAYOUT,
  PAIR_STEP,
  PROFILE_BYTES,
  STREAMS,
  WINDOW_COUNT,
  WINDOW_MS,
  WINDOW_STEP_4,
  WINDOW_STEP_8,
} from '../../src/agent/layout.js';
import { createProfile, strayBytes } from './profile.js';

const widthOf = (view: string): number => (view === 'f64' ? 8 : 4);

describe('layout of a profile', () => {
  it('gives every byte to one field at most', () => {
    const owner = new Map<number, string>();
    for (const { name, view, count, byte, step } of LAYOUT) {
      for (let value = byte; value < byte + count * step; value += step) {
        for (let at = value; at < value + widthOf(view); at++) {
          expect(owner.get(at), `byte ${at} of ${name}`).toBeUndefined();
          owner.set(at, name);
        }
      }
    }
    expect(Math.max(...owner.keys())).toBeLessThan(PROFILE_BYTES);
  });

  it('aligns every field to its view, and profiles in a page to the widest', () => {
    for (const { name, view, byte } of LAYOUT) expect(byte % widthOf(view), name).toBe(0);
    expect(PROFILE_BYTES % 8).toBe(0);
  });

  it('names the index of each field in units of its own view', () => {
    const declared = Object.fromEntries(LAYOUT.map(({ name, view, byte }) => [name, byte / widthOf(view)]));
    expect(declared).toEqual(F);
  });

  it('names the steps of fields that stand in rows', () => {
    const stepOf = (name: string): number | undefined => LAYOUT.find((field) => field.name === name)?.step;
    for (const name of ['windowMean', 'windowSquare']) expect(stepOf(name), name).toBe(8 * WINDOW_STEP_8);
    for (const name of ['windowCurrent', 'windowPrevious', 'windowQuiet', 'windowWeight', 'windowIndex']) {
      expect(stepOf(name), name).toBe(4 * WINDOW_STEP_4);
    }
    const known = ['High', 'Minute', 'State'];
    for (const name of known) expect(stepOf(`endpoint${name}`), name).toBe(4 * ENDPOINT_STEP);
    for (const name of known) expect(stepOf(`pair${name}`), name).toBe(4 * PAIR_STEP);
    expect(stepOf('endpointNewTarget')).toBe(4 * ENDPOINT_STEP);
    for (const name of ['endpointLow', 'endpointCount', 'pairLow', 'pairCount']) expect(stepOf(name), name).toBe(4);
  });

  it('has what every event reads in its first lines, before the sets of what is known', () => {
    const scalars = [
      'lastMs',
      'creepLevel',
      'day',
      'flags',
      'modelStamp',
      'role',
      'versionMinute',
      'paceUp',
      'rampCount',
    ];
    const arrays = ['sourceHash', 'dayMax', 'interest', 'windowCurrent', 'windowIndex', 'windowMean', 'windowSquare'];
    for (const name of [...scalars, ...arrays]) {
      const field = LAYOUT.find((one) => one.name === name);
      expect(field?.byte, name).toBeLessThan(4 * F.endpointLow);
    }
    expect(4 * F.endpointLow).toBeLessThanOrEqual(13 * 64);
  });

  it('is not changed by being warmed', () => {
    const profile = createProfile();
    for (let i = 0; i < profile.u32.length; i++) profile.u32[i] = i;
    const before = profile.u32.slice();
    expect([0, 1]).toContain(profile.warm());
    expect(profile.u32).toEqual(before);
  });

  it('says what every field means', () => {
    for (const { name, meaning } of LAYOUT) expect(meaning.length, name).toBeGreaterThan(5);
    expect(new Set(LAYOUT.map(({ name }) => name)).size).toBe(LAYOUT.length);
  });

  it('fits 4096 bytes', () => {
    expect(PROFILE_BYTES).toBeLessThanOrEqual(4096);
  });

  it('is cleared without a byte beside it', () => {
    const profile = createProfile();
    profile.u32.fill(0xffffffff);
    profile.clear();
    expect(strayBytes(profile)).toBe(2 * PROFILE_BYTES);
    expect(profile.u32.slice(profile.at4, profile.at4 + PROFILE_BYTES / 4).every((word) => word === 0)).toBe(true);
  });

  it('has a place for each detector and window', () => {
    const countOf = (wanted: string): number | undefined => LAYOUT.find(({ name }) => name === wanted)?.count;
    for (const name of ['dayMax', 'dayMean', 'dayVar', 'mu', 'beta']) {
      expect(countOf(name), name).toBe(DETECTOR_COUNT);
    }
    for (const name of [
      'windowMean',
      'windowSquare',
      'windowCurrent',
      'windowPrevious',
      'windowQuiet',
      'windowWeight',
      'windowIndex',
    ]) {
      expect(countOf(name), name).toBe(WINDOW_COUNT);
    }
    expect(WINDOW_MS).toEqual(Object.values(STREAMS).flat());
    expect(new Set(DETECTORS).size).toBe(DETECTOR_COUNT);
  });
});
