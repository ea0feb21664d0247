import { describe, expect, it } from 'vitest';
import {
  combineCauchy,
  gumbelQuantile,
  gumbelTail,
  incompleteBeta,
  lnBinomialTail,
  lnGamma,
  lnGumbelTail,
  lnNegativeBinomialTail,
  lnNormalTail,
  lnPoissonTail,
  negativeBinomialTail,
} from '../../src/math/tail.js';

/*
 * Reference numbers: mpmath 1.4.1 at 60 digits, from the definitions (x^a y^b/(a B(a,b)) 2F1(1, a+b; a+1; x) for the
 * incomplete beta, m^x e^-m/gamma(x+1) 1F1(1; x+1; m) for the incomplete gamma, erfc for the normal), compared with
 * scipy 1.17.1 (stats.nbinom, poisson, binom, norm, gumbel_r: logsf at x - 1), which agrees to 12 digits wherever x is
 * whole and its sf does not underflow.
 */

/** Relative error below 1e-10 of p for ordinary tails, and of 1 - p where p is nearly 1. */
function expectLn(got: number, want: number): void {
  expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-10 * Math.min(1, Math.abs(want)));
}

describe('lnGamma', () => {
  it.each([
    [1e-6, 13.815509980749432],
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247001],
    [1, 0],
    [1.5, -0.12078223763524522],
    [2, 0],
    [9.99, 12.779315214350193],
    [10, 12.80182748008147],
    [33.3, 82.60372358165495],
    [1e6, 12815504.569147613],
  ])('of %f', (x, want) => {
    expect(Math.abs(lnGamma(x) - want)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(want)));
  });
});

describe('incompleteBeta', () => {
  it.each([
    [2, 3, 0.4, 0.5248],
    [0.5, 0.5, 0.1, 0.20483276469913347],
    [50, 2, 0.97, 0.5451634383685185],
    [1e4, 1e4, 0.501, 0.6113500478574625],
    [1e6, 1e6, 0.4995, 0.07864957758090163],
  ])('I(%f, %f) at %f', (a, b, x, want) => {
    expect(Math.abs(incompleteBeta(a, b, x) / want - 1)).toBeLessThan(1e-11);
  });
});

describe('negative binomial tail', () => {
  it.each([
    [1, 1, 1, -Math.LN2],
    [3, 2, 0.5, -1.3221195184300514],
    [30, 10, 4, -4.9990941936007465],
    [25.5, 10, 4, -3.896939461327078],
    [0.5, 0.2, 2, -0.8242541869577745],
    [100, 10, 4, -25.24735537516796],
    [1000, 10, 4, -321.28552436740415],
    [1000, 10, 1e6, -3619.043651644959],
    [400, 3, 1e9, -1564.0481946278182],
    [20, 3, 1e11, -23.21044423324461],
    [5, 20, 3, -0.05308312338048391],
    [2000, 1500, 50, -4.146445291207797],
    [1, 1e-3, 1e-4, -8.33586888142034],
    [3600, 1.5, 4, -4655.597817601926],
    [60, 0.01, 0.3, -209.980252746444],
    [1e6, 9e5, 200, -2.7838682382402555],
    [8, 4, 1e-3, -5.169447832777406],
  ])('P(NB >= %f), mean %f, dispersion %f', (x, mean, k, want) => {
    expectLn(lnNegativeBinomialTail(x, mean, k), want);
    expect(negativeBinomialTail(x, mean, k)).toBeCloseTo(Math.exp(want), 11);
  });

  it('is 1 at nothing, falls with x, and goes over into Poisson without a step', () => {
    expect(negativeBinomialTail(0, 5, 2)).toBe(1);
    for (const k of [0.01, 1, 50, 1e5]) {
      let last = 0;
      for (let x = 0.25; x < 60; x += 0.25) {
        const ln = lnNegativeBinomialTail(x, 7, k);
        expect(ln).toBeLessThan(last);
        last = ln;
      }
    }
    expect(lnNegativeBinomialTail(50, 3, 0.999e12)).toBeCloseTo(lnNegativeBinomialTail(50, 3, Infinity), 8);
  });

  it('stays finite where nothing of the probability is left', () => {
    expect(lnNegativeBinomialTail(1e6, 1e-6, 1e-9)).toBeLessThan(-10);
    expect(Number.isFinite(lnNegativeBinomialTail(1e6, 1e-3, 1e6))).toBe(true);
    expect(Number.isFinite(lnPoissonTail(1e6, 1e-3))).toBe(true);
  });
});

describe('Poisson tail', () => {
  it.each([
    [1, 1, -0.4586751453870819],
    [10, 3, -6.810185717036396],
    [50, 3, -96.48660265158422],
    [300, 10, -734.0965389577393],
    [2.5, 0.7, -2.581152468147601],
    [3, 10, -0.002773237586573018],
    [1000, 900, -7.5057699942338925],
    [1e6, 1.001e6, -0.17275373112418319],
    [1e6, 995000, -15.106647347552954],
  ])('P(Poisson >= %f), mean %f', (x, mean, want) => {
    expectLn(lnPoissonTail(x, mean), want);
  });

  it('of nothing is 1', () => {
    expect(lnPoissonTail(0, 3)).toBe(0);
  });
});

describe('binomial tail', () => {
  it.each([
    [3, 10, 0.1, -2.6565376545521713],
    [9, 10, 0.01, -39.152987325550924],
    [500, 1000, 0.3, -90.30068886769506],
    [10, 10, 0.5, -6.931471805599453],
    [900, 1000, 0.3, -797.2810238258679],
    [20, 1000, 0.1, -1.0818448919070357e-24],
    [200, 200, 0.001, -1381.5510557964274],
  ])('P(Binomial >= %f), n %f, p %f', (x, n, p, want) => {
    expectLn(lnBinomialTail(x, n, p), want);
  });

  it('keeps to its edges', () => {
    expect(lnBinomialTail(0, 10, 0.2)).toBe(0);
    expect(lnBinomialTail(11, 10, 0.2)).toBe(-Infinity);
    expect(lnBinomialTail(3, 10, 0)).toBe(-Infinity);
    expect(lnBinomialTail(3, 10, 1)).toBe(0);
  });
});

describe('normal tail', () => {
  it.each([
    [0, -Math.LN2],
    [0.01, -0.7011578934443701],
    [1, -1.8410216450092636],
    [-1, -0.17275377902344988],
    [3, -6.607726221510349],
    [-5, -2.866516129637636e-7],
    [10, -53.23128515051247],
    [37, -689.0305855768906],
    [100, -5005.524208694205],
  ])('P(Z >= %f)', (z, want) => {
    expectLn(lnNormalTail(z), want);
  });
});

describe('Gumbel law', () => {
  it.each([
    [3, 0, 1, 0.04856800709954659, -3.0247902549765606],
    [40, 2, 1.5, 9.951146618688373e-12, -25.33333333333831],
    [-2, 0, 1, 0.9993820210106689, -0.0006181700170515202],
  ])('P(X >= %f), location %f, scale %f', (x, mu, beta, want, wantLn) => {
    expect(Math.abs(gumbelTail(x, mu, beta) / want - 1)).toBeLessThan(1e-13);
    expectLn(lnGumbelTail(x, mu, beta), wantLn);
  });

  it('keeps its logarithm where the tail itself is gone', () => {
    expect(gumbelTail(2000, 10, 2)).toBe(0);
    expect(lnGumbelTail(2000, 10, 2)).toBe(-995);
    expect(lnGumbelTail(-5000, 10, 2)).toBeCloseTo(0, 12);
  });

  it('has an inverse', () => {
    for (const p of [1e-12, 1e-4, 0.3, 0.9, 0.999]) {
      expect(Math.abs(gumbelTail(gumbelQuantile(p, 3, 0.7), 3, 0.7) / p - 1)).toBeLessThan(1e-13);
    }
  });
});

describe('Cauchy combination', () => {
  const combine = (p: number[], weights: number[]) => combineCauchy(p, weights);

  it.each([
    [[0.01, 0.02, 0.5], [1, 1, 1], 0.019986862134698507],
    [[1e-20, 0.3], [1, 3], 4e-20],
    [[1e-200, 0.9, 0.9], [1, 1, 1], 3e-200],
    [[0.7, 0.9, 0.95], [1, 2, 1], 0.906313181018093],
    [[1e-5, 0.99], [1, 1], 2.002001340686773e-5],
  ])('of %j with weights %j', (p, weights, want) => {
    expect(Math.abs(combine(p, weights) / want - 1)).toBeLessThan(1e-13);
  });

  it('leaves a single p-value as it is', () => {
    for (const p of [1e-250, 1e-9, 0.2, 0.5, 0.8, 0.99])
      expect(Math.abs(combine([p], [0.4]) / p - 1)).toBeLessThan(1e-14);
  });

  it('is not silenced by a p of 1, and never says 0', () => {
    expect(combine([1e-6, 1], [1, 1])).toBeCloseTo(2e-6, 9);
    expect(combine([0, 1], [1, 1])).toBeGreaterThan(0);
    expect(combine([1, 1], [1, 1])).toBeCloseTo(0.99, 12);
  });

  it('counts weights: none leaves out, more draws nearer', () => {
    expect(combine([1e-6, 0.2], [1, 0])).toBeCloseTo(1e-6, 15);
    expect(combine([1e-6, 0.2], [3, 1])).toBeLessThan(combine([1e-6, 0.2], [1, 1]));
  });
});
