import { describe, expect, it } from 'vitest';
import { CREDENTIALS, ENVIRONMENTS, findOrigin, SOURCES, useOrigin } from '../../src/agent/origins.js';
import { createProfile } from './profile.js';

describe('sets of origins', () => {
  it('hold what was used last, and replace what was used longest ago', () => {
    for (const set of [SOURCES, ENVIRONMENTS, CREDENTIALS]) {
      const p = createProfile();
      for (let at = 1; at <= set.slots; at++) useOrigin(p, set, 100 + at, at);
      useOrigin(p, set, 101, 50);
      useOrigin(p, set, 999, 51);
      expect(findOrigin(p, set, 101)).not.toBe(-1);
      expect(findOrigin(p, set, 999)).not.toBe(-1);
      expect(findOrigin(p, set, 102)).toBe(-1);
      for (let at = 3; at <= set.slots; at++) expect(findOrigin(p, set, 100 + at)).not.toBe(-1);
    }
  });

  it('never hold nothing', () => {
    expect(findOrigin(createProfile(), SOURCES, 0)).toBe(-1);
  });
});
