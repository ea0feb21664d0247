/** What an engine knows of one agent, as plain values that cross threads and become JSON. Types alone. */

/** A count, an amount: what is usual, and what all but one in a hundred stay between. */
export interface UsualRange {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** One counting window as it stands at the partition's clock. */
export interface WindowInspection {
  readonly stream: 'events' | 'starts' | 'spawns' | 'errors';
  readonly windowMs: number;
  /** In the window that ends now. */
  readonly count: number;
  /** Of the agent's own closed windows, and how many it has learned from, at most the memory. */
  readonly mean: number;
  readonly variance: number;
  readonly learned: number;
  /** By the law that counts are judged by: the agent's own, and as long as it is young that of its cohort or fleet. */
  readonly band: UsualRange;
  /** Variance over mean of that law. */
  readonly dispersion: number;
}

/** A law of costs: USD; null: fewer than four of them were learned. */
export interface CostLaw {
  readonly usual: UsualRange | null;
  /** Standard deviation of ln cost, with the doubt of a short history in it. */
  readonly deviation: number;
  readonly learned: number;
}

/** A session that runs. */
export interface SessionInspection {
  /** Of its latest event, ms. */
  readonly lastMs: number;
  readonly events: number;
  readonly costUsd: number;
  /** What sessions that cost so much come to in the end, on average, USD; null: no law yet. */
  readonly projectedUsd: number | null;
}

/** What the agent spends, beside what is usual and what it may. */
export interface CostInspection {
  readonly session: CostLaw;
  /** Of hours in which anything was spent. */
  readonly hour: CostLaw;
  /** In the hour that ends now, USD. */
  readonly lastHourUsd: number;
  /** In the running UTC day, USD. */
  readonly dayUsd: number;
  /** At its end, at the pace of the last hour, USD. */
  readonly dayProjectedUsd: number;
  /** USD; null: none set. */
  readonly sessionBudgetUsd: number | null;
  readonly dayBudgetUsd: number | null;
  /** Running sessions, latest first, at most 20. */
  readonly running: readonly SessionInspection[];
}

/** How many names the profile remembers; the names themselves it does not keep. */
export interface KnownInspection {
  readonly remembered: number;
  /** Of those, used in enough sessions over enough time to be normal. */
  readonly adopted: number;
  /** Seen first within 7 days, adopted or not. */
  readonly recent: number;
  readonly slots: number;
}

/** What creeps: levels of late against the slow anchors that hold still. */
export interface DriftInspection {
  /** Cost of sessions: of late and of the anchor, USD; null: nothing was learned. */
  readonly sessionUsd: number | null;
  readonly anchorUsd: number | null;
  /** How far the last sessions stood above the anchor, and the sum of it, standard deviations. */
  readonly costLevel: number;
  readonly costSum: number;
  /** Calls a minute: of late, of the anchor, and where a person or the first days confirmed it (0: never). */
  readonly lateCalls: number;
  readonly anchorCalls: number;
  readonly confirmedCalls: number;
  readonly rateSum: number;
}

/** One agent's profile, read. */
export interface Inspection {
  readonly tenant: string;
  /** Root of the tree: profiles are kept per root. */
  readonly agent: string;
  /** Whose events it is of: of senders bound to the agent, or of the others. */
  readonly bound: boolean;
  /** It waits on the shelf: nothing was heard of the agent lately. */
  readonly shelved: boolean;
  /** The partition's clock, ms: all of this is as of then. */
  readonly atMs: number;
  /** As in standing.ts. */
  readonly standing: 'learning' | 'provisional' | 'calibrated';
  readonly closedDays: number;
  readonly events: number;
  readonly sessions: number;
  /** Latest event, ms; 0: none. */
  readonly lastMs: number;
  /** Longest silence between two calls, ms. */
  readonly longestSilenceMs: number;
  readonly role: string | null;
  readonly cohort: { readonly id: string; readonly members: number } | null;
  /** Versions of the cohort model and digest of the settings in force. */
  readonly model: string;
  readonly config: string;
  /** Part of its calls that fail, 0 to 1, of late. */
  readonly errorShare: number;
  readonly windows: readonly WindowInspection[];
  /** Calls in each UTC hour of the day over those of an average hour; null: hours do not tell more than the mean. */
  readonly hours: readonly number[] | null;
  readonly cost: CostInspection;
  readonly endpoints: KnownInspection;
  /** Pairs of endpoint and target. */
  readonly targets: KnownInspection;
  readonly sources: number;
  readonly environments: number;
  readonly credentials: number;
  readonly drift: DriftInspection;
}

/** What is usual in a step of time that begins in one UTC hour of the day. */
export interface BandRow {
  readonly calls: UsualRange;
  readonly errors: UsualRange;
  /** USD; null: no law yet. What is usual of hours in which anything is spent: nothing is low. */
  readonly costUsd: UsualRange | null;
}
