/**
 * How a benchmark measures: a warm-up, then five runs, ours and the reference in turn, so that a slow minute of the
 * machine falls on both. What is reported is the median and how far the runs lie apart.
 */

/** Timed runs after the warm-up. */
export const RUNS = 5;

/** @param {readonly number[]} values at least one */
export function median(values) {
  return quantile(values, 0.5);
}

/** Linear between neighbours; `share` from 0 to 1. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Median of the runs and their spread: largest minus smallest over the median. */
export function summary(values) {
  const middle = median(values);
  return { value: middle, spread: middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle };
}

/**
 * Runs `ours` and `reference` in turn; each returns what it measured as a number (a rate, a time). The ratio is the
 * median of the ratios of neighbouring runs.
 */
export async function alternate(reference, ours, runs = RUNS) {
  await reference();
  await ours();
  const pairs = [];
  for (let i = 0; i < runs; i++) pairs.push({ reference: await reference(), ours: await ours() });
  return compare(pairs);
}

/** From pairs of neighbouring runs to the median of each side and of the ratio. */
export function compare(pairs) {
  return {
    ours: summary(pairs.map((pair) => pair.ours)),
    reference: summary(pairs.map((pair) => pair.reference)),
    ratio: summary(pairs.map((pair) => pair.ours / pair.reference)),
  };
}

/** Seconds that the call took. */
export async function secondsOf(call) {
  const startMs = performance.now();
  await call();
  return (performance.now() - startMs) / 1000;
}

/** One line of a report. `target` in words, or left out. */
export function row(bench, measure, unit, compared, against, target = null) {
  const { ours, reference, ratio } = compared;
  return { bench, measure, unit, ours, against, reference, ratio, target };
}
