/**
 * What is usual of an agent in any stretch of time, for charts: the laws of an inspection, brought to that length. A
 * band is not what findings are raised by (they look at several windows at once, and at a day's strangest moment);
 * it shows what the agent's own history makes of a plain count.
 */
import { countRange } from '../math/quantile.js';
import type { BandRow, CostLaw, Inspection, UsualRange, WindowInspection } from './inspection.js';

/** One in a hundred lies outside: half of them on each side, and how many standard deviations that is. */
const SIDE = 0.005;
const SIDE_DEVIATIONS = 2.5758293035489004;
const HOUR_MS = 3_600_000;
const HOURS = 24;

/** Of a count with that mean and variance over mean. */
export function usualCount(mean: number, dispersion: number): UsualRange {
  const { low, high } = countRange(mean, mean * Math.max(1, dispersion), SIDE);
  return { low, expected: mean, high };
}

/** Of a cost, USD, whose logarithm has that mean and standard deviation; the median is what is expected. */
export function usualCost(lnMean: number, deviation: number): UsualRange {
  const reach = SIDE_DEVIATIONS * deviation;
  return { low: Math.exp(lnMean - reach), expected: Math.exp(lnMean), high: Math.exp(lnMean + reach) };
}

/** Bands of steps of `stepMs` (a minute or more) by the UTC hour of the day in which they begin: 24 rows. */
export function bandRows(inspection: Inspection, stepMs: number): BandRow[] {
  const { windows, hours, cost } = inspection;
  const calls = nearest(windows, 'events', stepMs);
  const errors = nearest(windows, 'errors', stepMs);
  return Array.from({ length: HOURS }, (_, hour) => {
    const share = shareOf(hours, hour, stepMs);
    return {
      calls: stretched(calls, stepMs, share),
      errors: stretched(errors, stepMs, share),
      costUsd: stretchedCost(cost.hour, stepMs, share),
    };
  });
}

/** The longest window that fits into a step, else the shortest. */
function nearest(windows: readonly WindowInspection[], stream: string, stepMs: number): WindowInspection {
  const own = windows.filter((window) => window.stream === stream);
  return own.findLast(({ windowMs }) => windowMs <= stepMs) ?? own[0];
}

/** How much busier than the average the hours of a step are. */
function shareOf(hours: readonly number[] | null, hour: number, stepMs: number): number {
  if (hours === null) return 1;
  const length = Math.min(HOURS, Math.max(1, Math.round(stepMs / HOUR_MS)));
  let sum = 0;
  for (let i = 0; i < length; i++) sum += hours[(hour + i) % HOURS];
  return sum / length;
}

/** Counts of a longer stretch scatter as those of the window do: variance over mean stays. */
function stretched({ band, windowMs, dispersion }: WindowInspection, stepMs: number, share: number): UsualRange {
  return usualCount((band.expected * stepMs * share) / windowMs, dispersion);
}

/**
 * Mean and variance of the law of hours grow with the stretch, as if its parts were independent; a lognormal law of the
 * same mean and variance (s^2 = ln(1 + variance/mean^2)) says where the upper end is.
 */
function stretchedCost({ usual, deviation }: CostLaw, stepMs: number, share: number): UsualRange | null {
  const parts = (stepMs * share) / HOUR_MS;
  if (usual === null) return null;
  if (parts <= 0) return { low: 0, expected: 0, high: 0 };
  const square = deviation * deviation;
  const hourly = usual.expected * Math.exp(square / 2);
  const mean = hourly * parts;
  const variance = Math.expm1(square) * hourly * hourly * parts;
  const spread = Math.log1p(variance / (mean * mean));
  return { low: 0, expected: mean, high: Math.exp(Math.log(mean) - spread / 2 + SIDE_DEVIATIONS * Math.sqrt(spread)) };
}
