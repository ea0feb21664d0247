/** The model before anything was learned: wide laws, no cohorts. What models/ ships replaces its numbers. */
import { DETECTORS, type DetectorName, STREAMS } from '../agent/layout.js';
import type { CohortModel } from '../detect/model.js';

/** Per hour of an agent nobody knows, by stream, and how overdispersed (variance over mean). */
const PER_HOUR = { events: 60, starts: 2, spawns: 0.05, errors: 1 } as const;
const DISPERSION = { events: 20, starts: 2, spawns: 2, errors: 4 } as const;

/** Wide laws of daily maxima; the joint model's scores lie closer together. */
const NATS_DAYS = { share: 0.5, mean: 6, within: 16, between: 16 };
/** Weeks without a call are rare; so are somebody else's habits and a new address. */
const SELDOM_DAYS = { share: 0.005, mean: 6, within: 2, between: 2 };
const SELDOM: ReadonlySet<DetectorName> = new Set(['wake', 'mixing', 'origin']);
const JOINT_DAYS = { share: 1, mean: 9, within: 1, between: 1 };

/** A model that knows nothing. */
export function neutralModel(): CohortModel {
  const mean: number[] = [];
  const square: number[] = [];
  for (const stream of ['events', 'starts', 'spawns', 'errors'] as const) {
    for (const ms of STREAMS[stream]) {
      const m = (PER_HOUR[stream] * ms) / 3_600_000;
      mean.push(m);
      square.push(m * m + m * DISPERSION[stream]);
    }
  }
  return {
    version: 'neutral',
    cohortOf: new Map(),
    cohorts: [],
    targets: new Map(),
    users: new Map(),
    days: DETECTORS.map((name) => (name === 'joint' ? JOINT_DAYS : SELDOM.has(name) ? SELDOM_DAYS : NATS_DAYS)),
    tails: DETECTORS.map(() => ({ share: 0.1, from: Math.LN10, stretch: 1 })),
    windowMean: mean,
    windowSquare: square,
    bar: 1,
  };
}
