import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/math/random.js';

const draw = (n: number, next: () => number): number[] => Array.from({ length: n }, next);
const mean = (list: number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length;
const variance = (list: number[]): number => {
  const centre = mean(list);
  return mean(list.map((x) => (x - centre) * (x - centre)));
};

describe('createRandom', () => {
  test('the first words of a seed never change: recordings depend on them', () => {
    const random = createRandom(1);
    expect(draw(4, random.uint32)).toEqual([4009572772, 4069188559, 1993716997, 3485554747]);
  });

  test('xoshiro128** itself: the reference sequence from state 1, 2, 3, 4', () => {
    const random = createRandom(0);
    random.restore([1, 2, 3, 4]);
    const expected = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];
    expect(draw(8, random.uint32)).toEqual(expected);
  });

  test('a number and its text are one seed, neighbours are not', () => {
    expect(createRandom(7).uint32()).toBe(createRandom('7').uint32());
    const firsts = new Set(Array.from({ length: 2000 }, (_, seed) => createRandom(seed).uint32()));
    expect(firsts.size).toBe(2000);
  });

  test('save and restore go on with the same numbers, whatever was drawn before', () => {
    const random = createRandom('state');
    draw(7, random.normal);
    const state = random.save();
    const rest = draw(20, random.normal);
    const other = createRandom('elsewhere');
    other.restore(state);
    expect(draw(20, other.normal)).toEqual(rest);
  });

  test('next stays in [0, 1) and is uniform over ten bins', () => {
    const random = createRandom('uniform');
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 20000; i++) {
      const x = random.next();
      expect(x >= 0 && x < 1).toBe(true);
      bins[Math.floor(x * 10)]++;
    }
    for (const count of bins) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  test('below reaches every value and nothing else', () => {
    const random = createRandom('below');
    expect([...new Set(draw(500, () => random.below(7)))].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(random.below(1)).toBe(0);
  });

  test('normal, exponential, gamma and poisson have their means and variances', () => {
    const random = createRandom('moments');
    const cases: [string, () => number, number, number][] = [
      ['normal', random.normal, 0, 1],
      ['exponential', random.exponential, 1, 1],
      ['gamma 0.4', () => random.gamma(0.4), 0.4, 0.4],
      ['gamma 6', () => random.gamma(6), 6, 6],
      ['poisson 0.7', () => random.poisson(0.7), 0.7, 0.7],
      ['poisson 80', () => random.poisson(80), 80, 80],
    ];
    for (const [name, next, expectedMean, expectedVariance] of cases) {
      const drawn = draw(20000, next);
      expect(Math.abs(mean(drawn) - expectedMean), name).toBeLessThan(5 * Math.sqrt(expectedVariance / 20000));
      expect(Math.abs(variance(drawn) / expectedVariance - 1), name).toBeLessThan(0.12);
    }
    expect(random.poisson(0)).toBe(0);
    expect(random.poisson(-1)).toBe(0);
  });

  test('shuffle keeps the members; every place is reached by every member', () => {
    const random = createRandom('shuffle');
    const places = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const list = random.shuffle(['a', 'b', 'c', 'd']);
      expect([...list].sort()).toEqual(['a', 'b', 'c', 'd']);
      list.forEach((member, place) => {
        places.add(`${member}${place}`);
      });
    }
    expect(places.size).toBe(16);
  });
});
