import { describe, expect, it } from 'vitest';
import { DETECTORS, F } from '../../src/agent/layout.js';
import { createCatalogue, featureNames } from '../../src/detect/catalogue.js';
import { WindowPrior } from '../../src/detect/counts.js';
import { detectorContract } from '../contract/detector.js';
import { engineOf, eventOf, MINUTE_MS, outcomeOf, recordOf, START_MS, withTicks } from '../engine/world.js';

const catalogue = createCatalogue(new WindowPrior());

for (const detector of catalogue) describe(`detector ${detector.name}`, () => detectorContract(detector));

describe('catalogue', () => {
  it('stands in the order of every per-detector array', () => {
    expect(catalogue.map(({ name }) => name)).toEqual(DETECTORS.slice(0, catalogue.length));
  });

  it('has a name for whatever a finding may point at', () => {
    const names = featureNames(catalogue);
    for (const name of DETECTORS.slice(0, -1)) expect(names.get(name)?.length, name).toBeGreaterThan(0);
  });

  it('raises nothing about a metronome, from its first minute on', () => {
    const beat = Array.from({ length: 8 * 1440 }, (_, at) => {
      const timeMs = START_MS + at * MINUTE_MS + 777;
      const what = { session: `hour-${Math.floor(at / 60)}`, target: 'queue/main', bytesOut: 64, costUsd: 0.002 };
      return recordOf(eventOf({ ...what, timeMs }));
    });
    const engine = engineOf();
    const { findings } = outcomeOf(engine, withTicks(beat));
    expect(findings.filter(({ severity }) => severity !== 'low')).toEqual([]);
    expect(findings.length).toBeLessThan(3);
    const p = engine.inside.observation.profile;
    expect(p.u32[p.at4 + F.days]).toBe(7);
  });
});
