import { describe, expect, it } from 'vitest';
import { PrequentialForest } from '../../src/learn/prequential.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { areaUnderCurve } from '../detect/forest-sets.js';

type Row = readonly number[];
interface Labelled {
  readonly row: Row;
  readonly outlier: boolean;
}

function scores(rows: readonly Row[], seed: number): number[] {
  const forest = new PrequentialForest(rows[0].length, seed);
  return rows.map((row) => forest.score(Float64Array.from(row)));
}

function area(rows: readonly Labelled[], seed: number): number {
  return areaUnderCurve(
    scores(
      rows.map(({ row }) => row),
      seed,
    ),
    rows.map(({ outlier }) => outlier),
  );
}

function many(n: number, outlier: boolean, make: () => Row): Labelled[] {
  return Array.from({ length: n }, () => ({ row: make(), outlier }));
}

/** A row of one of three clusters. */
function ordinary(random: Random): Row {
  const centre = random.pick([-3, 0, 4]);
  return [centre + random.normal(), -centre + random.normal(), 0.5 * centre + random.normal(), random.normal()];
}

function meanArea(rowsOf: (random: Random) => Labelled[]): number {
  const areas = [1, 2, 3].map((seed) => area(rowsOf(createRandom(`rows ${seed}`)), seed));
  return areas.reduce((sum, one) => sum + one, 0) / areas.length;
}

describe('rows, each scored by those before it', () => {
  it('ranks scattered outliers above the clusters', () => {
    const far = (random: Random) => [0, 0, 0, 0].map(() => random.between(-9, 9));
    const rowsOf = (random: Random) =>
      random.shuffle([...many(6000, false, () => ordinary(random)), ...many(120, true, () => far(random))]);
    expect(meanArea(rowsOf)).toBeGreaterThan(0.97);
  });

  it('finds a burst of outliers alike, in its natural order', () => {
    const alike = (random: Random) => [8, 8, 8, 2].map((centre) => centre + 0.1 * random.normal());
    const rowsOf = (random: Random) => [
      ...many(6000, false, () => ordinary(random)),
      ...many(500, true, () => alike(random)),
      ...many(3000, false, () => ordinary(random)),
    ];
    expect(meanArea(rowsOf)).toBeGreaterThan(0.98);
  });

  it('finds one wild number among twelve', () => {
    const twelve = (random: Random) => Array.from({ length: 12 }, () => random.normal());
    const wild = (random: Random) => {
      const row = twelve(random);
      row[random.below(12)] = (random.next() < 0.5 ? -1 : 1) * random.between(4.5, 6);
      return row;
    };
    const rowsOf = (random: Random) =>
      random.shuffle([...many(4000, false, () => twelve(random)), ...many(80, true, () => wild(random))]);
    expect(meanArea(rowsOf)).toBeGreaterThan(0.97);
  });

  it('ranks in a small table too', () => {
    const far = (random: Random) => [0, 0, 0, 0].map(() => random.between(-9, 9));
    const rowsOf = (random: Random) =>
      random.shuffle([...many(300, false, () => ordinary(random)), ...many(15, true, () => far(random))]);
    expect(meanArea(rowsOf)).toBeGreaterThan(0.88);
  });

  it('follows a change: what was strange becomes ordinary', () => {
    const random = createRandom('change');
    const moved = (): Row => ordinary(random).map((value) => value + 20);
    const rows = [...many(3000, false, () => ordinary(random)), ...many(60_000, false, moved)];
    const scored = scores(
      rows.map(({ row }) => row),
      1,
    );
    const mean = (part: readonly number[]) => part.reduce((sum, score) => sum + score, 0) / part.length;
    const [before, first, last] = [scored.slice(2000, 3000), scored.slice(3000, 3100), scored.slice(-1000)].map(mean);
    expect(first).toBeGreaterThan(before + 0.2);
    expect(last).toBeLessThan(before + 0.1);
  });

  it('comes out the same again with the same seed, never looks ahead, and is another with another seed', () => {
    const random = createRandom('same');
    const rows = Array.from({ length: 1500 }, () => ordinary(random));
    const scored = scores(rows, 7);
    expect(scores(rows, 7)).toEqual(scored);
    expect(scores(rows.slice(0, 900), 7)).toEqual(scored.slice(0, 900));
    expect(scores(rows, 8)).not.toEqual(scored);
    expect(scored.slice(0, 16)).toEqual(new Array<number>(16).fill(0.5));
  });

  it('scores a row with a number missing, and learns nothing from it', () => {
    const random = createRandom('missing');
    const rows = Array.from({ length: 400 }, () => ordinary(random));
    const plain = new PrequentialForest(4, 1);
    const holed = new PrequentialForest(4, 1);
    for (const row of rows) {
      const score = plain.score(Float64Array.from(row));
      const hole = holed.score(Float64Array.from([Number.NaN, ...row.slice(1)]));
      expect(hole).toBeGreaterThan(0);
      expect(holed.score(Float64Array.from(row))).toBe(score);
    }
  });
});
