/** What comes to a fleet that is known: newcomers of its roles, quiet and wild ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { F } from '../../src/agent/layout.js';
import { agentKey } from '../../src/agent/table.js';
import { type Finding, isPage } from '../../src/decide/finding.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { cohortOf, standingOf } from '../../src/engine/standing.js';
import { modelFromJson, modelToJson } from '../../src/learn/model-file.js';
import { createRandom } from '../../src/math/random.js';
import {
  describedAs,
  findingsAfter,
  paceOf,
  type Role,
  TOOLS,
  type WatchedFleet,
  watch,
  workOf,
} from './role-world.js';
import { engineOf, eventOf, HOUR_MS, linesOf, MINUTE_MS, outcomeOf, recordOf } from './world.js';

const UNUSED = 4;
const BUSY: Role = { name: 'busy', agents: 5, slowest: 2, unused: UNUSED };
const STEADY: Role = { name: 'steady', agents: 12, slowest: 0.5 };
const SLOW: Role = { name: 'slow', agents: 30, slowest: 0.15 };
const ROLES = [BUSY, SLOW, STEADY];
const DAYS = 8;

let fleet: WatchedFleet;
beforeAll(() => {
  fleet = watch(ROLES, DAYS, 7);
}, 180_000);

const timeOf = (record: EngineRecord): number =>
  record.type === 'event' ? record.event.timeMs : (record as { timeMs: number }).timeMs;

function fusedAfter(engine: PartitionEngine, record: EngineRecord): number {
  outcomeOf(engine, [record]);
  return engine.inside.fused;
}

/** A newcomer that calls `times` as often as the middle of its role, from its first event on, for five minutes. */
function burst(role: Role, times: number, seed: number, described = true): Finding[] {
  const fromMs = fleet.endMs + 9 * HOUR_MS;
  const perMinute = times * paceOf(role, 0.5);
  const work = workOf({ agent: 'newcomer', role: role.name, perMinute, fromMs, toMs: fromMs + 5 * MINUTE_MS, seed });
  const first = described ? [describedAs('newcomer', role.name, fromMs)] : [];
  return findingsAfter(fleet, [...first, ...work]);
}

const pagesOf = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => isPage(severity));

describe('a cohort’s law', () => {
  it('is made of members known for a week, and of none before', () => {
    const laws = fleet.model.cohorts.map(({ id, law }) => [id, law?.known]);
    expect(laws).toEqual(ROLES.map(({ name, agents }) => [`role::${name}`, agents]));
    expect(watch([STEADY], 3, 7).model.cohorts.map(({ law }) => law)).toEqual([null]);
  });

  it('expects of a newcomer what its members do, and is wide enough for all of them', () => {
    for (const role of ROLES) {
      const law = fleet.model.cohorts.find(({ id }) => id === `role::${role.name}`)?.law;
      const [, minute] = law?.windowMean ?? [];
      expect(minute).toBeGreaterThan(role.slowest);
      expect(minute).toBeLessThan(3 * role.slowest);
      // Ten minutes: Poisson and a spread over a factor of three, not much more.
      const mean = law?.windowMean[2] ?? 0;
      const excess = ((law?.windowSquare[2] ?? 0) - mean * mean - mean) / (mean * mean);
      expect(excess).toBeGreaterThan(0.08);
      expect(excess).toBeLessThan(0.5);
    }
  });

  it('survives the model’s file', () => {
    const again = modelFromJson(JSON.parse(JSON.stringify(modelToJson(fleet.model))));
    expect(again).toEqual(fleet.model);
  });
});

describe('newcomers of a known cohort', () => {
  it('are found as they burst in their first minutes', () => {
    for (const [role, times] of [
      [BUSY, 10],
      [BUSY, 50],
      [STEADY, 20],
      [STEADY, 50],
      [SLOW, 100],
    ] as const) {
      for (const seed of [1, 2, 3]) {
        const pages = pagesOf(burst(role, times, seed));
        expect([...new Set(pages.map(({ kind }) => kind))], `${role.name} x${times}`).toEqual(['rate-burst']);
      }
    }
  });

  it('are no pages without a cohort, nor for what members do', () => {
    expect(pagesOf(burst(BUSY, 10, 1, false))).toEqual([]);
    for (const role of ROLES) for (const times of [1, 2, 3]) expect(pagesOf(burst(role, times, 4))).toEqual([]);
  });

  it('raise nothing above a notice, a hundred of them', () => {
    const random = createRandom('newcomers');
    const records: EngineRecord[] = [];
    for (let n = 0; n < 100; n++) {
      const role = ROLES[n % ROLES.length];
      const agent = `newcomer-${n}`;
      const fromMs = Math.floor(fleet.endMs + 2 * HOUR_MS + random.next() * 2 * HOUR_MS);
      const perMinute = paceOf(role, random.next());
      const work = workOf({ agent, role: role.name, perMinute, fromMs, toMs: fromMs + 5 * HOUR_MS, seed: n });
      records.push(describedAs(agent, role.name, fromMs), ...work);
    }
    const findings = findingsAfter(
      fleet,
      records.sort((a, b) => timeOf(a) - timeOf(b)),
    );
    expect(pagesOf(findings)).toEqual([]);
    expect(new Set(findings.map(({ agent }) => agent)).size).toBeLessThanOrEqual(100);
  });

  it('count with their sub-agents', () => {
    const fromMs = fleet.endMs + 9 * HOUR_MS;
    const perMinute = 10 * paceOf(BUSY, 0.5);
    const work = workOf({ agent: 'crew', role: 'busy', perMinute, fromMs, toMs: fromMs + 5 * MINUTE_MS, seed: 1 });
    const spread = work.map(({ event }, n) => recordOf({ ...event, agent: `crew/sub-${n % 4}`, parent: 'crew' }));
    const pages = pagesOf(findingsAfter(fleet, [describedAs('crew', 'busy', fromMs), ...spread]));
    expect(pages[0]).toMatchObject({ kind: 'rate-burst', root: 'crew' });
  });
});

describe('who belongs to a cohort', () => {
  const index = (name: string): number => fleet.model.cohorts.findIndex(({ id }) => id === `role::${name}`);
  const roleAfter = (records: readonly EngineRecord[], agent: string): number => {
    const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
    outcomeOf(engine, records);
    const { table, observation } = engine.inside;
    table.aim(observation.profile, table.find('', agent, true));
    return observation.profile.u32[observation.profile.at4 + F.role] - 1;
  };
  const call = (agent: string, afterMs: number) =>
    recordOf(eventOf({ agent, timeMs: fleet.endMs + 9 * HOUR_MS + afterMs }));

  it('is said by people from the first event on, and anew whenever they say otherwise', () => {
    const atMs = fleet.endMs + 9 * HOUR_MS;
    expect(roleAfter([call('newcomer', 0)], 'newcomer')).toBe(-1);
    expect(roleAfter([describedAs('newcomer', 'slow', atMs), call('newcomer', 0)], 'newcomer')).toBe(index('slow'));
    const changed = [call('newcomer', 0), describedAs('newcomer', 'busy', atMs), call('newcomer', 1000)];
    expect(roleAfter(changed, 'newcomer')).toBe(index('busy'));
    expect(roleAfter([describedAs('slow-1', 'busy', atMs), call('slow-1', 0)], 'slow-1')).toBe(index('busy'));
  });

  it('is not said by a role that nobody has, nor of a sender that is not bound', () => {
    const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
    outcomeOf(engine, [describedAs('newcomer', 'unheard', fleet.endMs), describedAs('other', 'slow', fleet.endMs)]);
    expect(cohortOf(engine.inside, agentKey('', 'newcomer', true))).toBe(-1);
    expect(cohortOf(engine.inside, agentKey('', 'other', false))).toBe(-1);
    expect(cohortOf(engine.inside, agentKey('', 'other', true))).toBe(index('slow'));
  });

  it('stays where a snapshot was taken between', () => {
    const atMs = fleet.endMs + 9 * HOUR_MS;
    const first = [describedAs('newcomer', 'busy', atMs), call('newcomer', 0)];
    const work = workOf({
      agent: 'newcomer',
      role: 'busy',
      perMinute: 40,
      fromMs: atMs + 1000,
      toMs: atMs + 9 * MINUTE_MS,
      seed: 1,
    });
    const whole = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
    linesOf(whole, first);
    const cut = engineOf({ model: fleet.model, snapshot: whole.snapshot() });
    expect(linesOf(cut, work, first.length)).toEqual(linesOf(whole, work, first.length));
  });

  it('makes what is new to an agent but normal for its role milder', () => {
    const fromMs = fleet.endMs + 9 * HOUR_MS;
    const session = (role: string) =>
      Array.from({ length: UNUSED }, (_, n) =>
        recordOf(
          eventOf({
            agent: 'busy-0',
            session: 'odd',
            endpoint: `${role}.tool-${TOOLS - 1 - n}`,
            target: `${role}/file-${n}`,
            timeMs: fromMs + n * 1000,
          }),
        ),
      );
    const least = (role: string): number => {
      const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
      return Math.min(...session(role).map((record) => fusedAfter(engine, record)));
    };
    const [own, others] = [least('busy'), least('slow')];
    expect(own).toBeGreaterThan(1.5 * others);
    expect(pagesOf(findingsAfter(fleet, session('busy')))).toEqual([]);
  });
});

describe('states of an agent', () => {
  it('are counted once an hour, newcomers of a known cohort as provisional', () => {
    const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot });
    const atMs = fleet.endMs + 9 * HOUR_MS;
    const call = (agent: string) => recordOf(eventOf({ agent, timeMs: atMs }));
    const newcomers = [describedAs('newcomer', 'busy', atMs), call('newcomer'), call('stranger')];
    outcomeOf(engine, [...newcomers, { type: 'tick', timeMs: atMs + HOUR_MS }]);
    const { learning, provisional, calibrated } = engine.counts;
    expect([learning, provisional, calibrated]).toEqual([1, 1, 47]);
  });

  it('are told by closed days, and by a cohort before there are any', () => {
    expect([0, 2, 3, 6, 7].map((days) => standingOf(days, false))).toEqual([
      'learning',
      'learning',
      'provisional',
      'provisional',
      'calibrated',
    ]);
    expect([0, 6, 7].map((days) => standingOf(days, true))).toEqual(['provisional', 'provisional', 'calibrated']);
  });
});
