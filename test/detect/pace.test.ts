import { describe, expect, it } from 'vitest';
import { DETECTORS, STREAMS } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { createRandom } from '../../src/math/random.js';
import { eventOf, SECOND_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const RATE = DETECTORS.indexOf('rate');
const GAP_MS = 2 * SECOND_MS;

/** Scores of `calls` Poisson calls, and the features behind them. */
function play(stage: Stage, fromMs: number, calls: number, gapMs: number, seed: string) {
  const random = createRandom(seed);
  let timeMs = fromMs;
  const scores: number[] = [];
  const features: number[] = [];
  for (let call = 0; call < calls; call++) {
    timeMs += gapMs * random.exponential();
    stage.play(eventOf({ timeMs: Math.floor(timeMs) }));
    scores.push(stage.readings.score[RATE]);
    features.push(stage.readings.feature[RATE]);
  }
  return { scores, features, timeMs };
}

describe('rate', () => {
  it('sees a doubled pace within five minutes, after a quarter of an hour', () => {
    const stage = new Stage(createCatalogue);
    const { timeMs } = play(stage, START_MS, 500, GAP_MS, 'before');
    const { scores, features } = play(stage, timeMs, 300, GAP_MS / 2, 'burst');
    expect(Math.max(...scores.slice(0, 5))).toBeLessThan(10);
    expect(Math.max(...scores)).toBeGreaterThan(14);
    expect(features).toContain(STREAMS.events.length);
  });

  it('forgets the pace when it falls again', () => {
    const stage = new Stage(createCatalogue);
    const before = play(stage, START_MS, 500, GAP_MS, 'before');
    const burst = play(stage, before.timeMs, 120, GAP_MS / 2, 'burst');
    const { scores } = play(stage, burst.timeMs, 600, GAP_MS, 'after');
    expect(Math.max(...scores.slice(-200))).toBeLessThan(10);
  });

  it('counts the cold-start law ever less as the agent calls', () => {
    const stage = new Stage(createCatalogue);
    play(stage, START_MS, 500, GAP_MS, 'before');
    const { scores } = play(stage, START_MS + 600 * GAP_MS, 20, GAP_MS, 'on');
    expect(Math.max(...scores)).toBeLessThan(8);
  });
});
