import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootOf } from '../../src/agent/lineage.js';
import { partitionOf } from '../../src/engine/partition.js';

describe('rootOf', () => {
  it.each([
    ['clerk', null, 'clerk'],
    ['clerk/sub-1', null, 'clerk/sub-1'],
    ['clerk', 'clerk', 'clerk'],
    ['crew/sub-40', 'crew/sub-02', 'crew'],
    ['crew/sub-40', 'crew', 'crew'],
    ['crew', 'crew/sub-02', 'crew'],
    ['crew/a/b', 'crew/a', 'crew/a'],
    ['crew/a/b', 'crew/a/c', 'crew/a'],
    ['crew/a/b', 'crew', 'crew'],
    ['crew/ab', 'crew/a', 'crew'],
    ['crew/a', 'crew/ab', 'crew'],
    ['crew-2/a', 'crew/a', 'crew-2/a'],
    ['crewa', 'crew', 'crewa'],
    ['crew', 'crewa', 'crew'],
    ['helper', 'crew', 'helper'],
    ['агент/один', 'агент/два', 'агент'],
    ['/odd', '/even', '/odd'],
  ])('of %s under %s is %s', (agent, parent, root) => {
    expect(rootOf(agent, parent)).toBe(root);
  });

  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'crew'), { minLength: 1, maxLength: 4 })
    .map((p) => p.join('/'));

  it('is whole segments that the agent begins with, and the same for the root itself', () => {
    fc.assert(
      fc.property(path, path, (agent, parent) => {
        const root = rootOf(agent, parent);
        expect(root.length).toBeGreaterThan(0);
        expect(`${agent}/`.startsWith(`${root}/`)).toBe(true);
        expect(rootOf(root, parent)).toBe(root);
      }),
    );
  });

  it('gives agent and parent one root where they share a first segment', () => {
    fc.assert(
      fc.property(path, path, (agent, parent) => {
        if (agent.split('/')[0] === parent.split('/')[0]) expect(rootOf(agent, parent)).toBe(rootOf(parent, agent));
        else expect(rootOf(agent, parent)).toBe(agent);
      }),
    );
  });

  it('stays in the partition of the agent', () => {
    fc.assert(
      fc.property(path, path, fc.integer({ min: 1, max: 64 }), (agent, parent, partitions) => {
        expect(partitionOf('acme', rootOf(agent, parent), partitions)).toBe(partitionOf('acme', agent, partitions));
      }),
    );
  });
});
