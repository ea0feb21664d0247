import { describe, expect, it } from 'vitest';
import { DETECTORS } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { recurrence } from '../../src/detect/recurrence.js';
import type { AgentEvent } from '../../src/event/event.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { END_MS, seasoned } from './seasoned.js';
import { Stage } from './stage.js';

const RECURRENCE = DETECTORS.indexOf('recurrence');
const LEAK: Partial<AgentEvent> = { endpoint: 'tool-1', target: 'mail/elsewhere' };
const MODEL: Partial<AgentEvent> = { operation: 'chat', endpoint: 'model-2', target: null };

/** The call in a session of its own, `afterMs` after the history. */
function play(stage: Stage, what: Partial<AgentEvent>, afterMs: number): number {
  const timeMs = END_MS + afterMs;
  return stage.play(eventOf({ ...what, timeMs, session: `again-${afterMs}` })).score[RECURRENCE];
}

const every = (stepMs: number, count: number): number[] => Array.from({ length: count }, (_, at) => at * stepMs);
const scores = (what: Partial<AgentEvent>, times: readonly number[]): number[] => {
  const stage = seasoned();
  return times.map((afterMs) => play(stage, what, afterMs));
};

describe('recurrence', () => {
  it('says nothing of a new target once or twice, and more with every session that has it again', () => {
    const [first, second, ...again] = scores(LEAK, every(10 * MINUTE_MS, 8));
    expect([first, second]).toEqual([0, 0]);
    expect(again[0]).toBeGreaterThan(0);
    for (let at = 1; at < again.length; at++) expect(again[at]).toBeGreaterThan(again[at - 1]);
  });

  it('counts sessions, not calls', () => {
    const stage = seasoned();
    play(stage, LEAK, 0);
    for (let call = 1; call < 50; call++) {
      const event = eventOf({ ...LEAK, session: 'again-0', timeMs: END_MS + call * 1000 });
      expect(stage.play(event).score[RECURRENCE]).toBe(0);
    }
    const times = [0, HOUR_MS, 2 * HOUR_MS];
    const [, ...after] = times.map((afterMs) => (afterMs === 0 ? 0 : play(stage, LEAK, afterMs)));
    expect(after).toEqual(scores(LEAK, times).slice(1));
  });

  it('finds the same sessions milder the longer they are apart', () => {
    const last = [10 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS].map(
      (stepMs) => scores(LEAK, every(stepMs, 4)).at(-1) as number,
    );
    expect(last[0]).toBeGreaterThan(last[1]);
    expect(last[1]).toBeGreaterThan(last[2]);
    expect(last[2]).toBeGreaterThanOrEqual(0);
  });

  it('says nothing of what is adopted: three sessions over a day', () => {
    const list = scores(LEAK, [0, 12 * HOUR_MS, 25 * HOUR_MS, 26 * HOUR_MS, 27 * HOUR_MS]);
    expect(list[2]).toBeGreaterThan(0);
    expect(list.slice(3)).toEqual([0, 0]);
  });

  it('says nothing in the first days of an agent, whose own tasks come again', () => {
    const stage = new Stage(createCatalogue);
    for (const afterMs of every(20 * MINUTE_MS, 72 * 3)) {
      const target = `file/${Math.floor(afterMs / (5 * HOUR_MS))}`;
      const event = eventOf({ endpoint: 'tool-1', target, session: `s-${afterMs}`, timeMs: START_MS + afterMs });
      expect(stage.play(event).score[RECURRENCE]).toBe(0);
    }
  });

  it('says nothing of what the agent has always used, nor of a new tool and its targets', () => {
    const times = every(20 * MINUTE_MS, 6);
    expect(scores({ endpoint: 'tool-1', target: 'file/1' }, times)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(scores({ endpoint: 'tool-9', target: 'mail/elsewhere' }, times)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(scores({ endpoint: 'tool-9', target: null }, times)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('tells a new model that stays, by a feature of its own', () => {
    const stage = seasoned();
    const list = every(10 * MINUTE_MS, 4).map((afterMs) => play(stage, MODEL, afterMs));
    expect(list[0]).toBe(0);
    expect(list[3]).toBeGreaterThan(list[1]);
    const { feature, observed } = stage.readings;
    expect(recurrence.features[feature[RECURRENCE]]).toBe('sessions with one new model');
    expect(observed[RECURRENCE]).toBe(4);
  });

  it('is milder where others of the cohort have adopted the target', () => {
    const stage = seasoned();
    for (const afterMs of every(10 * MINUTE_MS, 4)) play(stage, LEAK, afterMs);
    const { observation: o, readings } = stage;
    const score = (peers: number): number => {
      o.pairPeers = peers;
      recurrence.score(o, readings);
      return readings.score[RECURRENCE];
    };
    const alone = score(0);
    expect(alone).toBeGreaterThan(0);
    expect(score(2)).toBeLessThan(alone);
    expect(score(2)).toBeGreaterThan(0);
  });

  it('grows with the sessions of days, not with their number of calls, without a bound that hides', () => {
    const many = scores(LEAK, every(MINUTE_MS, 100));
    expect(many.every(Number.isFinite)).toBe(true);
    expect(many.at(-1)).toBeGreaterThan(many[10]);
    expect(END_MS % DAY_MS).toBe(0);
  });
});
