/**
 * What a cohort lends its newcomers: how many calls to expect of one, and how its days fall out. Made of the members
 * that have been known for a week, from closed days alone.
 */
import { WINDOW_COUNT, WINDOW_MS } from '../agent/layout.js';
import type { CohortLaw, CohortModel, DayLaw } from '../detect/model.js';
import type { DaySample } from './laws.js';

/** Closed days from which a member is known, and known members from which a cohort has a law. */
const KNOWN_DAYS = 7;
const KNOWN_MIN = 3;
/** Members that the fleet's law of windows counts for: cohorts differ far more than the members of one do. */
const PRIOR_MEMBERS = 0.5;
/** No count is believed to be closer to a Poisson law than this k says. */
const K_MAX = 1000;
/** Stands for a mean of nothing. */
const COUNT_MIN = 1e-6;
const DAY_MS = 86_400_000;

/** What is kept of an agent. */
interface Pace {
  /** Closed days. */
  readonly days: number;
  readonly mean: readonly number[];
  readonly square: readonly number[];
}

export type PacesJson = readonly [string, Pace][];

/** Counts per window of every agent, as of its last closed day. */
export class Paces {
  private readonly agents = new Map<string, Pace>();
  private readonly agentsMax: number;

  /** Beyond `agentsMax` agents, the one that was met first is forgotten. */
  constructor(agentsMax: number) {
    this.agentsMax = agentsMax;
  }

  learn({ agent, days, windowMean, windowSquare }: DaySample): void {
    if (!this.agents.has(agent) && this.agents.size >= this.agentsMax) {
      for (const oldest of this.agents.keys()) {
        this.agents.delete(oldest);
        break;
      }
    }
    this.agents.set(agent, { days: days + 1, mean: windowMean, square: windowSquare });
  }

  /** Members of a cohort that have been known for long enough, with how long and how busy they are. */
  private known(members: readonly string[]): Pace[] {
    const paces: Pace[] = [];
    for (const member of members) {
      const pace = this.agents.get(member);
      if (pace !== undefined && pace.days >= KNOWN_DAYS) paces.push(pace);
    }
    return paces;
  }

  /** The law of a cohort; null where too few of its members are known. `days` makes its laws of days. */
  law(members: readonly string[], start: CohortModel, days: () => readonly DayLaw[]): CohortLaw | null {
    const known = this.known(members);
    if (known.length < KNOWN_MIN) return null;
    const windowMean: number[] = [];
    const windowSquare: number[] = [];
    for (let w = 0; w < WINDOW_COUNT; w++) {
      const own = known.length / (known.length + PRIOR_MEMBERS);
      const ours = expected(known, w);
      const fleets = countOf(start.windowMean[w], start.windowSquare[w]);
      const mean = between(ours.mean, fleets.mean, own);
      windowMean.push(mean);
      windowSquare.push(squareOf(mean, between(ours.excess, fleets.excess, own)));
    }
    return { known: known.length, days: days(), windowMean, windowSquare };
  }

  snapshot(): PacesJson {
    return [...this.agents];
  }

  restore(json: PacesJson): void {
    for (const [key, pace] of json) this.agents.set(key, pace);
  }
}

/** A count in a window: its mean, and 1/k, how far it is from a Poisson law. */
interface Count {
  readonly mean: number;
  readonly excess: number;
}

function countOf(mean: number, square: number): Count {
  if (mean <= 0) return { mean: COUNT_MIN, excess: 1 };
  return { mean, excess: Math.max(1 / K_MAX, (square - mean * mean - mean) / (mean * mean)) };
}

function squareOf(mean: number, excess: number): number {
  return mean * mean + mean + excess * mean * mean;
}

/**
 * A count of one more member: E X^2 = mean^2 + within + between, the variance between n members widened by the error of
 * their mean, s^2 (1 + 1/n). What none of them has done in all its days is taken to have happened once.
 */
function expected(known: readonly Pace[], w: number): Count {
  const n = known.length;
  const least = WINDOW_MS[w] / (n * KNOWN_DAYS * DAY_MS);
  let sum = 0;
  let within = 0;
  for (const pace of known) {
    sum += pace.mean[w] / n;
    within += Math.max(0, pace.square[w] - pace.mean[w] * pace.mean[w]) / n;
  }
  if (sum <= least) return countOf(least, least);
  let spread = 0;
  for (const pace of known) spread += ((pace.mean[w] - sum) * (pace.mean[w] - sum)) / (n - 1);
  return countOf(sum, sum * sum + within + spread * (1 + 1 / n));
}

/** Between two positive numbers on a logarithmic scale: paces differ by factors. */
function between(ours: number, fleets: number, own: number): number {
  return Math.exp(own * Math.log(ours) + (1 - own) * Math.log(fleets));
}
