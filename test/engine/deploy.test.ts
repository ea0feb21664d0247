/** A new version of a known agent: what it may do anew, and what it may not hide. */
import { beforeAll, describe, expect, it } from 'vitest';
import { F } from '../../src/agent/layout.js';
import { type Finding, isPage } from '../../src/decide/finding.js';
import type { EventRecord } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { findingsAfter, type WatchedFleet, watch, workOf } from './role-world.js';
import { DAY_MS, engineOf, eventOf, HOUR_MS, linesOf, MINUTE_MS, outcomeOf, recordOf } from './world.js';

const AGENT = 'clerk-1';
const BUDGETS = { pagesPerAgentDay: 0.1, noticesPerAgentDay: 0.3 };
let fleet: WatchedFleet;
let beginMs = 0;
beforeAll(() => {
  fleet = watch([{ name: 'clerk', agents: 4, slowest: 0.1 }], 24, 11);
  beginMs = fleet.endMs + 9 * HOUR_MS;
}, 60_000);

/** A call of the agent, so many minutes after the watched days. */
function call(minutes: number, changes: Partial<AgentEvent> = {}, bound = true): EventRecord {
  const known = { agent: AGENT, session: 'usual', endpoint: 'clerk.tool-0', target: 'clerk/file-0' };
  return recordOf(eventOf({ ...known, timeMs: beginMs + minutes * MINUTE_MS, ...changes }), bound);
}

/** A session of tools and targets that nobody has used before, a call a minute. */
const oddSession = (minutes: number, changes: Partial<AgentEvent> = {}): EventRecord[] =>
  Array.from({ length: 6 }, (_, n) =>
    call(minutes + n, { session: `odd-${minutes}`, endpoint: `odd.tool-${n}`, target: `odd/${n}`, ...changes }),
  );

const pagesOf = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => isPage(severity));
const findingsOf = (records: readonly EventRecord[]): Finding[] => findingsAfter(fleet, records, BUDGETS);
const pagesAfter = (records: readonly EventRecord[]): Finding[] => pagesOf(findingsOf(records));
const deployed = { version: '1.4.2' };

describe('a new version', () => {
  it('makes notices of the new tools that page without it', () => {
    const [page] = pagesAfter([call(0), ...oddSession(1)]);
    expect(page?.kind).toMatch(/^(new-endpoint|new-target|novelty-creep|privilege-creep)$/);
    expect(page?.title).not.toContain('since version');
    const findings = findingsOf([call(0, deployed), ...oddSession(1, deployed)]);
    expect(pagesOf(findings)).toEqual([]);
    expect(findings.length).toBeGreaterThan(0);
    for (const { title } of findings) expect(title).toMatch(/; since version 1\.4\.2$/);
  });

  it('is told before its own first event is judged', () => {
    expect(pagesAfter(oddSession(0, deployed))).toEqual([]);
  });

  it('explains nothing after a day', () => {
    expect(pagesAfter([call(0, deployed), ...oddSession(24 * 60, deployed)])).not.toEqual([]);
  });

  it('explains no sensitive name, and from then on nothing else', () => {
    const sensitive = call(2, { ...deployed, session: 'odd', endpoint: 'iam.create_access_key', target: null });
    const pages = pagesAfter([call(0, deployed), sensitive, ...oddSession(3, deployed)]);
    expect(pages[0]?.title).toMatch(/; since version 1\.4\.2$/);
  });

  it('explains no burst', () => {
    const times = { agent: AGENT, role: 'clerk', perMinute: 60, seed: 5 };
    const work = workOf({ ...times, fromMs: beginMs, toMs: beginMs + 5 * MINUTE_MS });
    const burst = work.map(({ event }) => recordOf({ ...event, ...deployed }));
    const [page] = pagesAfter(burst);
    expect(page?.kind).toBe('rate-burst');
    expect(page?.title).toContain('since version 1.4.2');
  });

  it('explains nothing where versions change to and fro', () => {
    expect(pagesAfter([call(0, deployed), call(1), ...oddSession(2)])).not.toEqual([]);
    expect(pagesAfter([call(0, deployed), call(1), call(2, deployed), ...oddSession(3, deployed)])).not.toEqual([]);
    expect(pagesAfter([call(0, deployed), ...oddSession(1, { version: '1.4.3' })])).not.toEqual([]);
    const back = [call(0, deployed), call(3 * 24 * 60), ...oddSession(3 * 24 * 60 + 1)];
    expect(pagesAfter(back)).not.toEqual([]);
  });

  it('is not believed of a sub-agent, nor told by an event from before it', () => {
    const sub = { ...deployed, agent: `${AGENT}/sub`, parent: AGENT };
    expect(pagesAfter([call(0), ...oddSession(1, sub)])).not.toEqual([]);
    const late = call(0.5);
    expect(pagesAfter([call(0, deployed), call(1, deployed), late, ...oddSession(2, deployed)])).toEqual([]);
  });

  it('leaves counts, anchors and what is known as they are', () => {
    const work = (version: string): EventRecord[] =>
      workOf({ agent: AGENT, role: 'clerk', perMinute: 0.2, seed: 3, fromMs: beginMs, toMs: beginMs + 2 * DAY_MS }).map(
        ({ event }) => recordOf({ ...event, version, costUsd: 0.01 }),
      );
    const [same, other] = ['1.0.0', '2.0.0'].map((version) => {
      const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
      outcomeOf(engine, work(version));
      const { table, observation } = engine.inside;
      const slot = table.find('', AGENT, true);
      table.aim(observation.profile, slot);
      const { u32, at4 } = observation.profile;
      for (const field of [F.version, F.versionBefore, F.versionMinute, F.flags]) u32[at4 + field] = 0;
      return Buffer.from(table.raw(slot)).toString('base64');
    });
    expect(other).toBe(same);
  });

  it('has what first came with it adopted one session earlier', () => {
    const sessions = (minutes: readonly number[]): EventRecord[] =>
      minutes.map((at) => call(at, { ...deployed, session: `new-${at}`, endpoint: 'clerk.report', target: null }));
    const adopted = (records: readonly EventRecord[]): number =>
      outcomeOf(engineOf({ model: fleet.model, snapshot: fleet.snapshot }), records).samples.filter(
        (sample) => sample.kind === 'adopted' && sample.what === 'endpoint',
      ).length;
    const twice = [10, 10 + 25 * 60];
    expect(adopted([call(0, deployed), ...sessions(twice)])).toBe(1);
    expect(adopted(sessions(twice).map(({ event }) => recordOf({ ...event, version: '1.0.0' })))).toBe(0);
    // What comes later than the deploy is new as ever.
    expect(adopted([call(0, deployed), ...sessions(twice.map((at) => at + 25 * 60))])).toBe(0);
  });

  it('goes on over a snapshot', () => {
    const records = [call(0, deployed), ...oddSession(1, deployed)];
    const whole = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
    linesOf(whole, records.slice(0, 3));
    const cut = engineOf({ model: fleet.model, snapshot: whole.snapshot() });
    expect(linesOf(cut, records.slice(3), 3)).toEqual(linesOf(whole, records.slice(3), 3));
  });
});
