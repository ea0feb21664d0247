import { describe, expect, it } from 'vitest';
import type { Kind, Severity } from '../../src/decide/finding.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import { HOLD_MS } from '../../src/engine/fleet-hold.js';
import type { FleetRecord } from '../../src/engine/fleet-record.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { firstEngine } from './fleet-engine.js';
import {
  DAY_MS,
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
  ticks,
  type WorldOptions,
} from './world.js';

const AGENT = 'clerk';
const NOW_MS = START_MS + 6 * DAY_MS;
/** Six days of twenty calls in a row an hour, none of which fails: as fast as they come later when they fail. */
const WORK = Array.from({ length: 6 * 24 }, (_, hour) => START_MS + hour * HOUR_MS).flatMap(
  (timeMs): EngineRecord[] => [
    { type: 'tick', timeMs },
    ...Array.from({ length: 20 }, (_, i) => {
      const session = { session: `s-${timeMs}`, operation: 'chat', endpoint: 'gpt' } as const;
      return recordOf(eventOf({ ...session, timeMs: timeMs + i * SECOND_MS, agent: AGENT }));
    }),
  ],
);

/** So many failures in a row of one call of an agent that has worked for days. */
function failures(count: number, changes: Partial<AgentEvent> = {}): EventRecord[] {
  return Array.from({ length: count }, (_, i) =>
    recordOf(
      eventOf({
        ...{ timeMs: NOW_MS + i * SECOND_MS, agent: AGENT, operation: 'chat', endpoint: 'gpt', status: 'error' },
        ...{ session: 'bad', id: `bad-${i}`, ...changes },
      }),
    ),
  );
}

/** An engine that has seen few failures anywhere. */
function watchful(options: WorldOptions = {}): PartitionEngine {
  const model = neutralModel();
  const days = model.days.map((law) => ({ ...law, mean: 0.5, within: 0.05, between: 0.05 }));
  return firstEngine({ model: { ...model, days }, ...options });
}

const HEAD = { type: 'fleet', n: 0, tenant: '', finding: 'f-00000000000000aa', fromMs: NOW_MS } as const;

function outage(timeMs: number, endpoints: readonly string[] = ['gpt'], isWide = false): FleetRecord {
  return { ...HEAD, timeMs, state: 'outage', endpoints, isWide, agents: 3, active: 5, p: 1e-8 };
}

const isPage = (severity: Severity): boolean => severity !== 'info' && severity !== 'low';

/** Severities of the lines about the agent's failing, in order, their titles, and the kinds of its pages. */
function said(records: readonly EngineRecord[]): { severities: Severity[]; titles: string[]; pages: Kind[] } {
  const { findings } = outcomeOf(watchful(), [...WORK, ...records]);
  const lines = findings.filter(
    ({ kind, time }) => (kind === 'error-burst' || kind === 'retry-loop') && Date.parse(time) >= NOW_MS,
  );
  const pages = lines.filter(({ severity }) => isPage(severity)).map(({ kind }) => kind);
  return { severities: lines.map(({ severity }) => severity), titles: lines.map(({ title }) => title), pages };
}

describe('a page that rests on a failing model', () => {
  it('is a notice at first, and a page once the fleet stage had its time', () => {
    const { severities } = said([...failures(8), ...ticks(NOW_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS)]);
    expect(severities[0]).toBe('low');
    expect(severities.filter(isPage).length).toBeGreaterThan(0);
    expect(said([...failures(8), ...ticks(NOW_MS, NOW_MS + HOLD_MS - MINUTE_MS)]).severities.filter(isPage)).toEqual(
      [],
    );
  });

  it('is of the worst of what waited, and one', () => {
    expect(said([...failures(4), ...ticks(NOW_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS)]).pages).toEqual(['error-burst']);
    expect(said([...failures(8), ...ticks(NOW_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS)]).pages).toEqual(['retry-loop']);
  });

  it('waits anew once an outage is over', () => {
    const over: FleetRecord = { ...HEAD, timeMs: NOW_MS + 4 * SECOND_MS, state: 'over' };
    const [during, after] = [failures(3), failures(9).slice(4)];
    const calm = ticks(NOW_MS + MINUTE_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS);
    expect(said([outage(NOW_MS), ...during, over, ...after]).pages).toEqual([]);
    expect(said([outage(NOW_MS), ...during, over, ...after, ...calm]).pages).toHaveLength(1);
  });

  it('stays a notice where an outage explains it meanwhile', () => {
    const calm = ticks(NOW_MS + MINUTE_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS);
    const { severities } = said([...failures(8), outage(NOW_MS + MINUTE_MS), ...calm]);
    expect(severities.length).toBeGreaterThan(0);
    expect(severities.filter(isPage)).toEqual([]);
  });

  it('waits no longer where the run is long', () => {
    expect(said(failures(11)).severities.filter(isPage)).toEqual([]);
    expect(said(failures(16)).severities.filter(isPage).length).toBeGreaterThan(0);
  });

  it('is a notice from the start during an outage, and says which', () => {
    const { severities, titles } = said([outage(NOW_MS), ...failures(16)]);
    expect(severities.length).toBeGreaterThan(0);
    expect(severities.filter(isPage)).toEqual([]);
    expect(titles.every((title) => title.endsWith('; so do others (f-00000000000000aa)'))).toBe(true);
  });

  it('pages where the outage is of another model, of another tenant, or over', () => {
    const over: FleetRecord = { ...HEAD, timeMs: NOW_MS + 1, state: 'over' };
    const other: FleetRecord = { ...outage(NOW_MS), tenant: 'acme' } as FleetRecord;
    for (const before of [[outage(NOW_MS, ['claude'])], [other], [outage(NOW_MS), over]]) {
      expect(said([...before, ...failures(16)]).severities.filter(isPage).length).toBeGreaterThan(0);
    }
    const wide = [outage(NOW_MS, ['claude', 'o3'], true), ...failures(16)];
    expect(said(wide).severities.filter(isPage)).toEqual([]);
  });

  it('is none that waits where a tool fails', () => {
    const tool = failures(8, { operation: 'execute_tool' });
    expect(said([outage(NOW_MS, [], true), ...tool]).severities.filter(isPage).length).toBeGreaterThan(0);
  });

  it('asks the policy only when it is one', () => {
    for (const kind of ['error-burst', 'retry-loop'] as const) {
      const settings = { policy: policyOf([{ ...RULE, severity: 'medium', kinds: [kind] }]) };
      const asked = (records: readonly EngineRecord[]): number =>
        outcomeOf(watchful({ settings }), [...WORK, ...records]).proposals.filter(
          ({ time }) => Date.parse(time) >= NOW_MS,
        ).length;
      expect(asked(failures(8))).toBe(0);
      expect(asked([...failures(8), ...ticks(NOW_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS)])).toBeGreaterThan(0);
    }
  });

  it('is remembered by a snapshot: cut anywhere, the same lines', () => {
    const records = [...failures(7), ...ticks(NOW_MS, NOW_MS + HOLD_MS + 2 * MINUTE_MS)];
    const base = watchful();
    linesOf(base, WORK);
    const snapshot = base.snapshot();
    const whole = linesOf(watchful({ snapshot }), records);
    expect(whole.filter((line) => line.includes('"bad-')).length).toBeGreaterThan(0);
    for (let cut = 1; cut < records.length; cut++) {
      const first = watchful({ snapshot });
      const before = linesOf(first, records.slice(0, cut));
      const second = watchful({ snapshot: first.snapshot() });
      expect([...before, ...linesOf(second, records.slice(cut), cut)]).toEqual(whole);
    }
  });
});
