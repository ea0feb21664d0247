/** What explaining says: every room's verdict on one record as data, in the order in which the record passed them. */
import type { DetectorName } from '../agent/layout.js';
import type { Finding, Proposal, Severity } from '../decide/finding.js';
import type { OpenFinding } from '../engine/findings.js';
import type { Standing } from '../engine/standing.js';
import type { AgentEvent, Rejection } from '../event/event.js';
import type { ReplayDecision } from './replay-summary.js';

/** agent/: whose profile it met, and how far that profile is trusted. */
export interface IdentityVerdict {
  readonly tenant: string;
  readonly root: string;
  readonly bound: boolean;
  /** Cohort in the model in force, and how many agents it has; null: none yet. */
  readonly cohort: { readonly id: string; readonly members: number } | null;
  /** Below 3 closed days learning, or provisional where its cohort has a law; below 7 provisional, from then on calibrated. */
  readonly state: Standing;
  readonly closedDays: number;
  readonly events: number;
  readonly sessions: number;
  /** Cohort model in force. */
  readonly model: string;
  readonly config: string;
}

/** agent/: one counting window, the event included. */
export interface WindowVerdict {
  readonly stream: 'events' | 'starts' | 'spawns' | 'errors';
  readonly windowMs: number;
  readonly count: number;
  /** Mean count of its past buckets, and their standard deviation. */
  readonly mean: number;
  readonly deviation: number;
}

/** agent/: whether the agent had adopted what it used, before this event. */
export interface KnownVerdict {
  readonly name: string;
  readonly adopted: boolean;
  /** Sessions that used it so far, this one included; at most 255. */
  readonly sessions: number;
  /** Other members of the cohort, and how many of them have adopted it; looked up only where it is not adopted. */
  readonly peers: number;
  readonly peersAdopted: number;
}

/** detect/ and score/: one detector's reading and what calibration makes of it. */
export interface DetectorVerdict {
  readonly name: DetectorName;
  /** False: it was not asked this time. All that follows is then 0. */
  readonly ran: boolean;
  readonly feature: string;
  /** Raw, higher is stranger. */
  readonly score: number;
  readonly observed: number;
  readonly expected: number;
  /** How often a day of this agent holds anything at all, (0, 1]. */
  readonly any: number;
  /** Gumbel law of the largest score of such a day: location and scale, in units of the score. */
  readonly mu: number;
  readonly beta: number;
  /** -ln (any P(s | any)), nats; 0 where it is not worth a closer look. */
  readonly stated: number;
  /** The same after the fleet's correction: what is fused. */
  readonly corrected: number;
  /** Part of the fused score, 0 to 1. */
  readonly share: number;
}

/** What the rooms up to score/ said. */
export interface StepVerdict {
  readonly identity: IdentityVerdict;
  /** Empty for a tick. */
  readonly windows: readonly WindowVerdict[];
  readonly endpoint: KnownVerdict | null;
  readonly target: KnownVerdict | null;
  /** Running session; null for a tick. */
  readonly session: { readonly events: number; readonly costUsd: number; readonly opened: boolean } | null;
  readonly detectors: readonly DetectorVerdict[];
  /** Probability that an ordinary day of this agent gets this strange, (0, 1]. */
  readonly p: number;
  /** By the alert budget; null: nothing to say. */
  readonly severity: Severity | null;
}

/** engine/: what became of it in the book of findings. */
export interface FindingVerdict {
  /** raised: a new finding; rose: a line for a higher severity; absorbed: more evidence for one that is open. */
  readonly outcome: 'raised' | 'rose' | 'absorbed' | 'none';
  /** Lines written for this record. */
  readonly lines: readonly Finding[];
  /** The finding that it belongs to; null where there is none. */
  readonly open: OpenFinding | null;
  /** Shown below what its evidence reached, because another page is open on the agent. */
  readonly capped: boolean;
}

export interface Explanation {
  /** The id asked for. */
  readonly id: string;
  /** Partition of the log; null: a recording. */
  readonly partition: number | null;
  /** Of the record; in a recording the line, for a tick that of the event that it went before. */
  readonly offset: number;
  /** ISO 8601 UTC. */
  readonly time: string;
  /** null for a tick and for a record of a source or of the responder. */
  readonly event: AgentEvent | null;
  readonly fate: 'scored' | 'late' | 'duplicate' | 'not-admitted' | 'rejected' | 'tick' | 'source' | 'responder';
  /** Where the fate is 'rejected'. */
  readonly rejection: Rejection | null;
  /** null where it was not scored. */
  readonly step: StepVerdict | null;
  readonly finding: FindingVerdict;
  readonly proposals: readonly Proposal[];
  /** What the registry made of the proposals. */
  readonly decisions: readonly ReplayDecision[];
  /** The line in the findings file; null where none was looked up or the id is an event's. */
  readonly stored: Finding | null;
}
