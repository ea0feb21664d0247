import { describe, expect, it } from 'vitest';
import { DETECTORS } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { DAY_MS, eventOf, HOUR_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const NOVELTY = DETECTORS.indexOf('novelty');

/** Scores of an agent's hourly session with one of nine targets of its own, by whole days since its first. */
function largestByDay(days: number): number[] {
  const stage = new Stage(createCatalogue);
  const largest = new Array<number>(days).fill(0);
  for (let at = 0; at < days * 24; at++) {
    const target = `file/${at % 9}`;
    const timeMs = START_MS + at * HOUR_MS;
    stage.play(eventOf({ endpoint: 'read', target: 'home', session: `s-${at}`, timeMs }));
    // The endpoint itself is news until it is adopted: what counts here is the target's part.
    const { score } = stage.play(eventOf({ endpoint: 'read', target, session: `s-${at}`, timeMs: timeMs + 1000 }));
    largest[Math.floor(at / 24)] = Math.max(largest[Math.floor(at / 24)], score[NOVELTY]);
  }
  return largest;
}

describe('new targets', () => {
  it('are no news before any can have been adopted, nor once they are', () => {
    expect(START_MS % DAY_MS).toBe(0);
    const [first, second, third, ...settled] = largestByDay(6);
    expect([first, second]).toEqual([0, 0]);
    expect(third).toBeLessThan(5);
    expect(settled).toEqual([0, 0, 0]);
  });

  it('are news to an agent that has been at work for days', () => {
    const stage = new Stage(createCatalogue);
    for (let at = 0; at < 3 * 24; at++) {
      const timeMs = START_MS + at * HOUR_MS;
      stage.play(eventOf({ endpoint: 'read', target: 'home', session: `s-${at}`, timeMs }));
    }
    const odd = eventOf({ endpoint: 'read', target: 'mail/else', session: 'odd', timeMs: START_MS + 3 * DAY_MS });
    expect(stage.play(odd).score[NOVELTY]).toBeGreaterThan(2);
  });
});
