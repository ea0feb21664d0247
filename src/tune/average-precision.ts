/** How well a ranking puts what is right before what is wrong, whatever threshold would be chosen. */

/** A finding in a ranking. */
export interface Ranked {
  /** The smaller, the earlier, (0, 1]. */
  readonly p: number;
  /** Positive windows that it is right about, by number; none: it is wrong. */
  readonly windows: readonly number[];
}

/**
 * Area under precision over recall in steps: the sum over the ranks of (R_n - R_n-1) P_n. Recall is the share of all
 * `windows` that the findings so far have found, so that a window never found costs its whole part; precision is the
 * share of the findings so far that are right about any. Findings of equal p come at once. 0 to 1; null without windows.
 */
export function averagePrecision(ranked: readonly Ranked[], windows: number): number | null {
  if (windows === 0) return null;
  const ordered = [...ranked].sort((a, b) => a.p - b.p);
  const found = new Set<number>();
  let right = 0;
  let area = 0;
  for (let n = 0; n < ordered.length; ) {
    const before = found.size;
    const { p } = ordered[n];
    for (; n < ordered.length && ordered[n].p === p; n++) {
      if (ordered[n].windows.length > 0) right++;
      for (const window of ordered[n].windows) found.add(window);
    }
    area += ((found.size - before) / windows) * (right / n);
  }
  return area;
}
