/** The model before anything was learned: wide laws, no cohorts. What models/ ships replaces its numbers. */
import { DETECTORS, WINDOW_MS } from '../agent/layout.js';
import type { CohortModel } from '../detect/model.js';

/** Calls an hour of an agent nobody knows, and how overdispersed they are (variance over mean). */
const CALLS_PER_HOUR = 60;
const DISPERSION = 20;

export function neutralModel(): CohortModel {
  const mean = WINDOW_MS.map((ms) => (CALLS_PER_HOUR * ms) / 3_600_000);
  return {
    version: 'neutral',
    cohortOf: new Map(),
    cohorts: [],
    days: DETECTORS.map(() => ({ mean: 6, within: 16, between: 16 })),
    tails: DETECTORS.map(() => ({ from: Math.LN10, stretch: 1 })),
    windowMean: mean,
    windowSquare: mean.map((m) => m * m + m * DISPERSION),
    bar: 1,
  };
}
