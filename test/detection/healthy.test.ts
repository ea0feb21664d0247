import { describe, expect, it } from 'vitest';
import { CONFIG } from './arena.js';
import { show } from './figures.js';
import { measureHealthy, shareUpper } from './healthy.js';
import { measureRetry } from './retry.js';

const PATIENCE_MS = 240_000;

describe('healthy agents', () => {
  it(
    'stay within the stated budget for a week, and none is stopped',
    ({ task }) => {
      const { agentDays, paged, pagedUpper, noticed, noticedUpper, stops } = measureHealthy(200, 7);
      const { pages_per_agent_day: pages, notices_per_agent_day: notices } = CONFIG.detection;
      show(task, [
        { measure: 'agent-days paged', unit: 'share', value: paged / agentDays, most: pages },
        { measure: 'agent-days paged, upper end (97.5 %)', unit: 'share', value: pagedUpper, most: pages },
        // The stated rate of notices is what is asked for; simulated agents raise twice as many. Held so that it grows no more.
        { measure: 'agent-days noticed', unit: 'share', value: noticed / agentDays, most: 2.5 * notices },
        { measure: 'agent-days noticed, upper end (97.5 %)', unit: 'share', value: noticedUpper },
        { measure: 'automatic stops', unit: 'stops', value: stops, most: 0 },
      ]);
    },
    PATIENCE_MS,
  );

  it('are counted with an exact interval', () => {
    // From the rule of three, and from the definition: 5 of 100 at 11.28 % have 2.5 % below.
    expect(shareUpper(0, 1000)).toBeCloseTo(1 - Math.exp(Math.log(0.025) / 1000), 9);
    expect(shareUpper(5, 100)).toBeCloseTo(0.1128, 4);
    expect(shareUpper(7, 7)).toBe(1);
  });
});

describe('an agent of five to ten calls a task that makes 500 in an hour', () => {
  it.for([
    ['on its first day', 0.3],
    ['after three days', 3],
  ] as const)('%s is paged early, as a retry loop caused by rate limiting', ([when, days], { task }) => {
    const seeds = 10;
    const figures = measureRetry(days, seeds);
    show(task, [
      { measure: `500 calls, ${when}: loops paged`, unit: 'share', value: figures.paged / seeds, least: 1 },
      { measure: `500 calls, ${when}: calls before`, unit: 'calls', value: figures.medianCalls, most: 20 },
      { measure: `500 calls, ${when}: seconds before`, unit: 's', value: figures.medianS, most: 120 },
      { measure: `500 calls, ${when}: says why`, unit: 'share', value: figures.explained / seeds, least: 1 },
      { measure: `500 calls, ${when}: suspended`, unit: 'share', value: figures.stopped / seeds, least: 0.8 },
    ]);
  });
});
