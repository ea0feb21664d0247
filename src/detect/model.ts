/**
 * What an engine knows beyond one agent: a versioned model made by learn/ (or shipped in models/ for a cold start),
 * activated by a record. A score depends on the agent's own records and on this, nothing else.
 */
import type { Forest } from './forest.js';

/**
 * Law of a detector's daily maximum over the agents of the fleet; what an agent's own few days are shrunk towards. Many
 * detectors have nothing to say on most days: `share` is the part of agent-days on which one has, mean and variances
 * are of the maxima of those.
 */
export interface DayLaw {
  /** In [0, 1]. */
  readonly share: number;
  readonly mean: number;
  /** Variance of one agent's days around its own mean. */
  readonly within: number;
  /** Variance of agents' means around the fleet's. */
  readonly between: number;
}

/**
 * Correction of a detector's calibrated surprise (score/tail.ts): what a `share` of days goes above is `from` nats as
 * stated and -ln share in truth; beyond it `stretch` stated nats are worth about one. A stretch above 1 says that large
 * surprises come more often than stated.
 */
export interface TailLaw {
  /** Above 0, below 1: a tenth, or less where the detector has nothing to say on most days. */
  readonly share: number;
  readonly from: number;
  readonly stretch: number;
}

/**
 * What the members of a cohort who have been known for a week tell about one that has just come (empirical Bayes). A
 * count in a window of length t is Poisson with a rate that differs between agents and hours, rate ~ Gamma(a, b); what is
 * then to be expected of an agent nobody has seen is NB(k = a, mean = a t/b), with
 *   E X = mean over the members, E X^2 = (E X)^2 + within + between,
 * the variance between agents inside the mean square: k = (E X)^2 / (Var X - E X) comes out smaller, the more they differ.
 */
export interface CohortLaw {
  /** Members that it was made of. */
  readonly known: number;
  /** By detector, shrunk towards the fleet's. */
  readonly days: readonly DayLaw[];
  /** Expected count and squared count per window of a member that has just come, in the order of WINDOW_MS. */
  readonly windowMean: readonly number[];
  readonly windowSquare: readonly number[];
}

/** Agents of one role, or alike, and what they share. */
export interface Cohort {
  readonly id: string;
  readonly members: number;
  /** Members that have adopted an endpoint or a pair, by 16 hex digits of its hash. */
  readonly adopters: ReadonlyMap<string, number>;
  readonly forest: Forest | null;
  /** null: too few members have been known for long enough. */
  readonly law: CohortLaw | null;
}

/** Id of the cohort of a role that people gave. */
export function roleCohort(tenant: string, role: string): string {
  return `role:${tenant}:${role}`;
}

/** One version of everything learned across agents. */
export interface CohortModel {
  readonly version: string;
  /** Cohort index by agent key (agent/table.ts). */
  readonly cohortOf: ReadonlyMap<string, number>;
  readonly cohorts: readonly Cohort[];
  /** By tenant: targets that any of its agents has adopted under any endpoint, 16 hex digits of their hashes. */
  readonly targets: ReadonlyMap<string, ReadonlySet<string>>;
  /** Agents that have adopted an endpoint or a model, by tenant and by 16 hex digits of its hash: all cohorts together. */
  readonly users: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By detector, in the order of DETECTORS. */
  readonly days: readonly DayLaw[];
  readonly tails: readonly TailLaw[];
  /** Expected count and squared count per window of an agent nobody knows yet, in the order of WINDOW_MS. */
  readonly windowMean: readonly number[];
  readonly windowSquare: readonly number[];
  /** How far the marginal pages of the last 7 days surely exceeded the budget, at least 1: what fused p are multiplied by. */
  readonly bar: number;
}
