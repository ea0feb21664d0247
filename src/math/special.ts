/**
 * Room math/: gamma and beta functions, as logarithms, so that a tail far out keeps its digits where the probability
 * itself would underflow. Pure; of floating-point functions only log, exp, log1p and expm1.
 *
 * Results carry a relative error of the probability below 1e-10 for parameters from 1e-4 to 1e6 (typically 1e-13), checked
 * against mpmath at 60 digits. DLMF is the Digital Library of Mathematical Functions, https://dlmf.nist.gov.
 */

const HALF_LN_2PI = 0.9189385332046728;
const LN_2PI = 2 * HALF_LN_2PI;
/** Continued fractions and series stop here at the latest; they need about 5 sqrt(parameter) steps. */
const STEPS_MAX = 200_000;
/** Two units in the last place: with less, rounding could keep a sum from ever standing still. */
const PRECISION = 4e-16;
/** Stands for a zero denominator in Lentz's method. */
const TINY = 1e-300;
/** From here on Stirling's series with six terms is exact to 1e-15. */
const STIRLING_MIN = 10;

/** ln of the gamma function for x > 0; absolute error below 1e-14 max(1, |ln gamma|). */
export function lnGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < STIRLING_MIN) {
    product *= shifted;
    shifted += 1;
  }
  const ln = stirlingBody(shifted) + stirlingSeries(shifted);
  return product === 1 ? ln : ln - Math.log(product);
}

/** ln(1 - e^ln) for ln < 0, exact at both ends; -Infinity at 0. */
export function lnComplement(ln: number): number {
  if (ln >= 0) return Number.NEGATIVE_INFINITY;
  return ln > -Math.LN2 ? Math.log(-Math.expm1(ln)) : Math.log1p(-Math.exp(ln));
}

/**
 * ln of the regularised incomplete beta function I_x(a, b), a > 0, b > 0, 0 <= x <= 1. `y` is 1 - x, passed on its
 * own because 1 - x loses the digits of a small y. Continued fraction DLMF 8.17.22 on the side of the mean where it
 * converges fast, the complement (8.17.4) on the other.
 */
export function lnBetaLower(a: number, b: number, x: number, y: number): number {
  if (x <= 0) return Number.NEGATIVE_INFINITY;
  if (y <= 0) return 0;
  const factor = lnBetaFactor(a, b, x, y);
  if (x <= (a + 1) / (a + b + 2)) return factor - Math.log(a) - Math.log(betaFraction(a, b, x));
  return lnComplement(factor - Math.log(b) - Math.log(betaFraction(b, a, y)));
}

/** ln of the regularised lower incomplete gamma function P(a, m), a > 0, m >= 0 (DLMF 8.2.4). */
export function lnGammaLower(a: number, m: number): number {
  if (m <= 0) return Number.NEGATIVE_INFINITY;
  return m < a + 1 ? lnGammaSeries(a, m) : lnComplement(lnGammaFraction(a, m));
}

/** ln of the regularised upper incomplete gamma function Q(a, m) = 1 - P(a, m), a > 0, m >= 0. */
export function lnGammaUpper(a: number, m: number): number {
  if (m <= 0) return 0;
  return m < a + 1 ? lnComplement(lnGammaSeries(a, m)) : lnGammaFraction(a, m);
}

/** (z - 1/2) ln z - z + ln(2 pi)/2. */
function stirlingBody(z: number): number {
  return (z - 0.5) * Math.log(z) - z + HALF_LN_2PI;
}

/** ln gamma(z) - stirlingBody(z) for z >= STIRLING_MIN (DLMF 5.11.1). */
function stirlingSeries(z: number): number {
  const w = 1 / (z * z);
  const tail = 1 / 1680 - w * (1 / 1188 - (w * 691) / 360360);
  return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * tail))) / z;
}

function stirlingError(z: number): number {
  return z >= STIRLING_MIN ? stirlingSeries(z) : lnGamma(z) - stirlingBody(z);
}

/**
 * a ln(a/m) + m - a, for a > 0, m > 0, without cancellation near a = m (C. Loader, Fast and Accurate Computation of
 * Binomial Probabilities, 2000, section 3): ln(a/m) is 2 atanh(v) with v = (a - m)/(a + m).
 */
function deviance(a: number, m: number): number {
  const difference = a - m;
  const v = difference / (a + m);
  // Beyond this a/m is far from 1 and nothing cancels; the second form also holds where a/m would overflow.
  if (!(v > -0.1 && v < 0.1)) return a * (Math.log(a) - Math.log(m)) - difference;
  const square = v * v;
  let sum = difference * v;
  let power = 2 * a * v;
  for (let odd = 3; ; odd += 2) {
    power *= square;
    const next = sum + power / odd;
    if (next === sum) return sum;
    sum = next;
  }
}

/** ln of x^a y^b / B(a, b) by Loader's saddle point: no large terms cancel, however large a and b. */
function lnBetaFactor(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const correction = stirlingError(n) - stirlingError(a) - stirlingError(b);
  const scale = 0.5 * (Math.log(a) + Math.log(b / n) - LN_2PI);
  return scale + correction - deviance(a, n * x) - deviance(b, n * y);
}

/** 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22 by the modified Lentz method (Thompson and Barnett, 1986). */
function betaFraction(a: number, b: number, x: number): number {
  let value = 1;
  let c = 1;
  let d = 0;
  for (let m = 0; m < STEPS_MAX; m++) {
    const at = a + 2 * m;
    const odd = (-(a + m) * (a + b + m) * x) / (at * (at + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    value *= c * d;
    const even = ((m + 1) * (b - m - 1) * x) / ((at + 1) * (at + 2));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    const change = c * d;
    value *= change;
    if (Math.abs(change - 1) <= PRECISION) break;
  }
  return value;
}

/** ln P(a, m) by the series DLMF 8.7.1; converges fast for m < a + 1. */
function lnGammaSeries(a: number, m: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 1; n < STEPS_MAX; n++) {
    term *= m / (a + n);
    sum += term;
    if (term <= sum * PRECISION) break;
  }
  return lnGammaFactor(a, m) + Math.log(sum);
}

/** ln Q(a, m) by the continued fraction DLMF 8.9.2 in its contracted (even) form; converges fast for m >= a + 1. */
function lnGammaFraction(a: number, m: number): number {
  let b = m + 1 - a;
  let value = nonZero(b);
  let c = value;
  let d = 0;
  for (let n = 1; n < STEPS_MAX; n++) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / nonZero(b + numerator * d);
    c = nonZero(b + numerator / c);
    const change = c * d;
    value *= change;
    if (Math.abs(change - 1) <= PRECISION) break;
  }
  return lnGammaFactor(a, m) + Math.log(a) - Math.log(value);
}

/** ln of m^a e^-m / gamma(a + 1). */
function lnGammaFactor(a: number, m: number): number {
  return -deviance(a, m) - 0.5 * (Math.log(a) + LN_2PI) - stirlingError(a);
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
