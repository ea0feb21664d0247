/**
 * What a cohort lends its newcomers: how many calls to expect of one, and how its days fall out. Made of the members
 * that have been known for a week, from closed days alone.
 */
import { WINDOW_COUNT } from '../agent/layout.js';
import type { CohortLaw, CohortModel, DayLaw } from '../detect/model.js';
import type { DaySample } from './laws.js';

/** Closed days from which a member is known, and known members from which a cohort has a law. */
const KNOWN_DAYS = 7;
const KNOWN_MIN = 3;
/** Members that the fleet's law of windows counts for: cohorts differ far more than the members of one do. */
const PRIOR_MEMBERS = 0.5;
/** A window in which nothing was ever counted is expected to hold at least this much. */
const COUNT_MIN = 1e-9;

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
      const { mean, square } = expected(known, w);
      const own = known.length / (known.length + PRIOR_MEMBERS);
      windowMean.push(between(mean, start.windowMean[w], own));
      windowSquare.push(between(square, start.windowSquare[w], own));
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

/**
 * First two moments of a count of one more member: E X^2 = mean^2 + within + between, the variance between n members
 * widened by the error of their mean, s^2 (1 + 1/n).
 */
function expected(known: readonly Pace[], w: number): { readonly mean: number; readonly square: number } {
  const n = known.length;
  let mean = 0;
  let within = 0;
  for (const pace of known) {
    mean += pace.mean[w] / n;
    within += Math.max(0, pace.square[w] - pace.mean[w] * pace.mean[w]) / n;
  }
  let spread = 0;
  for (const pace of known) spread += ((pace.mean[w] - mean) * (pace.mean[w] - mean)) / (n - 1);
  return { mean, square: mean * mean + within + spread * (1 + 1 / n) };
}

/** Between two counts on a logarithmic scale: paces differ by factors. Keeps E X^2 at least (E X)^2. */
function between(ours: number, fleets: number, own: number): number {
  const a = Math.log(Math.max(ours, COUNT_MIN));
  const b = Math.log(Math.max(fleets, COUNT_MIN));
  return Math.exp(own * a + (1 - own) * b);
}
