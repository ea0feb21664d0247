/** How far from the truth a count may be by chance alone: 95 % intervals, both ends at 2.5 %. */
import { lnGammaLower, lnGammaUpper } from '../math/special.js';

/** Lower and upper end. */
export type Interval = readonly [number, number];

const LN_TAIL = Math.log(0.025);
/** Standard normal quantile at 97.5 %. */
const Z = 1.959963984540054;
/** Halvings after which a bracket of doubles cannot shrink any more. */
const HALVINGS = 200;

/**
 * Garwood's exact interval for the mean of a Poisson count (Biometrika 28, 1936): the means under which a count at
 * least, or at most, as large as `count` has 2.5 %. `count` is a whole number from 0; the lower end of 0 is 0.
 */
export function poissonInterval(count: number): Interval {
  const lower = count === 0 ? 0 : bisect(0, count, (mean) => lnGammaLower(count, mean) > LN_TAIL);
  let far = count + 1;
  while (lnGammaUpper(count + 1, far) > LN_TAIL) far *= 2;
  return [lower, bisect(count, far, (mean) => lnGammaUpper(count + 1, mean) < LN_TAIL)];
}

/** Wilson's score interval for a share (JASA 22, 1927): `found` of `of`, whole numbers; null where `of` is 0. */
export function shareInterval(found: number, of: number): Interval | null {
  if (of === 0) return null;
  const share = found / of;
  const square = Z * Z;
  const centre = share + square / (2 * of);
  const half = Z * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of));
  const scale = 1 + square / of;
  // At the ends the formula gives 0 and 1 but for rounding.
  const low = found === 0 ? 0 : (centre - half) / scale;
  return [low, found === of ? 1 : (centre + half) / scale];
}

/** Where `isAbove` turns from false to true between the two. */
function bisect(below: number, above: number, isAbove: (x: number) => boolean): number {
  let [low, high] = [below, above];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (isAbove(middle)) high = middle;
    else low = middle;
  }
  return high;
}
