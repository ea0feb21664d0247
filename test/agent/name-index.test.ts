import { describe, expect, it } from 'vitest';
import { NameIndex } from '../../src/agent/name-index.js';
import { hash64 } from '../../src/math/hash.js';
import { createRandom } from '../../src/math/random.js';

const SEED = 7;

/** An index with its names, and a Map that says what it should. */
function setUp() {
  const names: string[] = [];
  const index = new NameIndex(names, SEED);
  const truth = new Map<string, number>();
  const add = (name: string): void => {
    const slot = names.push(name) - 1;
    index.add(name, slot);
    truth.set(name, slot);
  };
  const remove = (name: string): void => {
    index.remove(name);
    names[truth.get(name) as number] = '';
    truth.delete(name);
  };
  return { index, truth, add, remove };
}

/** Names whose hashes want the same place of an index of 16. */
function crowd(count: number): string[] {
  const hash = new Uint32Array(2);
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    hash64(`name-${i}`, SEED, hash);
    if ((hash[1] & 15) === 14) names.push(`name-${i}`);
  }
  return names;
}

describe('name index', () => {
  it('knows what a Map knows, through any mixture of entering and leaving', () => {
    const random = createRandom('names');
    const { index, truth, add, remove } = setUp();
    for (let step = 0; step < 5000; step++) {
      const known = [...truth.keys()];
      if (random.next() < 0.55 || known.length === 0) add(`agent-${step}`);
      else remove(known[random.below(known.length)]);
    }
    expect(truth.size).toBeGreaterThan(300);
    for (const [name, slot] of truth) expect(index.find(name), name).toBe(slot);
    for (let step = 0; step < 5000; step++) {
      if (!truth.has(`agent-${step}`)) expect(index.find(`agent-${step}`)).toBe(-1);
    }
  });

  it('finds what stands beyond one that left, round the end of the table too', () => {
    const names = crowd(6);
    for (const gone of names) {
      const { index, truth, add, remove } = setUp();
      for (const name of names) add(name);
      remove(gone);
      expect(index.find(gone)).toBe(-1);
      for (const [name, slot] of truth) expect(index.find(name), `${name} without ${gone}`).toBe(slot);
    }
  });

  it('is not disturbed by one that leaves without having entered', () => {
    const { index, add } = setUp();
    add('here');
    index.remove('elsewhere');
    expect(index.find('here')).toBe(0);
    expect(index.find('')).toBe(-1);
  });
});
