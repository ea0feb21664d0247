/** Seeded series with known anomalies for the series detector's tests: values 5 minutes apart, and where to look. */
import { createRandom, type Random } from '../../src/math/random.js';

export const SERIES_LENGTH = 4000;
export const STEP_MS = 300_000;
const DAY = 288;
/** Values on either side of an anomaly that count as finding it. */
const SLACK = 40;

export interface LabelledSeries {
  readonly name: string;
  readonly values: readonly number[];
  /** First and last value of each anomaly. */
  readonly windows: readonly (readonly [number, number])[];
}

/** Adds a change to the values from `from` on, `length` of them. */
interface Change {
  readonly from: number;
  readonly length: number;
  /** What stands there instead of a value. */
  readonly to: (value: number, random: Random) => number;
}

type Ordinary = (random: Random) => (at: number) => number;

const daily = (at: number) => Math.sin((2 * Math.PI * at) / DAY);
const working = (at: number) => at % DAY >= 96 && at % DAY < 216;
const add = (by: number) => (value: number) => value + by;

const noise: Ordinary = (random) => () => 50 + 5 * random.normal();
const waves: Ordinary = (random) => (at) => 100 + 30 * daily(at) + 4 * random.normal();
const office: Ordinary = (random) => (at) => (working(at) ? 80 : 20) + 2 * random.normal();
const counts: Ordinary = (random) => (at) => random.poisson(8 + 6 * daily(at));
const skewed: Ordinary = (random) => () => Math.exp(1 + 0.8 * random.normal());
const walk: Ordinary = (random) => {
  let level = 100;
  return () => {
    level += 0.5 * random.normal();
    return level;
  };
};
const sluggish: Ordinary = (random) => {
  let level = 0;
  return () => {
    level = 0.95 * level + random.normal();
    return 80 + 3 * level;
  };
};

const KINDS: Readonly<Record<string, { readonly ordinary: Ordinary; readonly changes: readonly Change[] }>> = {
  'spikes': {
    ordinary: noise,
    changes: [1500, 2600, 3500].map((from) => ({ from, length: 2, to: add(40) })),
  },
  'spikes on a season': {
    ordinary: waves,
    changes: [2000, 3300].map((from) => ({ from, length: 10, to: add(35) })),
  },
  'spikes in counts': { ordinary: counts, changes: [1700, 3400].map((from) => ({ from, length: 5, to: add(40) })) },
  'spikes in skewed noise': {
    ordinary: skewed,
    changes: [1800, 3200].map((from) => ({ from, length: 6, to: add(90) })),
  },
  'level shifts': {
    ordinary: noise,
    changes: [
      { from: 2200, length: 1100, to: add(25) },
      { from: 3300, length: 700, to: add(-15) },
    ],
  },
  'a drop in a drift': { ordinary: walk, changes: [{ from: 2900, length: 1100, to: add(-15) }] },
  'a season that fails': { ordinary: office, changes: [{ from: 10 * DAY + 96, length: 120, to: add(-60) }] },
  'a season too high': { ordinary: office, changes: [{ from: 10 * DAY + 96, length: 120, to: add(40) }] },
  'a stuck sensor': { ordinary: sluggish, changes: [{ from: 3000, length: 100, to: () => 80 }] },
  'louder noise': {
    ordinary: noise,
    changes: [{ from: 2500, length: 200, to: (value, random) => value + 12 * random.normal() }],
  },
};

export const SERIES_KINDS: readonly string[] = Object.keys(KINDS);

/** One series of the kind; the same seed gives the same series. */
export function labelledSeries(name: string, seed: number): LabelledSeries {
  const { ordinary, changes } = KINDS[name];
  const random = createRandom(`${name}-${seed}`);
  const values = Array.from({ length: SERIES_LENGTH }, (_, at) => at).map(ordinary(random));
  for (const { from, length, to } of changes) {
    for (let at = from; at < from + length; at++) values[at] = to(values[at], random);
  }
  // A shift that lasts is found where it begins.
  const windows = changes.map(({ from, length }) => [from - 1, from + Math.min(length, 200) + SLACK] as const);
  return { name, values, windows };
}

/** The same kinds with nothing done to them. */
export function quietSeries(name: string, seed: number): readonly number[] {
  const random = createRandom(`quiet ${name}-${seed}`);
  return Array.from({ length: SERIES_LENGTH }, (_, at) => at).map(KINDS[name].ordinary(random));
}
