import { describe, expect, it } from 'vitest';
import { DETECTORS, F } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { isLoneNewTool, ledger } from '../../src/detect/ledger.js';
import type { AgentEvent } from '../../src/event/event.js';
import { DAY_MS, eventOf, HOUR_MS, START_MS } from '../engine/world.js';
import { END_MS, seasoned } from './seasoned.js';
import { Stage } from './stage.js';

const LEDGER = DETECTORS.indexOf('ledger');

/** A call `afterMs` after the history, in a session of its own unless it is named. */
function play(stage: Stage, endpoint: string, afterMs: number, more: Partial<AgentEvent> = {}): number {
  const session = `new-${afterMs}`;
  return stage.play(eventOf({ endpoint, session, timeMs: END_MS + afterMs, ...more })).score[LEDGER];
}

const level = (stage: Stage): number => {
  const p = stage.observation.profile;
  return p.f64[p.at8 + F.ledgerLevel];
};
const afterOne = (endpoint: string): Stage => {
  const stage = seasoned();
  play(stage, endpoint, 0);
  return stage;
};

describe('ledger', () => {
  it('rises with every endpoint that is begun, one every other day', () => {
    const stage = seasoned();
    const list = Array.from({ length: 8 }, (_, at) => play(stage, `crm.page-${at}`, at * 2 * DAY_MS));
    expect(list[0]).toBeGreaterThan(0);
    for (let at = 1; at < list.length; at++) expect(list[at]).toBeGreaterThan(list[at - 1]);
    // Halved every ten days: 1 / (1 - 2^(-1/5)) steps at most, however long it goes on; each step counts the same.
    const stepsMax = 1 / (1 - 0.5 ** 0.2);
    expect(level(stage)).toBeLessThan(stepsMax);
    for (const [at, score] of list.entries()) {
      expect(score).toBeCloseTo((list[0] * (1 - 0.5 ** (0.2 * (at + 1)))) / (1 - 0.5 ** 0.2), 4);
    }
  });

  it('counts each endpoint once, however often it is used before it is adopted', () => {
    const stage = afterOne('crm.page');
    const before = level(stage);
    expect(before).toBe(1);
    for (let at = 1; at < 5; at++) play(stage, 'crm.page', at * HOUR_MS);
    expect(level(stage)).toBe(before);
  });

  it('speaks when it rises, and not again until it does', () => {
    const stage = afterOne('crm.page');
    expect(play(stage, 'crm.page', HOUR_MS)).toBe(0);
    expect(play(stage, 'crm.page', DAY_MS)).toBe(0);
    expect(play(stage, 'crm.other', DAY_MS + HOUR_MS)).toBeGreaterThan(0);
  });

  it('says nothing of what is known, of models, and of targets', () => {
    const stage = seasoned();
    expect(play(stage, 'tool-0', 0)).toBe(0);
    expect(play(stage, 'tool-0', HOUR_MS, { target: 'mail/else' })).toBe(0);
    expect(play(stage, 'model-9', 2 * HOUR_MS, { operation: 'chat' })).toBe(0);
    expect(level(stage)).toBe(0);
  });

  it('counts nothing in the first days of an agent, to which everything is new', () => {
    const stage = new Stage(createCatalogue);
    for (let at = 0; at < 30; at++) {
      const event = eventOf({ endpoint: `tool-${at}`, session: `s-${at}`, timeMs: START_MS + at * 3 * HOUR_MS });
      expect(stage.play(event).score[LEDGER]).toBe(0);
    }
    expect(level(stage)).toBe(0);
  });

  it('halves in ten days', () => {
    const stage = afterOne('crm.page');
    play(stage, 'crm.other', 10 * DAY_MS);
    expect(level(stage)).toBeCloseTo(0.5 + 1, 6);
  });

  it('weighs a sensitive endpoint double, further ones of one session half, none after ten', () => {
    expect(level(afterOne('vault.read_secret'))).toBe(2 * level(afterOne('vault.read_page')));
    const stage = seasoned();
    for (let at = 0; at < 30; at++) play(stage, `odd-${at}`, at * 1000, { session: 'one' });
    expect(level(stage)).toBeLessThan(2);
    expect(level(stage)).toBeGreaterThan(1.9);
  });

  it('counts little where others of the cohort use it', () => {
    const steps = [0, 3].map((peers) => {
      const stage = seasoned();
      const { observation: o, readings } = stage;
      play(stage, 'tool-0', 0);
      o.endpointNewHere = true;
      o.endpointFirst = true;
      o.endpointPeers = peers;
      ledger.score(o, readings);
      return level(stage);
    });
    expect(steps[1]).toBeGreaterThan(0);
    expect(steps[1]).toBeLessThan(0.5 * steps[0]);
  });
});

describe('a lone new tool', () => {
  it('is one harmless endpoint in this session and lately', () => {
    expect(isLoneNewTool(afterOne('crm.page').observation)).toBe(true);
  });

  it('is lone no more beside a second, in the same session or another', () => {
    const same = afterOne('crm.page');
    play(same, 'crm.other', 1000, { session: 'new-0' });
    expect(isLoneNewTool(same.observation)).toBe(false);
    const other = afterOne('crm.page');
    play(other, 'crm.other', DAY_MS);
    expect(isLoneNewTool(other.observation)).toBe(false);
    // Long after it is alone again.
    const later = afterOne('crm.page');
    play(later, 'crm.other', 30 * DAY_MS);
    expect(isLoneNewTool(later.observation)).toBe(true);
  });

  it('has no sensitive name, and is new', () => {
    expect(isLoneNewTool(afterOne('vault.read_secret').observation)).toBe(false);
    expect(isLoneNewTool(afterOne('tool-0').observation)).toBe(false);
  });
});
