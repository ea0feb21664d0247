import { describe, expect, it } from 'vitest';
import { type DrillProof, isProved, slowestProofMs } from '../../src/api/drill-proof.js';

const STOP = { canary: 'canary', version: 4 };
const effect = (place: string, over: Partial<DrillProof['effects'][number]> = {}) => ({
  ...{ place, state: 'confirmed' as const, version: 4, root: null },
  ...over,
});

describe('whether a drill’s stop was carried out', () => {
  it.each<[string, boolean | null, DrillProof, string?]>([
    ['there is no place', null, { places: [], effects: [] }],
    ['every place has confirmed it', true, { places: ['a', 'b'], effects: [effect('a'), effect('b')] }],
    ['one cannot be asked', true, { places: ['a'], effects: [effect('a', { state: 'unobserved' })] }],
    ['one has not spoken', false, { places: ['a', 'b'], effects: [effect('a')] }],
    ['one has only taken it', false, { places: ['a'], effects: [effect('a', { state: 'sent' })] }],
    ['one does not do it', false, { places: ['a'], effects: [effect('a', { state: 'contradicted' })] }],
    ['it is the word of an earlier stop', false, { places: ['a'], effects: [effect('a', { version: 2 })] }],
    [
      'it is stopped with the canary',
      true,
      { places: ['a'], effects: [effect('a', { root: 'canary' })] },
      'canary/sub',
    ],
    ['it is a stop of its own', false, { places: ['a'], effects: [effect('a')] }, 'canary/sub'],
  ])('is told where %s', (_what, proved, proof, agent = 'canary') => {
    expect(isProved(STOP, agent, proof)).toBe(proved);
  });

  it('is not where nothing was stopped', () => {
    expect(isProved(null, 'canary', { places: ['a'], effects: [effect('a')] })).toBe(false);
  });

  it('takes as long as the slowest place may take', () => {
    expect(slowestProofMs([{ verifyWithinMs: 5 }, { verifyWithinMs: 30 }])).toBe(30);
    expect(slowestProofMs([])).toBe(0);
  });
});
