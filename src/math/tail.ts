/**
 * Room math/: tail probabilities of the distributions that detectors test against, and their combination. Pure.
 *
 * A tail here is P(X >= x), the chance of a value at least as strange. The `ln` forms are natural logarithms, good
 * down to ln p = -1e5 and beyond; the plain forms underflow to 0 below 1e-308. Counts may be real (decayed counts,
 * exposure below one bucket): the distributions are continued through their beta and gamma integrals.
 */
import { lnBetaLower, lnComplement, lnGammaLower, lnGammaUpper } from './special.js';

export { lnGamma } from './special.js';

/** From this dispersion on a count is Poisson: the two differ by about (x - mean)^2 / 2k of p. */
const POISSON_DISPERSION = 1e12;
/** Below this dispersion p = k ln(mean/k): nothing that a bucket of counts could show. */
const DISPERSION_MIN = 1e-6;

/**
 * Smallest and largest p that the combination believes. A p of 1 (a count of none is at least none) has a tangent of
 * minus infinity and would silence every other detector; at .99 it weighs -32 (a truncated Cauchy combination, Fang
 * et al., Statistica Sinica 2023). The lower end keeps tangents finite.
 */
const COMBINED_P_MIN = 1e-300;
const COMBINED_P_MAX = 0.99;

/**
 * I_x(a, b), the regularised incomplete beta function, a > 0, b > 0, 0 <= x <= 1: DLMF 8.17.22 by modified Lentz,
 * relative error below 1e-10 for a, b from 1e-4 to 1e6.
 */
export function incompleteBeta(a: number, b: number, x: number): number {
  return Math.exp(lnBetaLower(a, b, x, 1 - x));
}

/**
 * P(NB >= x) for real x, mean > 0 (counts) and dispersion k > 0 (variance mean + mean^2/k; Infinity: Poisson):
 * I_p(x, k) with p = mean/(mean + k) (DLMF 8.17.5 turned round). k below 1e-6 counts as 1e-6. 1 for x <= 0.
 */
export function negativeBinomialTail(x: number, mean: number, k: number): number {
  return Math.exp(lnNegativeBinomialTail(x, mean, k));
}

/** ln of negativeBinomialTail. */
export function lnNegativeBinomialTail(x: number, mean: number, k: number): number {
  if (k >= POISSON_DISPERSION) return lnPoissonTail(x, mean);
  if (x <= 0) return 0;
  const dispersion = k < DISPERSION_MIN ? DISPERSION_MIN : k;
  const sum = mean + dispersion;
  return lnBetaLower(x, dispersion, mean / sum, dispersion / sum);
}

/** ln P(Poisson >= x) for real x and mean > 0: ln of the lower incomplete gamma function P(x, mean) (DLMF 8.4.10). */
export function lnPoissonTail(x: number, mean: number): number {
  return x <= 0 ? 0 : lnGammaLower(x, mean);
}

/** ln P(Binomial(n, p) >= x), 0 <= p <= 1: ln I_p(x, n - x + 1) (DLMF 8.17.5). 0 for x <= 0, -Infinity for x > n. */
export function lnBinomialTail(x: number, n: number, p: number): number {
  if (x <= 0) return 0;
  if (x > n) return Number.NEGATIVE_INFINITY;
  return lnBetaLower(x, n - x + 1, p, 1 - p);
}

/** ln P(Z >= z) of a standard normal Z: half of Q(1/2, z^2/2) on its upper side (DLMF 7.11.2). */
export function lnNormalTail(z: number): number {
  const lnUpper = lnGammaUpper(0.5, 0.5 * z * z) - Math.LN2;
  return z >= 0 ? lnUpper : lnComplement(lnUpper);
}

/**
 * P(X >= x) of a Gumbel law (largest of many) with location mu and scale beta > 0, in the units of x:
 * 1 - exp(-exp(-(x - mu)/beta)), exact for small values too.
 */
export function gumbelTail(x: number, mu: number, beta: number): number {
  return -Math.expm1(-Math.exp((mu - x) / beta));
}

/** ln of gumbelTail. */
export function lnGumbelTail(x: number, mu: number, beta: number): number {
  const z = (x - mu) / beta;
  // Beyond 40 the tail is e^-z to the last bit, and e^-z would underflow further out.
  return z > 40 ? -z : lnComplement(-Math.exp(-z));
}

/** The x at which gumbelTail(x, mu, beta) is p, 0 < p < 1. */
export function gumbelQuantile(p: number, mu: number, beta: number): number {
  return mu - beta * Math.log(-Math.log1p(-p));
}

/**
 * Cauchy combination of dependent p-values (Liu and Xie, JASA 2020): T = sum w tan((1/2 - p) pi) / sum w, combined
 * p = 1/2 - atan(T)/pi, in (0, 1). Weights are >= 0, at least one > 0; p-values are in [0, 1] and those above .99
 * count as .99. Small values keep all digits: tan((1/2 - p) pi) is taken as 1/tan(pi p), and the way back as atan(1/T)/pi.
 */
export function combineCauchy(p: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < p.length; i++) {
    sum += weights[i] * cauchyScore(p[i]);
    total += weights[i];
  }
  const mean = sum / total;
  if (mean > 0) return Math.atan(1 / mean) / Math.PI;
  return mean < 0 ? 1 + Math.atan(1 / mean) / Math.PI : 0.5;
}

/** tan((1/2 - p) pi) of one p-value, as the combination counts it; a detector's share is its part of the sum. */
export function cauchyScore(p: number): number {
  const believed = p < COMBINED_P_MIN ? COMBINED_P_MIN : p > COMBINED_P_MAX ? COMBINED_P_MAX : p;
  return 1 / Math.tan(Math.PI * believed);
}
