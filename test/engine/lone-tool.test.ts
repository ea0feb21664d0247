import { describe, expect, it } from 'vitest';
import { type Finding, isPage } from '../../src/decide/finding.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, engineOf, eventOf, HOUR_MS, MINUTE_MS, outcomeOf, recordOf, START_MS, withTicks } from './world.js';

const DAYS = 12;
const END_MS = START_MS + DAYS * DAY_MS;

/** Twelve days of one tool and its targets, then these calls; what is found from there on by what is new. */
function say(calls: readonly Partial<AgentEvent>[]): Finding[] {
  const random = createRandom('lone');
  const past = Array.from({ length: DAYS * 72 }, (_, at) => {
    const timeMs = START_MS + at * 20 * MINUTE_MS + random.below(MINUTE_MS);
    return eventOf({ endpoint: 'crm.read', target: `file/${random.below(4)}`, session: `s-${at}`, timeMs });
  });
  // At the usual pace: nothing but what is new stands out.
  const last = calls.map((call, at) => eventOf({ session: 'last', timeMs: END_MS + at * 20 * MINUTE_MS, ...call }));
  // Whoever accepts a page a day is told of everything that stands out.
  const engine = engineOf({ settings: { pagesPerAgentDay: 1, noticesPerAgentDay: 1 } });
  const { findings } = outcomeOf(engine, withTicks([...past, ...last].map((event) => recordOf(event))));
  return findings.filter(({ time }) => Date.parse(time) >= END_MS);
}

const paged = (findings: readonly Finding[]): boolean => findings.some(({ severity }) => isPage(severity));

describe('a new tool', () => {
  it('alone is a notice: a roll-out looks like this', () => {
    const findings = say([{ endpoint: 'crm.note' }]);
    expect(findings.length).toBeGreaterThan(0);
    expect(paged(findings)).toBe(false);
    expect(paged(say([{ endpoint: 'crm.note' }, { endpoint: 'crm.note' }]))).toBe(false);
  });

  it('beside a second one is a page, in the same session or a day later', () => {
    expect(paged(say([{ endpoint: 'crm.note' }, { endpoint: 'crm.export' }]))).toBe(true);
    const later = { endpoint: 'crm.export', session: 'later', timeMs: END_MS + 20 * HOUR_MS };
    expect(paged(say([{ endpoint: 'crm.note' }, later]))).toBe(true);
  });

  it('with a sensitive name is a page alone', () => {
    expect(paged(say([{ endpoint: 'iam.create_access_key' }]))).toBe(true);
  });
});
