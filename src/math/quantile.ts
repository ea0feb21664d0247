/** Where the middle of a law lies: what a count or a logarithm is expected to stay between. Pure. */
import { lnNegativeBinomialTail } from './tail.js';

/** Counts beyond it are not searched: no window of an agent holds so many. */
const COUNT_MAX = 1e12;

/** Whole counts that a negative-binomial variable leaves with a chance of at most `p` on each side, 0 < p < 1/2. */
export interface CountRange {
  /** P(X < low) <= p. */
  readonly low: number;
  /** P(X > high) <= p. */
  readonly high: number;
}

/**
 * The range of a negative-binomial law of that mean (counts, 0 or more) and variance (at least the mean counts: below it
 * the law is Poisson's), k = mean^2 / (variance - mean) as in detect/counts.ts.
 */
export function countRange(mean: number, variance: number, p: number): CountRange {
  if (mean <= 0) return { low: 0, high: 0 };
  const k = variance > mean ? (mean * mean) / (variance - mean) : Number.POSITIVE_INFINITY;
  const isAtLeast = (x: number, ln: number) => lnNegativeBinomialTail(x, mean, k) >= ln;
  // The largest count that is still reached with these chances.
  const low = lastWhere((x) => isAtLeast(x, Math.log1p(-p)));
  const high = lastWhere((x) => lnNegativeBinomialTail(x, mean, k) > Math.log(p));
  return { low, high };
}

/** The largest whole number for which `holds`, which holds for 0 and, from some number on, no more. */
function lastWhere(holds: (x: number) => boolean): number {
  let above = 1;
  while (above < COUNT_MAX && holds(above)) above *= 2;
  let last = Math.floor(above / 2);
  while (above - last > 1) {
    const middle = Math.floor((last + above) / 2);
    if (holds(middle)) last = middle;
    else above = middle;
  }
  return last;
}
