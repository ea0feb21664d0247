import { describe, expect, it } from 'vitest';
import type { EdgeRecord } from '../../src/engine/signal.js';
import { edgeOf, FleetWorld } from './fleet-world.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, START_MS } from './world.js';

const DAY = DAY_MS / MINUTE_MS;

/** Edges at their own times, in order; each is in use for one minute. */
function told(world: FleetWorld, edges: readonly EdgeRecord[]) {
  return edges.flatMap((edge) => {
    world.calm(Math.max(0, (edge.timeMs - world.nowMs) / MINUTE_MS - 1), 0);
    return world.run([{ edges: [edge] }]);
  });
}

function uses(agent: string, dayOf: number, key = 'c0ffee00c0ffee00', changes: Partial<EdgeRecord> = {}): EdgeRecord {
  return edgeOf({ by: 'credential', key, agent, timeMs: START_MS + dayOf * DAY_MS, ...changes });
}

describe('one credential under several agents', () => {
  it('names the newcomer, once, and whom it shares with', () => {
    const records = told(new FleetWorld(), [uses('clerk', 0), uses('clerk', 2), uses('thief', 3), uses('thief', 3.1)]);
    expect(records).toMatchObject([
      { state: 'shared-credential', agent: 'thief', root: 'thief', others: ['clerk'], bound: true },
    ]);
  });

  it('says nothing of what was shared from the start, nor of what was handed out together', () => {
    expect(told(new FleetWorld(), [uses('a', 0), uses('b', 0.9), uses('a', 3), uses('b', 4)])).toEqual([]);
    const later = { key: 'beef' };
    const soon = 5 + (HOUR_MS - 1) / DAY_MS;
    expect(told(new FleetWorld(), [uses('z', 0), uses('a', 5, 'beef'), uses('b', soon, 'beef', later)])).toEqual([]);
  });

  it('says nothing where it passes from one agent to another', () => {
    expect(told(new FleetWorld(), [uses('a', 0), uses('b', 8)])).toEqual([]);
  });

  it('says nothing of those who share another already', () => {
    const edges = [uses('a', 0), uses('b', 0.5), uses('a', 4, 'new'), uses('b', 5, 'new')];
    expect(told(new FleetWorld(), edges)).toEqual([]);
  });

  it('says nothing of an agent and those that work for it', () => {
    const parent = edgeOf({ by: 'parent', key: 'chief', agent: 'helper', timeMs: START_MS + 2 * DAY_MS });
    expect(told(new FleetWorld(), [uses('chief', 0), parent, uses('helper', 3), uses('chief/sub-1', 4)])).toEqual([]);
  });

  it('keeps tenants apart', () => {
    expect(told(new FleetWorld(), [uses('a', 0), uses('b', 3, undefined, { tenant: 'acme' })])).toEqual([]);
  });

  it('is told unbound where the sender was: it stops nobody', () => {
    const [record] = told(new FleetWorld(), [uses('a', 0), uses('b', 3, undefined, { bound: false })]);
    expect(record).toMatchObject({ agent: 'b', bound: false });
  });
});

/** So many sub-agents of a root, named apart, in one minute of a day. */
function children(root: string, count: number, dayOf: number, depth = 1): EdgeRecord[] {
  const parent = depth === 1 ? root : `${root}/level-${depth - 1}`;
  return Array.from({ length: count }, (_, i) =>
    edgeOf({
      by: 'parent',
      key: parent,
      agent: `${root}/level-${depth}${i === 0 ? '' : `-${i}`}`,
      root,
      timeMs: START_MS + dayOf * DAY_MS,
    }),
  );
}

describe('a delegation tree', () => {
  it('is told where it is much broader than in the week before, once a day', () => {
    const world = new FleetWorld();
    for (let day = 0; day < 4; day++) {
      expect(world.run([{ edges: children('chief', 5, day) }])).toEqual([]);
      world.calm(DAY - 1, 0);
    }
    const records = world.run([{ edges: children('chief', 60, 4) }, { edges: children('chief', 70, 4) }]);
    expect(records).toMatchObject([{ state: 'delegation-tree', how: 'broader', agent: 'chief', expected: 5 }]);
  });

  it('is told where it is deeper than in the week before', () => {
    const world = new FleetWorld();
    world.run([{ edges: children('chief', 2, 0) }, { edges: children('chief', 2, 2) }]);
    expect(world.run([{ edges: children('chief', 1, 3, 2) }])).toMatchObject([
      { how: 'deeper', observed: 2, expected: 1 },
    ]);
    expect(world.run([{ edges: children('chief', 1, 4, 2) }])).toEqual([]);
  });

  it('says nothing in its first day', () => {
    expect(new FleetWorld().run([{ edges: [...children('chief', 60, 0), ...children('chief', 1, 0.5, 2)] }])).toEqual(
      [],
    );
  });

  it('is told where an agent of one tree begins to work for another, once', () => {
    const works = (key: string, dayOf: number): EdgeRecord =>
      edgeOf({ by: 'parent', key, agent: 'helper', timeMs: START_MS + dayOf * DAY_MS });
    const world = new FleetWorld();
    expect(told(world, [works('chief', 0), works('other', 3), works('chief', 3.1), works('third', 4)])).toMatchObject([
      { how: 'shared', agent: 'helper', other: 'other' },
    ]);
  });

  it('is remembered by a snapshot', () => {
    const first = new FleetWorld();
    first.run([{ edges: children('chief', 2, 0) }, { edges: children('chief', 2, 2) }]);
    const second = new FleetWorld(first.snapshot());
    expect(second.snapshot()).toEqual(first.snapshot());
    expect(second.run([{ edges: children('chief', 1, 3, 2) }])).toHaveLength(1);
  });
});
