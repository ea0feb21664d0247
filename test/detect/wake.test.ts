import { describe, expect, it } from 'vitest';
import { DETECTORS, F } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { END_MS, seasoned } from './seasoned.js';
import { Stage } from './stage.js';

const WAKE = DETECTORS.indexOf('wake');
const LAST_MS = END_MS;

/** An agent that called until LAST_MS and then slept. */
function asleep(): Stage {
  const stage = seasoned();
  stage.play(eventOf({ timeMs: LAST_MS }));
  return stage;
}

function call(stage: Stage, timeMs: number): { score: number; observed: number; expected: number } {
  const { score, observed, expected } = stage.play(eventOf({ timeMs, session: `wake-${timeMs}` }));
  return { score: score[WAKE], observed: observed[WAKE], expected: expected[WAKE] };
}

/** Calls every half hour over so many days. */
function work(stage: Stage, fromMs: number, days: number): number {
  const endMs = fromMs + days * DAY_MS;
  for (let timeMs = fromMs; timeMs <= endMs; timeMs += 30 * MINUTE_MS) call(stage, timeMs);
  return endMs;
}

describe('wake', () => {
  it('says nothing of a silence shorter than a week', () => {
    for (const days of [0.01, 1, 3, 6.9]) expect(call(asleep(), LAST_MS + days * DAY_MS).score).toBe(0);
  });

  it('tells the first call after weeks, and that alone', () => {
    const stage = asleep();
    const first = call(stage, LAST_MS + 14 * DAY_MS);
    expect(first.score).toBeGreaterThan(5);
    expect(first.observed).toBeCloseTo(14 * 24, 6);
    expect(first.expected).toBeLessThan(1);
    for (const later of [1000, MINUTE_MS, HOUR_MS]) expect(call(stage, LAST_MS + 14 * DAY_MS + later).score).toBe(0);
  });

  it('finds a longer sleep stranger, by steps: twice as long is not another world', () => {
    const scores = [8, 16, 32, 64, 128, 365, 4000].map((days) => call(asleep(), LAST_MS + days * DAY_MS).score);
    for (let at = 1; at < scores.length; at++) {
      expect(scores[at]).toBeGreaterThan(scores[at - 1]);
      // Twice the logarithm of how much longer it is, at most.
      expect(scores[at] - scores[at - 1]).toBeLessThan(2 * Math.log(12));
    }
  });

  it('knows an agent that has slept as long before', () => {
    const stage = asleep();
    const wokeMs = LAST_MS + 10 * DAY_MS;
    expect(call(stage, wokeMs).score).toBeGreaterThan(0);
    const againMs = work(stage, wokeMs, 5);
    expect(call(stage, againMs + 12 * DAY_MS).score).toBe(0);
    // Much longer than ever is another matter.
    const onceMoreMs = work(stage, againMs + 12 * DAY_MS, 5);
    expect(call(stage, onceMoreMs + 40 * DAY_MS).score).toBeGreaterThan(0);
  });

  it('forgets a sleep over months', () => {
    const stage = asleep();
    call(stage, LAST_MS + 10 * DAY_MS);
    const p = stage.observation.profile;
    const longest = p.f32[p.at4 + F.gapMax];
    expect(longest).toBeCloseTo(240, 0);
    const endMs = work(stage, LAST_MS + 10 * DAY_MS, 90);
    expect(p.f32[p.at4 + F.gapMax]).toBeCloseTo(longest / 2, 0);
    expect(call(stage, endMs + 11 * DAY_MS).score).toBeGreaterThan(0);
  });

  it('says nothing of an agent whose own pace allows it, nor of one that nobody knows', () => {
    const sparse = new Stage(createCatalogue);
    for (let day = 0; day < 60; day += 3) call(sparse, START_MS + day * DAY_MS);
    expect(call(sparse, START_MS + 66 * DAY_MS).score).toBe(0);
    const stranger = new Stage(createCatalogue);
    call(stranger, START_MS);
    expect(call(stranger, START_MS + 30 * DAY_MS).score).toBe(0);
  });
});
