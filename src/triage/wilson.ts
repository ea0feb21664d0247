/** How sure a share is that was seen in few cases. */

/** Two-sided 95 % point of the normal distribution. */
const Z = 1.959964;

/** An interval of a share, both ends in [0, 1]. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The Wilson score interval at 95 % (Wilson, 1927): honest where few were judged; [0, 1] where none was. */
export function wilson(right: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const share = right / of;
  const zz = Z * Z;
  const middle = (share + zz / (2 * of)) / (1 + zz / of);
  const half = (Z / (1 + zz / of)) * Math.sqrt((share * (1 - share)) / of + zz / (4 * of * of));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
