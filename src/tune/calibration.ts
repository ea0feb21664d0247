/**
 * How true the stated probabilities are: of the days of agents that nothing happened to, which part got as far as a
 * detector says that one day in so many does. Labels are used to leave days out, and for nothing else.
 */
import { type Interval, poissonInterval } from './intervals.js';
import type { Label } from './labels.js';
import { GRACE_MS, rootOf } from './windows.js';

/** What is stated: parts of an ordinary agent's days. */
export const NOMINALS = [1e-2, 1e-3, 1e-4] as const;

/** Clean days of one detector. Counts, so that they can be added up. */
export interface DayTally {
  readonly days: number;
  /** Days on which it said anything. */
  readonly held: number;
  /** Days whose p came down to each of NOMINALS. */
  readonly reached: readonly number[];
}

/** By detector. */
export type CalibrationTally = Readonly<Record<string, DayTally>>;

/** What came of one stated probability. */
export interface Realised {
  readonly p: number;
  readonly reached: number;
  /** Of the days; 0 to 1. */
  readonly share: number;
  /** Share over what is stated: 1 is true, below it detection is too quiet, above it too loud. */
  readonly ratio: number;
  /** 95 % interval of the ratio, as of a Poisson count: days of one agent hang together, so the truth is rather wider. */
  readonly ratioInterval: Interval;
}

/** How true one detector was. */
export interface DetectorCalibration {
  readonly days: number;
  readonly held: number;
  /** In the order of NOMINALS. */
  readonly at: readonly Realised[];
}

/** By detector, in the order in which they run. */
export type CalibrationReport = Readonly<Record<string, DetectorCalibration>>;

const DAY_MS = 86_400_000;
const STATED_NATS = NOMINALS.map((p) => -Math.log(p));

/** Takes closed agent-days one by one, and counts those that are clean. */
export class CleanDays {
  private readonly tallies: { days: number; held: number; reached: number[] }[];
  private readonly ofAgent = new Map<string, Label[]>();

  /** Days that end before `fromMs` + a day, ms since the epoch, are not judged. */
  constructor(
    labels: readonly Label[],
    private readonly detectors: readonly string[],
    private readonly fromMs: number,
  ) {
    this.tallies = detectors.map(() => ({ days: 0, held: 0, reached: NOMINALS.map(() => 0) }));
    for (const label of labels) {
      const key = label.agent === null ? '' : rootOf(label.agent);
      this.ofAgent.set(key, [...(this.ofAgent.get(key) ?? []), label]);
    }
  }

  /** A day of `agent` that ended at `endMs`: the largest surprise of each detector as a finding would state it, nats. */
  take(agent: string, endMs: number, surprises: readonly number[]): void {
    if (endMs - DAY_MS < this.fromMs || this.isMarked('', endMs) || this.isMarked(rootOf(agent), endMs)) return;
    for (const [d, tally] of this.tallies.entries()) {
      tally.days++;
      if (surprises[d] <= 0) continue;
      tally.held++;
      for (const [i, nats] of STATED_NATS.entries()) if (surprises[d] >= nats) tally.reached[i]++;
    }
  }

  tally(): CalibrationTally {
    return Object.fromEntries(this.detectors.map((name, d) => [name, this.tallies[d]]));
  }

  /** Whether any label, of whatever kind, touches the day: hard negatives are no ordinary days either. */
  private isMarked(key: string, endMs: number): boolean {
    const labels = this.ofAgent.get(key) ?? [];
    return labels.some(({ fromMs, toMs }) => fromMs < endMs && toMs + GRACE_MS >= endMs - DAY_MS);
  }
}

/** Several recordings as if they were one. All name the same detectors. */
export function addCalibrations(all: readonly CalibrationTally[]): CalibrationTally {
  const [first = {}] = all;
  return Object.fromEntries(Object.keys(first).map((name) => [name, sumOf(all.map((one) => one[name]))]));
}

function sumOf(all: readonly DayTally[]): DayTally {
  const sum = (of: (one: DayTally) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    days: sum((one) => one.days),
    held: sum((one) => one.held),
    reached: NOMINALS.map((_, i) => sum((one) => one.reached[i])),
  };
}

/** Realised shares beside what was stated; detectors without a day are left out. */
export function calibrationOf(tally: CalibrationTally): CalibrationReport {
  const seen = Object.entries(tally).filter(([, { days }]) => days > 0);
  return Object.fromEntries(
    seen.map(([name, { days, held, reached }]) => [
      name,
      { days, held, at: NOMINALS.map((p, i) => realised(p, reached[i], days)) },
    ]),
  );
}

function realised(p: number, reached: number, days: number): Realised {
  const [low, high] = poissonInterval(reached);
  const stated = p * days;
  return { p, reached, share: reached / days, ratio: reached / stated, ratioInterval: [low / stated, high / stated] };
}
