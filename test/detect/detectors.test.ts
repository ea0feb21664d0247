import { describe, expect, it } from 'vitest';
import { DETECTORS, type DetectorName } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { isSensitive } from '../../src/detect/sensitive.js';
import { scoreSilence } from '../../src/detect/silence.js';
import type { AgentEvent } from '../../src/event/event.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { END_MS, seasoned } from './seasoned.js';
import { Stage } from './stage.js';

const scoreOf = (stage: Stage, name: DetectorName): number => stage.readings.score[DETECTORS.indexOf(name)];

/** Scores of one detector over events a second apart after the history. */
function scores(name: DetectorName, events: readonly Partial<AgentEvent>[], gapMs = 1000): number[] {
  const stage = seasoned();
  return events.map((event, at) => {
    stage.play(eventOf({ session: 'under-test', timeMs: END_MS + at * gapMs, ...event }));
    return scoreOf(stage, name);
  });
}

const rises = (list: readonly number[]): boolean => list.every((score, at) => at === 0 || score >= list[at - 1] - 1e-9);
const many = (count: number, what: Partial<AgentEvent>): Partial<AgentEvent>[] =>
  Array.from({ length: count }, () => what);

describe('rate', () => {
  it('rises with every call of a burst and falls when it is over', () => {
    const list = scores('rate', many(200, { endpoint: 'tool-0' }), 50);
    expect(list[0]).toBeLessThan(3);
    expect(rises(list)).toBe(true);
    expect(list[199]).toBeGreaterThan(20);
    const stage = seasoned();
    for (let at = 0; at < 200; at++) stage.play(eventOf({ timeMs: END_MS + at }));
    stage.play(eventOf({ timeMs: END_MS + 3 * HOUR_MS }));
    expect(scoreOf(stage, 'rate')).toBeLessThan(3);
  });

  it('counts calls and sessions apart', () => {
    const oneSession = many(60, { endpoint: 'tool-0', session: 'one' });
    const sixtySessions = oneSession.map((event, at) => ({ ...event, session: `many-${at}` }));
    expect(scores('starts', oneSession).at(-1)).toBeLessThan(5);
    expect(scores('starts', sixtySessions).at(-1)).toBeGreaterThan(20);
    expect(scores('rate', oneSession)).toEqual(scores('rate', sixtySessions));
  });
});

describe('delegation', () => {
  it('rises with every sub-agent that is started, and with nothing else', () => {
    const list = scores('delegation', many(20, { operation: 'invoke_agent', endpoint: 'plan' }));
    expect(rises(list)).toBe(true);
    expect(list.at(-1)).toBeGreaterThan(3 * list[2]);
    expect(scores('delegation', many(50, { endpoint: 'tool-0' })).every((score) => score === 0)).toBe(true);
  });
});

describe('errors', () => {
  const failure = { endpoint: 'tool-0', target: 'file/1', status: 'error' } as const;

  it('rise with a run of failures and say nothing of what succeeds', () => {
    const list = scores('errors', many(40, failure));
    expect(rises(list)).toBe(true);
    expect(list.at(-1)).toBeGreaterThan(15);
    const mixed = scores('errors', [...many(20, failure), { ...failure, status: 'ok' }]);
    expect(mixed.at(-1)).toBe(0);
  });

  it('count a denial as a failure', () => {
    expect(scores('errors', many(10, { ...failure, status: 'denied' }))).toEqual(scores('errors', many(10, failure)));
  });

  it('are milder where a model does not answer: its provider is down for everybody', () => {
    const chat = scores('errors', many(20, { operation: 'chat', endpoint: 'model-1', status: 'error' })).at(
      -1,
    ) as number;
    expect(chat).toBeLessThan(scores('errors', many(20, failure)).at(-1) as number);
  });
});

describe('novelty', () => {
  it('says nothing of what the agent has adopted', () => {
    const known = { endpoint: 'tool-1', target: 'file/2' };
    expect(scores('novelty', many(5, known))).toEqual([0, 0, 0, 0, 0]);
    expect(scores('novelty', [{ ...known, target: 'mail/else' }])[0]).toBeGreaterThan(0);
    expect(scores('novelty', [{ endpoint: 'tool-9' }])[0]).toBeGreaterThan(0);
  });

  it('counts a new thing once a session', () => {
    const [first, again] = scores('novelty', many(2, { endpoint: 'tool-9', target: 'x' }));
    expect(first).toBeGreaterThan(0);
    expect(again).toBe(0);
  });

  it('adds up over distinct new things of a session, each for less, with a limit', () => {
    const list = scores(
      'novelty',
      Array.from({ length: 30 }, (_, at) => ({ endpoint: `odd-${at}` })),
    ).filter((s) => s > 0);
    expect(list.length).toBeGreaterThan(3);
    expect(rises(list)).toBe(true);
    expect(list.at(-1)).toBeLessThan(4 * list[0]);
  });

  it('weighs a new endpoint more where its name is sensitive', () => {
    expect(scores('novelty', [{ endpoint: 'vault.read_secret' }])[0]).toBeGreaterThan(
      scores('novelty', [{ endpoint: 'vault.read_page' }])[0],
    );
  });

  it.each(['iam:CreateAccessKey', 'DELETE /users', 'payments.Transfer', 'run_shell'])('%s is sensitive', (name) => {
    expect(isSensitive(name)).toBe(true);
  });

  it.each(['crm.read', 'search', 'calendar.list'])('%s is not', (name) => {
    expect(isSensitive(name)).toBe(false);
  });
});

describe('creep', () => {
  it('adds up over sessions, and fades over days without anything new', () => {
    const stage = seasoned();
    const play = (at: number, endpoint: string, afterMs: number): number => {
      stage.play(eventOf({ endpoint, session: `creep-${at}`, timeMs: END_MS + afterMs }));
      return scoreOf(stage, 'creep');
    };
    const list = Array.from({ length: 6 }, (_, at) => play(at, `creep-${at}`, at * HOUR_MS));
    expect(rises(list)).toBe(true);
    expect(list[5]).toBeGreaterThan(list[0]);
    expect(play(6, 'tool-0', 6 * HOUR_MS)).toBe(0);
    expect(play(7, 'creep-7', 10 * DAY_MS)).toBeLessThan(list[5]);
  });
});

describe('cost', () => {
  it('of the session rises with what it has spent, beside what sessions cost so far', () => {
    const list = scores('session', many(60, { operation: 'chat', endpoint: 'model-1', costUsd: 0.03 }));
    expect(list[0]).toBeLessThan(5);
    expect(rises(list)).toBe(true);
    expect(list.at(-1)).toBeGreaterThan(10);
  });

  it('of the hour rises over sessions that are each ordinary', () => {
    const list = Array.from({ length: 100 }, (_, at) => ({
      operation: 'chat' as const,
      costUsd: 0.04,
      session: `c-${at}`,
    }));
    const spend = scores('spend', list);
    expect(rises(spend)).toBe(true);
    expect(spend.at(-1)).toBeGreaterThan(scores('session', list).at(-1) as number);
  });

  it('says nothing where nothing was paid', () => {
    for (const costUsd of [0, null]) {
      const list = many(5, { operation: 'chat', costUsd });
      expect([...scores('session', list), ...scores('spend', list)].every((score) => score === 0)).toBe(true);
    }
  });

  it('drifts when sessions slowly grow dearer, and comes back with them', () => {
    const stage = seasoned();
    const sessions = (factor: number, count: number, fromMs: number): number => {
      for (let at = 0; at < count; at++) {
        const timeMs = fromMs + at * 40 * MINUTE_MS;
        stage.play(
          eventOf({ operation: 'chat', endpoint: 'model-1', costUsd: 0.04 * factor, session: `d-${timeMs}`, timeMs }),
        );
        // The look of a tick, which ends what has been idle.
        stage.play(eventOf({ endpoint: 'tool-0', session: `d-${timeMs}`, timeMs: timeMs + 35 * MINUTE_MS }));
      }
      return scoreOf(stage, 'drift');
    };
    const before = sessions(1, 40, END_MS);
    const dearer = sessions(2, 60, END_MS + 2 * DAY_MS);
    expect(dearer).toBeGreaterThan(before + 5);
    expect(sessions(0.5, 300, END_MS + 5 * DAY_MS)).toBeLessThan(dearer);
  });

  it('drifts from its first week, and not from its first sessions', () => {
    const stage = new Stage(createCatalogue);
    let timeMs = START_MS;
    const sessions = (factor: number, count: number): number => {
      for (let at = 0; at < count; at++) {
        timeMs += 40 * MINUTE_MS;
        stage.play(
          eventOf({ operation: 'chat', endpoint: 'model-1', costUsd: 0.04 * factor, session: `w-${timeMs}`, timeMs }),
        );
        stage.play(eventOf({ endpoint: 'tool-0', session: `w-${timeMs}`, timeMs: timeMs + 35 * MINUTE_MS }));
      }
      return scoreOf(stage, 'drift');
    };
    sessions(1, 30);
    // What it costs from its second day on leaves room for what comes after a fortnight.
    const settled = sessions(2, 480);
    expect(settled).toBeLessThan(150);
    expect(sessions(4, 60)).toBeGreaterThan(settled + 40);
  });
});

describe('silence', () => {
  it('grows with the gap, says nothing of short ones, nor of an agent that it does not know', () => {
    const stage = seasoned();
    const { observation, readings } = stage;
    const scoreAfter = (gapMs: number): number => {
      observation.timeMs = END_MS - 20 * MINUTE_MS + gapMs;
      scoreSilence(observation, readings);
      return scoreOf(stage, 'silence');
    };
    expect(scoreAfter(30 * MINUTE_MS)).toBe(0);
    const list = [2, 4, 8, 16, 100, 10_000].map((hours) => scoreAfter(hours * HOUR_MS));
    expect(rises(list)).toBe(true);
    expect(list[1]).toBeGreaterThan(0);
    expect(list.every(Number.isFinite)).toBe(true);
    const stranger = new Stage(createCatalogue);
    stranger.play(eventOf({ timeMs: START_MS }));
    stranger.observation.timeMs = START_MS + 100 * HOUR_MS;
    scoreSilence(stranger.observation, stranger.readings);
    expect(scoreOf(stranger, 'silence')).toBe(0);
  });
});
