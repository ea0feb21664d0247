import { describe, expect, it } from 'vitest';
import { CUTS, createForest, forestToJson, LEAF, scoreForest } from '../../src/detect/forest.js';
import {
  createRotation,
  growForest,
  growTree,
  type Rotation,
  rotate,
  rotationFromJson,
  rotationToJson,
} from '../../src/learn/grow-forest.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { areaUnderCurve } from '../detect/forest-sets.js';

const DIMS = 4;

function normalRows(count: number, random: Random, mean = 0): Float64Array {
  return Float64Array.from({ length: count * DIMS }, () => mean + random.normal());
}

function scores(rotation: Rotation, rows: Float64Array): number[] {
  return Array.from({ length: rows.length / DIMS }, (_, i) => scoreForest(rotation.forest, rows, i * DIMS));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('growTree', () => {
  it('leaves no side of a split empty, and no row of the sample outside an acceptable range', () => {
    const random = createRandom('tree');
    const rows = normalRows(64, random);
    const forest = createForest(DIMS, 2, 64);
    growTree(forest, 1, rows, 64, random);
    const visited = new Set<number>();
    for (let i = 0; i < 64; i++) {
      let node = forest.nodesMax;
      visited.add(node);
      while (forest.feature[node] !== LEAF) {
        const value = rows[i * DIMS + forest.feature[node]];
        const [threshold, low, high] = forest.cuts.subarray(node * CUTS, node * CUTS + CUTS);
        expect(value >= low && value <= high).toBe(true);
        node = value < threshold ? node + 1 : forest.right[node];
        visited.add(node);
      }
    }
    const made = forest.cuts.filter((cut, i) => i % CUTS === 0 && cut !== 0).length;
    expect(visited.size).toBe(made);
    expect(forest.feature.subarray(0, forest.nodesMax).every((feature) => feature === LEAF)).toBe(true);
  });

  it('splits neighbouring doubles, and makes a leaf of rows that are all the same', () => {
    const random = { next: () => 0 };
    const close = Float64Array.of(1, 1 + Number.EPSILON);
    const pair = growForest(close, 1, random, { trees: 1, psi: 2 });
    expect(Array.from(pair.feature)).toEqual([0, LEAF, LEAF]);
    expect(pair.cuts[0]).toBe(1 + Number.EPSILON);
    const same = growForest(new Float64Array(32).fill(3), 1, random, { trees: 1, psi: 32 });
    expect(same.feature.every((feature) => feature === LEAF)).toBe(true);
    expect(scoreForest(same, Float64Array.of(3), 0)).toBeCloseTo(0.5, 12);
  });

  it('splits the widest doubles there are', () => {
    const forest = growForest(Float64Array.of(-1.7e308, 1.7e308), 1, createRandom('wide'), { trees: 8, psi: 2 });
    expect(forest.feature.filter((feature) => feature === 0).length).toBe(8);
    expect(scoreForest(forest, Float64Array.of(0), 0)).toBeGreaterThan(0);
  });
});

describe('growForest', () => {
  it('is exact: the same rows and seed give the same bits, another seed others', () => {
    const rows = normalRows(500, createRandom('rows'));
    const grow = (seed: string) => JSON.stringify(forestToJson(growForest(rows, DIMS, createRandom(seed))));
    expect(grow('a')).toBe(grow('a'));
    expect(grow('a')).not.toBe(grow('b'));
  });

  it('makes do with few rows, and learns nothing from one', () => {
    const random = createRandom('few');
    expect(growForest(normalRows(20, random), DIMS, random).psi).toBe(20);
    expect(growForest(normalRows(1, random), DIMS, random).grown).toBe(false);
    expect(growForest(new Float64Array(0), DIMS, random).grown).toBe(false);
  });
});

describe('rotate', () => {
  const options = { dims: DIMS, trees: 16, psi: 64, capacity: 1024 };

  it('grows all trees when the ring first holds psi rows, then one every rebuildEvery rows, oldest first', () => {
    const random = createRandom('pace');
    const rotation = createRotation(options);
    expect(rotation.rebuildEvery).toBe(64);
    rotate(rotation, normalRows(63, random), random);
    expect(rotation.forest.grown).toBe(false);
    rotate(rotation, normalRows(1, random), random);
    expect(rotation.forest.grown).toBe(true);
    let before = rotation.forest.cuts.slice();
    for (let turn = 0; turn < 18; turn++) {
      rotate(rotation, normalRows(63, random), random);
      expect(rotation.forest.cuts).toEqual(before);
      rotate(rotation, normalRows(1, random), random);
      const changed = new Set<number>();
      const perTree = rotation.forest.nodesMax * CUTS;
      before.forEach((cut, i) => {
        if (cut !== rotation.forest.cuts[i]) changed.add(Math.floor(i / perTree));
      });
      expect([...changed]).toEqual([turn % 16]);
      before = rotation.forest.cuts.slice();
    }
  });

  it('follows a stream that drifts: the new becomes normal, the old strange', () => {
    const random = createRandom('drift');
    const rotation = createRotation(options);
    rotate(rotation, normalRows(2048, random), random);
    const old = normalRows(200, random);
    const fresh = normalRows(200, random, 5);
    const outlier = [...new Array(200).fill(false), ...new Array(200).fill(true)];
    const level = meanOf(scores(rotation, old));
    expect(areaUnderCurve([...scores(rotation, old), ...scores(rotation, fresh)], outlier)).toBeGreaterThan(0.99);

    rotate(rotation, normalRows(2048, random, 5), random);
    expect(meanOf(scores(rotation, fresh))).toBeCloseTo(level, 1);
    expect(areaUnderCurve([...scores(rotation, fresh), ...scores(rotation, old)], outlier)).toBeGreaterThan(0.99);
  });

  it('is the same wherever the stream is cut, through JSON and back', () => {
    const rows = normalRows(1500, createRandom('stream'));
    const whole = createRotation(options);
    rotate(whole, rows, createRandom('seed'));
    for (const cut of [0, 10, 64, 700, 1499]) {
      const random = createRandom('seed');
      const head = createRotation(options);
      rotate(head, rows.subarray(0, cut * DIMS), random);
      const state = random.save();
      const restored = rotationFromJson(JSON.parse(JSON.stringify(rotationToJson(head)))) as Rotation;
      expect(restored).toEqual(head);
      const later = createRandom('other');
      later.restore(state);
      rotate(restored, rows.subarray(cut * DIMS), later);
      expect(rotationToJson(restored)).toEqual(rotationToJson(whole));
    }
  });

  it('leaves out rows that are not finite', () => {
    const random = createRandom('finite');
    const rotation = createRotation(options);
    const rows = normalRows(4, random);
    rows[DIMS] = Number.NaN;
    rows[2 * DIMS + 3] = Infinity;
    expect(rotate(rotation, rows, random)).toBe(2);
    expect(rotation.ring.count).toBe(2);
    expect(rotation.ring.rows.subarray(DIMS, 2 * DIMS)).toEqual(rows.subarray(3 * DIMS));
  });

  it('refuses a broken rotation, as a value that says why', () => {
    const random = createRandom('broken');
    const rotation = createRotation(options);
    rotate(rotation, normalRows(100, random), random);
    const good = rotationToJson(rotation);
    const broken: [unknown, RegExp][] = [
      [7, /not an object/],
      [{ ...good, forest: null }, /forest/],
      [{ ...good, capacity: 8 }, /capacity is 8/],
      [{ ...good, count: 101 }, /next is 100/],
      [{ ...good, rows: '' }, /100 rows/],
      [{ ...good, rebuildEvery: 0 }, /rebuildEvery is 0/],
      [{ ...good, pending: 64 }, /pending is 64/],
      [{ ...good, oldest: 16 }, /oldest is 16/],
    ];
    for (const [json, reason] of broken) {
      expect(rotationFromJson(json)).toMatchObject({
        rejected: true,
        code: 'model.invalid',
        reason: expect.stringMatching(reason),
      });
    }
  });
});
