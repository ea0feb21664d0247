import { describe, expect, it } from 'vitest';
import { type StopFacts, stoppable } from '../../src/api/stoppable.js';
import type { DrillResult } from '../../src/registry/registry.js';

const DRILL: DrillResult = {
  ...{ id: 'd-1', canary: 'canary', children: 1, rounds: 4, way: 'process', startedMs: 10_000, ok: true },
  stages: [{ stage: 'refused', reached: 4, missed: 0, p50Ms: 2, p99Ms: 3, maxMs: 3 }],
};
const FACTS: StopFacts = {
  ready: { ok: true, reason: null },
  ...{
    staleMs: 0,
    staleAfterMs: 30_000,
    drill: null,
    drillEveryMs: null,
    nowMs: 20_000,
    places: [],
    countsSpend: true,
  },
};
const place = (over: Partial<StopFacts['places'][number]>): StopFacts['places'][number] => ({
  ...{ name: 'login', breaker: 'closed', unverified: 0 },
  ...over,
});
const missed = { ...DRILL, ok: false, stages: [{ ...DRILL.stages[0], reached: 3, missed: 1 }] } as DrillResult;

describe('whether an agent could be stopped', () => {
  it.each<[string, Partial<StopFacts>, string | null]>([
    ['nothing is known against it', {}, null],
    ['the last drill went well', { drill: DRILL }, null],
    ['a scheduled drill is not due yet', { drill: DRILL, drillEveryMs: 5_000 }, null],
    ['the process is not ready', { ready: { ok: false, reason: 'starting' } }, 'not ready: starting'],
    ['the registry is out of reach', { staleMs: 40_000 }, 'the registry was last in reach 40 s ago'],
    ['its places are well', { places: [place({})] }, null],
    [
      'a place has not put stops in force',
      { places: [place({ name: 'a', breaker: 'open' }), place({ name: 'gate', unverified: 2 })] },
      'connector gate has not put in force what it was told: 2',
    ],
    [
      'a place does not answer',
      { places: [place({ name: 'gate', breaker: 'open' })] },
      'connector gate is left alone for a while: it did not answer',
    ],
    ['budgets are not counted', { countsSpend: false }, 'what is spent is counted no more: no budget stops anybody'],
    ['the last drill failed', { drill: missed }, 'the last drill failed: refused was missed in 1 of 4'],
    ['scheduled drills are not held', { drill: DRILL, drillEveryMs: 4_000 }, 'no drill was held when one was due'],
  ])('says so where %s', (_what, over, reason) => {
    expect(stoppable({ ...FACTS, ...over })).toEqual({ ok: reason === null, reason });
  });
});
