import { describe, expect, it } from 'vitest';
import { agentKey } from '../../src/agent/table.js';
import { Cohorts } from '../../src/learn/cohorts.js';
import { createRandom } from '../../src/math/random.js';
import { keyOf } from './samples.js';

const OFFICE = ['mail', 'calendar', 'crm', 'search'];
const CODE = ['git', 'shell', 'build', 'search'];

/** Cohorts of agents that adopt the endpoints given, in the order given. */
function cohortsOf(
  agents: readonly (readonly [agent: string, endpoints: readonly string[], role?: string])[],
): Cohorts {
  const cohorts = new Cohorts(1000);
  for (const [agent, endpoints, role] of agents) {
    cohorts.meet(keyOf(agent));
    if (role !== undefined) cohorts.assign(keyOf(agent), role);
    for (const endpoint of endpoints) cohorts.adopt(keyOf(agent), 'endpoint', endpoint);
  }
  return cohorts;
}

const membersOf = (cohorts: Cohorts): string[][] =>
  cohorts.group().map(({ members }) => members.map((key) => key.slice(1)).sort());

describe('cohorts', () => {
  it('are roles where people gave one, whatever the agents use', () => {
    const cohorts = cohortsOf([
      ['a', OFFICE, 'clerk'],
      ['b', CODE, 'clerk'],
      ['c', OFFICE, 'coder'],
    ]);
    expect(membersOf(cohorts)).toEqual([['a', 'b'], ['c']]);
    expect(cohorts.group().map(({ id }) => id)).toEqual(['role::clerk', 'role::coder']);
  });

  it('are groups of like agents where nobody gave a role', () => {
    const cohorts = cohortsOf([
      ['a', OFFICE],
      ['b', CODE],
      ['c', [...OFFICE.slice(1), 'sheet']],
      ['d', CODE.slice(0, 3)],
    ]);
    expect(membersOf(cohorts)).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  it('do not depend on the order in which agents were met', () => {
    const agents = Array.from({ length: 30 }, (_, n): [string, string[]] => {
      const random = createRandom(`agent-${n}`);
      return [`agent-${n}`, [...OFFICE, ...CODE].filter(() => random.next() < 0.5)];
    });
    const groups = cohortsOf(agents).group();
    for (const seed of ['x', 'y']) {
      const shuffled = createRandom(seed).shuffle([...agents]);
      expect(
        cohortsOf(shuffled)
          .group()
          .map(({ id, members }) => [id, members]),
      ).toEqual(groups.map(({ id, members }) => [id, members]));
    }
  });

  it('keep an agent that has neither role nor endpoints out of every role', () => {
    const cohorts = cohortsOf([
      ['a', OFFICE, 'clerk'],
      ['b', []],
    ]);
    expect(membersOf(cohorts)).toEqual([['a'], ['b']]);
  });

  it('never hold agents of two tenants, nor share an id between them', () => {
    for (const role of ['clerk', null]) {
      const cohorts = new Cohorts(1000);
      for (const tenant of ['acme', 'beta', '']) {
        const key = agentKey(tenant, 'clerk', true);
        cohorts.assign(key, role);
        cohorts.adopt(key, 'endpoint', 'mail');
      }
      const groups = cohorts.group();
      expect(groups.map(({ members }) => members.length)).toEqual([1, 1, 1]);
      expect(new Set(groups.map(({ id }) => id)).size).toBe(3);
    }
  });

  it('remember a bounded number of agents, the latest met, and only their groups', () => {
    const cohorts = new Cohorts(10);
    for (let n = 0; n < 500; n++) cohorts.adopt(keyOf(`a-${n}`), 'endpoint', `e-${n}`);
    expect(membersOf(cohorts).flat().sort()).toEqual(Array.from({ length: 10 }, (_, n) => `a-${490 + n}`));
    expect(cohorts.snapshot()).toHaveLength(10);
    expect(cohorts.group()).toHaveLength(10);
  });

  it('hold every agent once', () => {
    const agents = Array.from({ length: 40 }, (_, n): [string, string[]] => [`agent-${n}`, [`tool-${n % 7}`]]);
    const all = membersOf(cohortsOf(agents)).flat();
    expect(all.sort()).toEqual(agents.map(([agent]) => agent).sort());
  });

  it('know how many members have adopted an endpoint or a pair', () => {
    const cohorts = cohortsOf([
      ['a', OFFICE, 'clerk'],
      ['b', ['mail'], 'clerk'],
    ]);
    cohorts.adopt(keyOf('b'), 'pair', 'mail to bob');
    cohorts.adopt(keyOf('b'), 'endpoint', 'mail');
    const [{ adopters }] = cohorts.group();
    expect([adopters.get('mail'), adopters.get('crm'), adopters.get('mail to bob'), adopters.get('git')]).toEqual([
      2,
      1,
      1,
      undefined,
    ]);
  });

  it('know what any agent of a tenant has adopted as a target, whatever its group, and come back with it', () => {
    const cohorts = new Cohorts(1000);
    cohorts.adopt(keyOf('a'), 'target', 'bob');
    cohorts.adopt(keyOf('b'), 'target', 'carol');
    cohorts.adopt(agentKey('acme', 'a', true), 'target', 'dora');
    const copy = new Cohorts(1000);
    copy.restore(JSON.parse(JSON.stringify(cohorts.snapshot())));
    for (const one of [cohorts, copy]) {
      expect([...(one.targets().get('') ?? [])].sort()).toEqual(['bob', 'carol']);
      expect([...(one.targets().get('acme') ?? [])]).toEqual(['dora']);
    }
    const before = cohorts.targets();
    cohorts.adopt(keyOf('c'), 'target', 'bob');
    expect(cohorts.targets()).not.toBe(before);
    expect(cohorts.targets()).toEqual(new Map([...before]));
  });

  it('follow a change of role', () => {
    const cohorts = cohortsOf([
      ['a', OFFICE, 'clerk'],
      ['b', OFFICE, 'clerk'],
    ]);
    cohorts.assign(keyOf('b'), 'boss');
    expect(membersOf(cohorts)).toEqual([['a'], ['b']]);
    cohorts.assign(keyOf('b'), null);
    expect(cohorts.group().map(({ id }) => id)).toEqual(['role::clerk', 'like::b']);
  });

  it('remember a bounded number of things per agent, the latest', () => {
    const cohorts = new Cohorts(1000);
    for (let n = 0; n < 5000; n++) cohorts.adopt(keyOf('a'), 'endpoint', `e-${n}`);
    const [[, , endpoints]] = cohorts.snapshot();
    expect(endpoints.length).toBeLessThanOrEqual(256);
    expect(endpoints.at(-1)).toBe('e-4999');
  });

  it("count by tenant who has adopted which endpoint and model, whatever the cohort; targets are nobody else's", () => {
    const cohorts = cohortsOf([
      ['b', CODE],
      ['a', OFFICE, 'clerk'],
    ]);
    cohorts.adopt(keyOf('a'), 'model', 'model-1');
    cohorts.adopt(keyOf('a'), 'pair', 'mail to bob');
    cohorts.adopt(agentKey('elsewhere', 'z', true), 'endpoint', 'search');
    const users = cohorts.users();
    expect(users.get('')).toEqual(
      new Map([
        ['mail', 1],
        ['calendar', 1],
        ['crm', 1],
        ['search', 2],
        ['model-1', 1],
        ['git', 1],
        ['shell', 1],
        ['build', 1],
      ]),
    );
    expect(users.get('elsewhere')).toEqual(new Map([['search', 1]]));
    expect(cohorts.users()).toBe(users);
    expect(cohorts.group().some(({ adopters }) => adopters.has('model-1'))).toBe(false);
    cohorts.adopt(keyOf('b'), 'model', 'model-1');
    expect(cohorts.users().get('')?.get('model-1')).toBe(2);
  });

  it('count endpoints as models are counted', () => {
    const cohorts = new Cohorts(1000);
    cohorts.restore([[keyOf('a'), null, ['mail'], [], [], []]]);
    expect(cohorts.users().get('')).toEqual(new Map([['mail', 1]]));
  });

  it('come back from JSON exactly', () => {
    const cohorts = cohortsOf([
      ['b', CODE],
      ['a', OFFICE, 'clerk'],
      ['c', OFFICE],
    ]);
    const restored = new Cohorts(1000);
    restored.restore(JSON.parse(JSON.stringify(cohorts.snapshot())));
    expect(restored.group()).toEqual(cohorts.group());
    expect(restored.snapshot()).toEqual(cohorts.snapshot());
  });
});
