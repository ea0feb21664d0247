/** When in a week an agent is asked to work: tables, because sines differ between machines in the last bit. */
import { DAY_MS, HOUR_MS } from './wire.js';

export type CurveName = 'office' | 'shop' | 'around-the-clock' | 'night';

/** Relative rate of each hour of a local day, and of each weekday from Sunday on. */
interface Curve {
  readonly hours: readonly number[];
  readonly weekdays: readonly number[];
}

const CURVES: Readonly<Record<CurveName, Curve>> = {
  office: {
    hours: [1, 1, 1, 1, 1, 2, 5, 14, 30, 42, 45, 42, 28, 34, 42, 42, 36, 26, 14, 8, 5, 3, 2, 1],
    weekdays: [0.08, 1.1, 1.05, 1, 1, 0.85, 0.1],
  },
  shop: {
    hours: [6, 4, 3, 2, 2, 3, 6, 12, 18, 24, 28, 30, 32, 28, 26, 26, 28, 32, 38, 42, 40, 32, 20, 11],
    weekdays: [1.15, 1, 0.95, 0.95, 1, 1.05, 1.2],
  },
  'around-the-clock': {
    hours: [8, 8, 8, 7, 7, 8, 9, 10, 11, 12, 12, 12, 11, 11, 12, 12, 12, 11, 10, 10, 9, 9, 9, 8],
    weekdays: [0.8, 1.05, 1.05, 1.05, 1.05, 1, 0.85],
  },
  night: {
    hours: [20, 40, 50, 50, 40, 20, 6, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 8, 12],
    weekdays: [1, 1, 1, 1, 1, 1, 1],
  },
};

const meanOf = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0) / list.length;

/** Day 0 of the epoch was a Thursday. */
function weekdayOf(timeMs: number): number {
  return (Math.floor(timeMs / DAY_MS) + 4) % 7;
}

/** Rate at this time relative to the mean of a week, which is 1; `zoneHours` is local time minus UTC. */
export function curveAt(name: CurveName, timeMs: number, zoneHours: number): number {
  const curve = CURVES[name];
  const localMs = timeMs + zoneHours * HOUR_MS;
  const hour = Math.floor(localMs / HOUR_MS) % 24;
  return (curve.hours[hour] / meanOf(curve.hours)) * (curve.weekdays[weekdayOf(localMs)] / meanOf(curve.weekdays));
}
