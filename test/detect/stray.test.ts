import { describe, expect, it } from 'vitest';
import { DETECTORS } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { targetHash } from '../../src/engine/observe.js';
import type { AgentEvent } from '../../src/event/event.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const INDEX = DETECTORS.indexOf('stray');
const DAYS = 8;
const END_MS = START_MS + DAYS * DAY_MS;

/** An agent that has read two files every hour for days and, `strays` times of late, one that nobody knew beside them. */
function seasoned(strays = 0): Stage {
  const stage = new Stage(createCatalogue);
  const sessions = DAYS * 24;
  for (let at = 0; at < sessions; at++) {
    const timeMs = START_MS + at * HOUR_MS;
    const of = (target: string, after: number) =>
      stage.play(eventOf({ endpoint: 'read', target, session: `s-${at}`, timeMs: timeMs + after * MINUTE_MS }));
    of('file/1', 0);
    of('file/2', 1);
    if (at >= sessions - strays) of(`odd/${at}`, 2);
  }
  return stage;
}

/** Scores of the calls of one session after the history, a second apart. */
function scores(stage: Stage, calls: readonly Partial<AgentEvent>[]): number[] {
  return calls.map((call, at) => {
    stage.play(eventOf({ endpoint: 'read', session: 'under-test', timeMs: END_MS + at * 1000, ...call }));
    return stage.readings.score[INDEX];
  });
}

describe('a stray target', () => {
  it('is one that nobody has adopted, beside one that the agent has', () => {
    expect(scores(seasoned(), [{ target: 'file/1' }, { target: 'file/2' }])).toEqual([0, 0]);
    const [first, second] = scores(seasoned(), [{ target: 'file/1' }, { target: 'mail/else' }]);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(3);
  });

  it('is told at the first known target where that comes later, and once', () => {
    const [first, second, third] = scores(seasoned(), [
      { target: 'mail/else' },
      { target: 'file/1' },
      { target: 'file/2' },
    ]);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(3);
    expect(third).toBe(0);
    expect(scores(seasoned(), [{ target: 'file/1' }, { target: 'odd' }, { target: 'odd' }])[2]).toBe(0);
  });

  it('is none in a session that goes nowhere known, nor without a target', () => {
    expect(scores(seasoned(), [{ target: 'a' }, { target: 'b' }, { target: 'c' }])).toEqual([0, 0, 0]);
    expect(scores(seasoned(), [{ target: 'file/1' }, { endpoint: 'list', target: null }])).toEqual([0, 0]);
  });

  it('is none where some agent of the tenant has adopted the target, under whatever endpoint', () => {
    const stage = seasoned();
    const { settings, model } = stage.state;
    const known = new Set([targetHash('mail/else', settings.hashSeed)]);
    const calls = [{ target: 'file/1' }, { target: 'mail/else' }];
    stage.state.model = { ...model, targets: new Map([['other', known]]) };
    expect(scores(stage, calls)[1]).toBeGreaterThan(0);
    const calmer = seasoned();
    calmer.state.model = { ...model, targets: new Map([['', known]]) };
    expect(scores(calmer, calls)).toEqual([0, 0]);
  });

  it('is none where the call fell over, which reached nobody; a refusal counts', () => {
    const calls = (status: AgentEvent['status']) => [{ target: 'file/1' }, { target: 'mail/else', status }];
    expect(scores(seasoned(), calls('error'))).toEqual([0, 0]);
    const told = ['ok', 'denied', null].map((status) => scores(seasoned(), calls(status as never))[1]);
    for (const score of told) expect(score).toBeGreaterThan(3);
    // Tried again with success it counts after all.
    expect(scores(seasoned(), [...calls('error'), { target: 'mail/else' }])[2]).toBeGreaterThan(3);
  });

  it('says less beside other new things, and less to an agent that often meets strangers', () => {
    const one = scores(seasoned(), [{ target: 'file/1' }, { target: 'x' }])[1];
    const third = scores(seasoned(), [{ target: 'file/1' }, { target: 'x' }, { target: 'y' }, { target: 'z' }])[3];
    expect(third).toBeGreaterThan(0);
    expect(third).toBeLessThan(one);
    // The last sessions are still open, and teach nothing yet.
    expect(scores(seasoned(60), [{ target: 'file/1' }, { target: 'x' }])[1]).toBeLessThan(one / 2);
  });
});
