import { describe, expect, it } from 'vitest';
import { FleetWorld, hashOf, meeting } from './fleet-world.js';
import { HOUR_MS, MINUTE_MS } from './world.js';

/** Agents that meet an endpoint one after the other, `everyMs` apart. */
function spread(world: FleetWorld, agents: readonly string[], everyMs: number, endpoint = 'get_weather', members = 6) {
  return agents.flatMap((agent) => {
    world.calm(everyMs / MINUTE_MS - 1, 0);
    const timeMs = world.nowMs + MINUTE_MS / 2;
    return world.run([{ signals: [meeting(agent, [endpoint], timeMs, { members })] }]);
  });
}

describe('a deploy', () => {
  it('is half of a cohort that meets one endpoint within a day, told once', () => {
    const world = new FleetWorld();
    const records = spread(world, ['a', 'b', 'c', 'd'], HOUR_MS);
    expect(records).toMatchObject([
      {
        state: 'deploy',
        endpoint: 'get_weather',
        hash: hashOf('get_weather'),
        cohort: 'role::clerk',
        members: 6,
        agents: 3,
      },
    ]);
  });

  it('is not what fewer than half of a cohort do, nor fewer than three', () => {
    expect(spread(new FleetWorld(), ['a', 'b', 'c'], HOUR_MS, 'x', 7)).toEqual([]);
    expect(spread(new FleetWorld(), ['a', 'b'], HOUR_MS, 'x', 2)).toEqual([]);
  });

  it('is not what one agent does, however often', () => {
    expect(spread(new FleetWorld(), ['a', 'a', 'a', 'a', 'a'], HOUR_MS)).toEqual([]);
  });

  it('is not what takes longer than a day', () => {
    expect(spread(new FleetWorld(), ['a', 'b', 'c'], 13 * HOUR_MS)).toEqual([]);
  });

  it('is of one endpoint and one cohort', () => {
    const world = new FleetWorld();
    expect([...spread(world, ['a', 'b'], HOUR_MS, 'x'), ...spread(world, ['c'], HOUR_MS, 'y')]).toEqual([]);
    const timeMs = world.nowMs + 1;
    expect(world.run([{ signals: [meeting('c', ['x'], timeMs, { cohort: 'role::chief' })] }])).toEqual([]);
    expect(world.run([{ signals: [meeting('c', ['x'], timeMs)] }])).toHaveLength(1);
  });

  it('is remembered by a snapshot', () => {
    const first = new FleetWorld();
    spread(first, ['a', 'b'], HOUR_MS);
    const second = new FleetWorld(first.snapshot());
    second.nowMs = first.nowMs;
    expect(spread(second, ['c'], HOUR_MS)).toHaveLength(1);
  });
});
