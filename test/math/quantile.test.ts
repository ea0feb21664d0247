import { describe, expect, it } from 'vitest';
import { countRange } from '../../src/math/quantile.js';

/** P(X <= x) of a negative binomial by plain summation, each probability from the one before. */
function cumulated(x: number, mean: number, k: number): number {
  const p = mean / (mean + k);
  let probability = Math.exp(k * Math.log1p(-p));
  let sum = 0;
  for (let j = 0; j <= x; j++) {
    sum += probability;
    probability *= (p * (k + j)) / (j + 1);
  }
  return sum;
}

describe('the range of a count', () => {
  it.each([
    [0.3, 1, 0.005],
    [4, 4.5, 0.005],
    [20, 60, 0.005],
    [120, 5_000, 0.005],
    [20, 60, 0.1],
  ])('of mean %d and variance %d leaves at most %d on each side, and no narrower one does', (mean, variance, p) => {
    const k = (mean * mean) / (variance - mean);
    const { low, high } = countRange(mean, variance, p);
    expect(1 - cumulated(high, mean, k)).toBeLessThanOrEqual(p);
    expect(1 - cumulated(high - 1, mean, k)).toBeGreaterThan(p);
    expect(low === 0 ? 0 : cumulated(low - 1, mean, k)).toBeLessThanOrEqual(p + 1e-12);
    expect(cumulated(low, mean, k)).toBeGreaterThan(p);
  });

  it('is that of a Poisson count where the variance is the mean, and nothing of nothing', () => {
    // Quantiles at .005 and .995 of a Poisson variable of mean 10.
    expect(countRange(10, 10, 0.005)).toEqual({ low: 3, high: 19 });
    expect(countRange(10, 3, 0.005)).toEqual({ low: 3, high: 19 });
    expect(countRange(0, 0, 0.005)).toEqual({ low: 0, high: 0 });
  });
});
