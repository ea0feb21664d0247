/** Traffic after a stop: what it proves, whom it is told, and that it is told once. */
import { describe, expect, it } from 'vitest';
import type { AgentRecord, EngineRecord, StopFact } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { traffic } from './traffic.js';
import {
  agentRecord,
  engineOf,
  eventOf,
  HOUR_MS,
  linesOf,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  SECOND_MS,
  START_MS,
  withTicks,
} from './world.js';

const SINCE_MS = START_MS + HOUR_MS;

function stopped(agent: string, fact: Partial<StopFact> = {}, rest: Partial<AgentRecord> = {}): AgentRecord {
  const whole: StopFact = { sinceMs: SINCE_MS, untilMs: null, action: 'suspend', version: 2, automatic: true, ...fact };
  return { ...agentRecord(agent, SINCE_MS, {}), stopped: whole, ...rest };
}

const released = (agent: string): AgentRecord => agentRecord(agent, SINCE_MS, {});

function call(afterMs: number, rest: Partial<AgentEvent> = {}, bound = true) {
  return recordOf(eventOf({ timeMs: SINCE_MS + afterMs, agent: 'clerk', ...rest }), bound);
}

/** What is said of stops. */
function said(records: readonly EngineRecord[], engine = engineOf()) {
  const { findings, effects, proposals } = outcomeOf(engine, records);
  return { pages: findings.filter(({ kind }) => kind === 'stop-unverified'), effects, proposals };
}

describe('a call that goes through after a stop', () => {
  it('pages at once, in words, and tells the registry', () => {
    const event = call(11 * SECOND_MS);
    const { pages, effects, proposals } = said([stopped('clerk'), event]);
    expect(pages).toMatchObject([
      {
        ...{ tenant: '', agent: 'clerk', root: 'clerk', severity: 'critical', bound: true, proposal: null },
        title: 'clerk: 1 call went through after it was suspended at 2025-06-02T01:00:00.000Z',
        attribution: [{ detector: 'responder', feature: 'calls after a stop', observed: 1, expected: 0, share: 1 }],
        evidence: [{ offset: 1, event: event.event.id }],
      },
    ]);
    expect(effects).toEqual([
      {
        ...{ tenant: '', agent: 'clerk', version: 2, state: 'contradicted' },
        reason: 'clerk called crm.read at 2025-06-02T01:00:11.000Z',
      },
    ]);
    expect(proposals).toEqual([]);
  });

  it('pages once for each stop, however many follow', () => {
    const many = Array.from({ length: 50 }, (_, i) => call((11 + i) * SECOND_MS));
    const { pages, effects } = said([stopped('clerk'), ...many]);
    expect([pages.length, effects.length]).toEqual([1, 1]);
    const prolonged = stopped('clerk', { untilMs: SINCE_MS + HOUR_MS });
    const another = stopped('clerk', { version: 5, sinceMs: SINCE_MS + 2 * MINUTE_MS });
    expect(said([stopped('clerk'), ...many, prolonged, call(70 * SECOND_MS)]).pages).toHaveLength(1);
    expect(said([stopped('clerk'), ...many, another, call(3 * MINUTE_MS)]).pages).toHaveLength(2);
  });

  it('was in flight where it is not later than the grace', () => {
    expect(said([stopped('clerk'), call(10 * SECOND_MS), call(-HOUR_MS)]).pages).toEqual([]);
    const engine = engineOf({ settings: { stopGraceMs: 60 * SECOND_MS } });
    expect(said([stopped('clerk'), call(30 * SECOND_MS)], engine).pages).toEqual([]);
  });

  it('failed or not, but not where it was refused', () => {
    expect(said([stopped('clerk'), call(MINUTE_MS, { status: 'error' })]).pages).toHaveLength(1);
    expect(said([stopped('clerk'), call(MINUTE_MS, { status: 'denied' })]).pages).toEqual([]);
  });

  it('is nothing once the stop has ended, by time or by a person', () => {
    const brief = stopped('clerk', { untilMs: SINCE_MS + MINUTE_MS });
    expect(said([brief, call(MINUTE_MS)]).pages).toEqual([]);
    expect(said([brief, call(MINUTE_MS - 1)]).pages).toHaveLength(1);
    expect(said([stopped('clerk'), released('clerk'), call(MINUTE_MS)]).pages).toEqual([]);
  });

  it('of a sub-agent counts for the stop of whoever stands above it', () => {
    for (const rest of [
      { agent: 'crew/sub-1', parent: 'crew' },
      { agent: 'crew/sub-1/leaf', parent: 'crew/sub-1' },
      { agent: 'crew/sub-1' },
    ]) {
      const { pages, effects } = said([stopped('crew'), call(MINUTE_MS, rest)]);
      expect(pages).toMatchObject([{ agent: rest.agent, severity: 'critical' }]);
      expect(pages[0].title).toContain('after crew was suspended');
      expect(effects).toMatchObject([{ agent: 'crew' }]);
    }
    expect(said([stopped('crew/sub-1'), call(MINUTE_MS, { agent: 'crew/sub-2', parent: 'crew' })]).pages).toEqual([]);
    expect(said([stopped('crew'), call(MINUTE_MS, { agent: 'crewman' })]).pages).toEqual([]);
    expect(said([stopped('crew'), call(MINUTE_MS, { agent: 'crew', tenant: 't' })]).pages).toEqual([]);
  });

  it("of a protected sub-agent is what an engine's stop leaves alone, and a person's does not", () => {
    const sub = call(MINUTE_MS, { agent: 'crew/guard', parent: 'crew' });
    const guard = { ...agentRecord('crew/guard', SINCE_MS, {}), protected: true } as const;
    const policy = { ...policyOf([]), protectedAgents: ['crew/g*'] };
    expect(said([guard, stopped('crew'), sub]).pages).toEqual([]);
    expect(said([stopped('crew'), sub], engineOf({ settings: { policy } })).pages).toEqual([]);
    expect(said([guard, stopped('crew', { automatic: false }), sub]).pages).toHaveLength(1);
  });

  it('by an unbound sender is worth a page, but no proof', () => {
    const { pages, effects } = said([stopped('clerk'), call(MINUTE_MS, {}, false), call(MINUTE_MS + 1, {}, false)]);
    expect(pages).toMatchObject([{ severity: 'medium', bound: false }]);
    expect(effects).toEqual([]);
    const both = said([stopped('clerk'), call(MINUTE_MS, {}, false), call(MINUTE_MS + 1)]);
    expect(both.pages.map(({ severity }) => severity)).toEqual(['medium', 'critical']);
    expect(both.effects).toHaveLength(1);
  });

  it('is no opinion: it pages beside whatever else is open, and no policy answers it', () => {
    const settings = { policy: policyOf([{ ...RULE, kinds: ['stop-unverified'] }, RULE]) };
    const busy = withTicks(traffic({ seed: 3, agents: 1, hours: 40, sessionsPerHour: 6 }));
    const [first] = busy.flatMap((record) => (record.type === 'event' ? [record.event] : []));
    const lastMs = Math.max(...busy.map((record) => (record.type === 'event' ? record.event.timeMs : 0)));
    const flood = Array.from({ length: 300 }, (_, i) =>
      recordOf(eventOf({ ...first, id: `flood-${i}`, timeMs: lastMs + HOUR_MS + i * 100 })),
    );
    const stop = stopped(first.agent, { sinceMs: lastMs });
    const { pages } = said([...busy, ...flood.slice(0, 250), stop, ...flood.slice(250)], engineOf({ settings }));
    expect(pages).toMatchObject([{ severity: 'critical', proposal: null }]);
  });
});

describe('a call that is refused after a stop', () => {
  it('confirms it, once', () => {
    const denied = (afterMs: number) => call(afterMs, { status: 'denied' });
    const { effects } = said([stopped('clerk'), denied(1), denied(2), denied(MINUTE_MS)]);
    expect(effects).toEqual([
      {
        ...{ tenant: '', agent: 'clerk', version: 2, state: 'confirmed' },
        reason: 'clerk was refused at 2025-06-02T01:00:00.001Z',
      },
    ]);
  });

  it('confirms nothing where another went through, or nobody vouches for it', () => {
    const denied = call(2 * MINUTE_MS, { status: 'denied' });
    const { effects } = said([stopped('clerk'), call(MINUTE_MS), denied]);
    expect(effects.map(({ state }) => state)).toEqual(['contradicted']);
    expect(said([stopped('clerk'), call(MINUTE_MS, { status: 'denied' }, false)]).effects).toEqual([]);
  });
});

it('what was seen after a stop is remembered by a snapshot: cut anywhere, the same lines', () => {
  const records: EngineRecord[] = [
    stopped('clerk'),
    stopped('crew', { untilMs: SINCE_MS + HOUR_MS }, { protected: true }),
    call(1, { status: 'denied', id: 'e-1' }),
    call(MINUTE_MS, { id: 'e-2' }, false),
    call(MINUTE_MS + 1, { id: 'e-3' }),
    call(MINUTE_MS + 2, { id: 'e-4' }),
    call(MINUTE_MS + 3, { agent: 'crew/sub-1', parent: 'crew', id: 'e-5' }),
    released('clerk'),
    call(MINUTE_MS + 4, { id: 'e-6' }),
    stopped('clerk', { version: 4, sinceMs: SINCE_MS + 2 * MINUTE_MS }),
    call(3 * MINUTE_MS, { id: 'e-7' }),
  ];
  const whole = linesOf(engineOf(), records);
  expect(whole.filter((line) => line.includes('stop-unverified'))).toHaveLength(4);
  for (let cut = 1; cut < records.length; cut++) {
    const first = engineOf();
    const before = linesOf(first, records.slice(0, cut));
    const after = linesOf(engineOf({ snapshot: first.snapshot() }), records.slice(cut), cut);
    expect([...before, ...after]).toEqual(whole);
  }
});
