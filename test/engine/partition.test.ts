import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';

describe('partitionOf', () => {
  it('keeps its places for ever: a changed number strands profiles', () => {
    expect([
      partitionOf('', 'clerk', 1024),
      partitionOf('acme', 'clerk', 1024),
      partitionOf('', 'агент', 1024),
      partitionOf('', '', 1024),
    ]).toEqual([reference('', 'clerk'), reference('acme', 'clerk'), reference('', 'агент'), reference('', '')]);
    expect(partitionOf('', 'clerk', 1024)).toBe(PINNED.clerk);
    expect(partitionOf('acme', 'clerk', 1024)).toBe(PINNED.acmeClerk);
  });

  it('puts an agent and all its sub-agents together, in range', () => {
    const name = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(name, name, name, fc.integer({ min: 1, max: 64 }), (tenant, agent, sub, partitions) => {
        const place = partitionOf(tenant, agent, partitions);
        expect(place).toBeGreaterThanOrEqual(0);
        expect(place).toBeLessThan(partitions);
        expect(partitionOf(tenant, `${agent}/${sub}`, partitions)).toBe(place);
        expect(partitionOf(tenant, agent.split('/')[0], partitions)).toBe(place);
      }),
    );
  });

  it('tells tenant and agent apart and spreads names evenly', () => {
    expect(partitionOf('ab', 'c', 1 << 30)).not.toBe(partitionOf('a', 'bc', 1 << 30));
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 8000; i++) counts[partitionOf('', `agent-${i}`, 8)] += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

/** FNV-1a as its paper states it, byte by byte in exact integers. */
function reference(tenant: string, root: string): number {
  let hash = 0x811c9dc5n;
  for (const byte of Buffer.from(`${tenant}\0${root}`, 'utf16le')) {
    hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  }
  return Number(hash % 1024n);
}

const PINNED = { clerk: 942, acmeClerk: 4 };
