import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeLine } from '../../src/event/decode.js';
import { isRejection } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { SCENARIOS, type Scenario } from '../../src/simulate/scenario.js';
import {
  createSimulation,
  registryRows,
  type Simulation,
  type SimulationOptions,
  simulationOptions,
  simulationProblem,
} from '../../src/simulate/simulation.js';
import type { SimulatedEvent } from '../../src/simulate/wire.js';

const rootOf = (agent: string): string => agent.split('/')[0];

/** The first of the events as lines: enough to tell two recordings apart. */
function head(simulation: Simulation, lines: number): string[] {
  const taken: string[] = [];
  for (const event of simulation.events()) {
    taken.push(JSON.stringify(event));
    if (taken.length === lines) break;
  }
  return taken;
}

const make = (scenario: Scenario, wanted: Partial<SimulationOptions> = {}): Simulation =>
  createSimulation(simulationOptions(scenario, wanted));

describe('determinism', () => {
  test('same seed, same lines and labels; another seed, other lines', () => {
    const one = make('demo', { seed: 7 });
    const again = make('demo', { seed: 7 });
    expect(head(again, 5000)).toEqual(head(one, 5000));
    expect(again.labels).toEqual(one.labels);
    expect(head(make('demo', { seed: 8 }), 50)).not.toEqual(head(one, 50));
  });

  test('one simulation can be read twice, and a broken-off reading changes nothing', () => {
    const simulation = make('fan-out');
    const first = head(simulation, 3000);
    head(simulation, 10);
    expect(head(simulation, 3000)).toEqual(first);
  });

  test('the bytes of seed 1 never change within a version of the generator', () => {
    const digest = createHash('sha256');
    for (const event of make('mixed', { agents: 26, days: 14 }).events()) digest.update(`${JSON.stringify(event)}\n`);
    expect(digest.digest('hex')).toBe('0c843202f5759841bab5e1b5c0040321e61de7967d8e9ae11b4711fd19a3c24d');
  });

  test('an injection leaves the ordinary sessions as they are', () => {
    const sessionsOf = (simulation: Simulation): Set<string> =>
      new Set([...simulation.events()].map((event) => event.session));
    const quiet = sessionsOf(make('retry-loop', { days: 3 }));
    const injected = make('retry-loop', { days: 3, injections: [{ kind: 'hijack', agent: 'research-1', day: 2.5 }] });
    const added = [...sessionsOf(injected)].filter((session) => !quiet.has(session));
    expect(added).toEqual([injected.labels.find((label) => label.kind === 'hijack')?.session]);
  });
});

describe.each([...SCENARIOS])('%s', (scenario) => {
  const simulation = make(scenario);
  const startMs = simulation.options.startMs;
  const endMs = startMs + simulation.options.days * 86_400_000;

  test('events are sorted, inside the recording, well-formed, and as many as promised', () => {
    const roots = new Set(simulation.key.agents.map((agent) => agent.agent));
    const faults: string[] = [];
    let last = '';
    let count = 0;
    for (const event of simulation.events()) {
      const timeMs = Date.parse(event.time);
      if (event.time < last || timeMs < startMs || timeMs >= endMs) faults.push(`time of ${event.id}`);
      if (!roots.has(rootOf(event.agent))) faults.push(`agent of ${event.id}`);
      faults.push(...shapeFaults(event));
      last = event.time;
      if (!event.id.endsWith(String(count).padStart(7, '0'))) faults.push(`number of ${event.id}`);
      count++;
    }
    expect(faults).toEqual([]);
    const [least, most] =
      scenario === 'demo' ? [27_000, 50_000] : scenario === 'mixed' ? [150_000, 300_000] : [10_000, 25_000];
    expect(count).toBeGreaterThan(least);
    expect(count).toBeLessThan(most);
  });

  test('labels lie inside the recording and after the learning days, and name known agents', () => {
    expect(simulation.labels.length).toBeGreaterThan(0);
    const names = new Set(simulation.key.agents.map((agent) => agent.agent));
    for (const label of simulation.labels) {
      expect(label.from >= simulation.key.train_until, label.kind).toBe(true);
      expect(label.from < label.to, label.kind).toBe(true);
      expect(Date.parse(label.to)).toBeLessThanOrEqual(endMs);
      if (label.agent !== null) expect(names).toContain(label.agent);
    }
  });
});

const PRICES = createPriceTable([]);

/** What the decoder refuses, and members that do not go together. */
function shapeFaults(event: SimulatedEvent): string[] {
  const faults: string[] = [];
  const decoded = decodeLine(JSON.stringify(event), 0, PRICES);
  if (isRejection(decoded)) faults.push(`${event.id}: ${decoded.reason}`);
  if (event.agent.includes('/') !== (event.parent !== null)) faults.push(`parent of ${event.id}`);
  if ((event.operation === 'chat') !== (event.cost_usd !== null)) faults.push(`cost of ${event.id}`);
  return faults;
}

describe('statistics of ordinary work', () => {
  const simulation = make('quiet', { agents: 13, days: 28, seed: 3 });
  const starts = new Map<string, Map<string, number>>();
  const hours = new Map<string, number>();
  const seen = new Set<string>();
  let chats = 0;
  let errors = 0;
  for (const event of simulation.events()) {
    if (event.operation === 'chat') {
      chats++;
      if (event.status === 'error') errors++;
    }
    if (seen.has(event.session)) continue;
    seen.add(event.session);
    const days = starts.get(event.agent) ?? new Map<string, number>();
    starts.set(event.agent, days.set(event.time.slice(0, 10), (days.get(event.time.slice(0, 10)) ?? 0) + 1));
    if (event.agent === 'coding-1') hours.set(event.time.slice(11, 13), (hours.get(event.time.slice(11, 13)) ?? 0) + 1);
  }
  const countsOf = (agent: string): number[] => {
    const days = starts.get(agent) ?? new Map<string, number>();
    return Array.from({ length: 28 }, (_, day) => {
      return days.get(new Date(simulation.options.startMs + day * 86_400_000).toISOString().slice(0, 10)) ?? 0;
    });
  };
  const mean = (list: readonly number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length;
  const dispersion = (list: readonly number[]): number => {
    const centre = mean(list);
    return mean(list.map((x) => (x - centre) * (x - centre))) / centre;
  };

  test('sessions a day are those of the key, within a third', () => {
    const batch = simulation.labels.find((label) => label.kind === 'negative:weekly-batch')?.agent;
    for (const { agent, sessions_per_day } of simulation.key.agents) {
      if (agent === batch) continue;
      expect(Math.abs(mean(countsOf(agent)) / sessions_per_day - 1), agent).toBeLessThan(0.34);
    }
  });

  test('people-driven agents are overdispersed even on weekdays, the probe is not at all', () => {
    const weekdays = countsOf('chat-1').filter((_, day) => day % 7 < 5);
    expect(dispersion(weekdays)).toBeGreaterThan(2);
    expect(dispersion(countsOf('probe-1'))).toBeLessThan(0.1);
  });

  test('office agents work by day', () => {
    const zone = [...hours.entries()].sort((a, b) => b[1] - a[1]).slice(0, 10);
    const share = zone.reduce((sum, [, count]) => sum + count, 0) / countsOf('coding-1').reduce((sum, n) => sum + n, 0);
    expect(share).toBeGreaterThan(0.75);
  });

  test('model calls fail now and then, not often', () => {
    expect(errors / chats).toBeGreaterThan(0.001);
    expect(errors / chats).toBeLessThan(0.02);
  });
});

test('memory does not grow with the events: the first of a year come at once', () => {
  const simulation = make('quiet', { agents: 100, days: 366 });
  expect(head(simulation, 100)).toHaveLength(100);
});

test('a fleet of one, the shortest recording, and every scenario in it still work', () => {
  for (const scenario of SCENARIOS) expect(head(make(scenario, { agents: 1, days: 2 }), 20)).toHaveLength(20);
});

test('the registry file lists every agent with role, owner and labels, and not what it plays', () => {
  const rows = registryRows(make('demo').key);
  expect(rows).toHaveLength(12);
  expect(rows[0]).toEqual({
    agent: 'support-1',
    role: 'support-agent',
    owner: 'customer-care',
    labels: ['customer-facing'],
  });
});

test('wrong options are named', () => {
  const options = simulationOptions('demo');
  expect(simulationProblem(options)).toBeNull();
  expect(simulationProblem({ ...options, agents: 0 })).toContain('agents 0');
  expect(simulationProblem({ ...options, days: 1 })).toContain('days 1');
  expect(simulationProblem({ ...options, seed: 0.5 })).toContain('seed 0.5');
  expect(simulationProblem({ ...options, startMs: 1 })).toContain('start 1');
  expect(simulationProblem({ ...options, scenario: 'war' as Scenario })).toContain('no scenario war');
  expect(simulationProblem({ ...options, injections: [{ kind: 'hijack', day: 10 }] })).toContain('day 10 of hijack');
  expect(() => createSimulation({ ...options, injections: [{ kind: 'hijack', agent: 'nobody' }] })).toThrow(
    'agent nobody cannot play hijack',
  );
});
