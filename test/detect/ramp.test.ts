import { describe, expect, it } from 'vitest';
import { DETECTORS, F } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { ANCHOR_MOVED_FEATURE, anchorCalls, confirmLevel, isClockwork } from '../../src/detect/ramp.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const RAMP = DETECTORS.indexOf('ramp');
const random = createRandom('ramp');

/** Poisson calls at a pace per minute; the largest score since `judgedMs`. */
function play(stage: Stage, fromMs: number, toMs: number, perMinute: (timeMs: number) => number, judgedMs = fromMs) {
  let most = 0;
  for (let timeMs = fromMs; timeMs < toMs; timeMs += (MINUTE_MS / perMinute(timeMs)) * random.exponential()) {
    stage.play(eventOf({ timeMs: Math.floor(timeMs) }));
    if (timeMs >= judgedMs) most = Math.max(most, stage.readings.score[RAMP]);
  }
  return most;
}

const aimed = (stage: Stage) => stage.observation.profile;

describe('ramp', () => {
  it('is a Gumbel variable of scale 1 on the days of a steady agent, as its null law says', () => {
    const stage = new Stage(createCatalogue);
    const steady = () => 3;
    play(stage, START_MS, START_MS + 4 * DAY_MS, steady);
    const days = Array.from({ length: 12 }, (_, day) =>
      play(stage, START_MS + (4 + day) * DAY_MS, START_MS + (5 + day) * DAY_MS, steady),
    );
    // ln(2 slack^2 1440) is the location; an anchor that errs and a slack that allows for it lie around it.
    const mean = days.reduce((sum, score) => sum + score, 0) / days.length;
    expect(mean).toBeGreaterThan(4);
    expect(mean).toBeLessThan(10);
  });

  it('climbs with a slow ramp, while the anchor stays', () => {
    const stage = new Stage(createCatalogue);
    const fromMs = START_MS + 10 * HOUR_MS;
    play(stage, START_MS, fromMs, () => 10);
    const before = anchorCalls(aimed(stage));
    const growing = (timeMs: number) => 10 * Math.exp(((timeMs - fromMs) / MINUTE_MS) * Math.log(1.01));
    expect(play(stage, fromMs, fromMs + 70 * MINUTE_MS, growing)).toBeGreaterThan(20);
    expect(anchorCalls(aimed(stage)) / before).toBeLessThan(1.1);
    expect(stage.readings.observed[RAMP]).toBeGreaterThanOrEqual(0);
  });

  it('says nothing in the first hours, nor of an agent that is mostly idle', () => {
    const young = new Stage(createCatalogue);
    expect(play(young, START_MS, START_MS + 4 * HOUR_MS, (timeMs) => 2 + (timeMs - START_MS) / HOUR_MS)).toBe(0);
    const idle = new Stage(createCatalogue);
    expect(play(idle, START_MS, START_MS + 4 * DAY_MS, (timeMs) => (timeMs % DAY_MS < HOUR_MS ? 2 : 0.02))).toBe(0);
  });

  it('tells an agent that keeps time from one that calls by chance, after some hours', () => {
    const regular = new Stage(createCatalogue);
    const call = (hours: number, from = 0): void => {
      for (let at = from * 1800; at < hours * 1800; at++) {
        regular.play(eventOf({ timeMs: START_MS + Math.floor(2000 * (at + 0.4 * random.next())) }));
      }
    };
    call(2);
    expect(isClockwork(aimed(regular))).toBe(false);
    call(8, 2);
    expect(isClockwork(aimed(regular))).toBe(true);
    const chance = new Stage(createCatalogue);
    play(chance, START_MS, START_MS + 8 * HOUR_MS, () => 30);
    expect(isClockwork(aimed(chance))).toBe(false);
  });

  it('expects of each hour of the day what it was, once that predicts better', () => {
    const stage = new Stage(createCatalogue);
    const byDay = (timeMs: number) => (timeMs % DAY_MS < 12 * HOUR_MS ? 2 : 20);
    play(stage, START_MS, START_MS + 9 * DAY_MS, byDay);
    const p = aimed(stage);
    expect(p.f32[p.at4 + F.rampHourVar]).toBeLessThan(0.7 * p.f32[p.at4 + F.rampFlatVar]);
    const expectedAt = (timeMs: number) => {
      play(stage, timeMs, timeMs + 10 * MINUTE_MS, byDay);
      for (let at = timeMs + 10 * MINUTE_MS; ; at += 100) {
        stage.play(eventOf({ timeMs: Math.floor(at) }));
        if (stage.readings.expected[RAMP] > 0) return stage.readings.expected[RAMP];
      }
    };
    const night = expectedAt(START_MS + 9 * DAY_MS + 6 * HOUR_MS);
    expect(expectedAt(START_MS + 9 * DAY_MS + 18 * HOUR_MS)).toBeGreaterThan(3 * night);
  });

  it('says so when the anchor itself was led to twice what was confirmed, until a person confirms it', () => {
    const stage = new Stage(createCatalogue);
    const steady = () => 1;
    play(stage, START_MS, START_MS + 9 * DAY_MS, steady);
    const p = aimed(stage);
    p.f32[p.at4 + F.rampLevel] = 2 * Math.sqrt(2.5 * anchorCalls(p) + 0.4);
    const most = play(stage, START_MS + 9 * DAY_MS, START_MS + 9 * DAY_MS + 20 * MINUTE_MS, () => 2);
    expect(most).toBeGreaterThan(100);
    expect(ANCHOR_MOVED_FEATURE).toBe(1);
    confirmLevel(p);
    expect(play(stage, START_MS + 9 * DAY_MS + HOUR_MS, START_MS + 9 * DAY_MS + 2 * HOUR_MS, () => 2)).toBeLessThan(20);
  });

  it('says so whatever was confirmed: the anchor stops at its end, and the end is where it stops', () => {
    for (let confirmed = 3; confirmed < 3.4; confirmed += 0.05) {
      const stage = new Stage(createCatalogue);
      const fromMs = START_MS + 8 * DAY_MS;
      play(stage, START_MS, fromMs, () => 2);
      const p = aimed(stage);
      p.f32[p.at4 + F.rampConfirmed] = confirmed;
      const calls = 0.25 * confirmed * confirmed - 0.375;
      p.f32[p.at4 + F.rampLevel] = 2 * Math.sqrt(2.02 * calls + 0.375);
      // One minute in seventeen is learned: by then the anchor was put back to its end, once.
      const judgedMs = fromMs + 18 * MINUTE_MS;
      const most = play(stage, fromMs, judgedMs + 4 * MINUTE_MS, () => 2.1 * calls, judgedMs);
      expect(most, `${confirmed}`).toBe(500);
    }
  });
});
