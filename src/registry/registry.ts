/**
 * Room registry/: who the agents are and what they may do, as a fold over `log:registry` (one partition, never
 * compacted). Every reader folds the same records and reaches the same verdict; the first record in the log wins.
 * The fold knows no clock: time comes from the records themselves ({type:'time'} records, wall clock when live, the
 * recording's ticks in a replay).
 */
import type { Action, Mode, Proposal } from '../decide/finding.js';
import type { Brakes, Policy } from '../decide/policy.js';
import type { Budgets, VerdictRecord } from '../engine/record.js';

export type AgentStatus = 'active' | 'throttled' | 'restricted' | 'suspended' | 'revoked';

/** Who did it, on whose authority, and after which record: on every registry record. */
export interface Authority {
  /** 'person:NAME', 'engine:PARTITION', 'system'. */
  readonly actor: string;
  /** Token id, policy name or 'system'. */
  readonly authority: string;
  /** What it answers: a finding id, a proposal key, a request id; null at a root. */
  readonly parent: string | null;
}

/** One agent as the registry knows it. */
export interface RegistryEntry {
  readonly tenant: string;
  readonly agent: string;
  readonly registered: boolean;
  /** The agent it was first seen working for; a stop of that one covers this one too. null: its own root. */
  readonly parent: string | null;
  /** Optimistic version: grows by one with each decision about it; what is merely observed does not move it. */
  readonly version: number;
  readonly owner: string | null;
  readonly role: string | null;
  readonly labels: readonly string[];
  readonly scopes: readonly string[];
  readonly budgets: Budgets;
  readonly protected: boolean;
  /** Versions of the agent's own code, as seen, newest last, at most 16. */
  readonly agentVersions: readonly string[];
  readonly status: AgentStatus;
  /** ms; when the restriction ends; null: none, or until released. */
  readonly untilMs: number | null;
  readonly callsPerMinute: number | null;
  readonly reason: string | null;
  /** Calls refused since the stop in force, as recorded; 0 without one. */
  readonly attempts: number;
  readonly firstSeenMs: number;
  readonly lastChangeMs: number;
}

interface Base extends Authority {
  /** Registry clock, ms. */
  readonly timeMs: number;
}

export type RegistryRecord =
  | (Base & { type: 'time' })
  /** Inventory: first seen in traffic, not registered by anybody. */
  | (Base & {
      type: 'seen';
      tenant: string;
      agent: string;
      agentVersion: string | null;
      /** Whom it works for, named by a sender bound to both agents; left out otherwise. Counts at the first sight only. */
      parentAgent?: string | null;
    })
  | (Base & {
      type: 'register';
      tenant: string;
      agent: string;
      /** Version the writer read; a different one in the fold refuses the record. null: does not matter. */
      ifVersion: number | null;
      owner?: string | null;
      role?: string | null;
      labels?: readonly string[];
      scopes?: readonly string[];
      budgets?: Budgets;
      protected?: boolean;
      /** Whom it works for; null: it is its own root. */
      parentAgent?: string | null;
    })
  | (Base & { type: 'proposal'; proposal: Proposal })
  /** A person's stop: bypasses the brakes. */
  | (Base & {
      type: 'stop';
      key: string;
      tenant: string;
      agent: string;
      action: Action;
      reason: string;
      forMs: number | null;
      callsPerMinute: number | null;
    })
  /** Lifts what is in force and answers what is open. Persons only; a revocation yields to the admin role alone. */
  | (Base & {
      type: 'release';
      key: string;
      tenant: string;
      agent: string;
      reason: string;
      /** Role of the person's token; left out: responder. */
      role?: 'responder' | 'admin';
      /** Version the person saw; a different one in the fold refuses the record. */
      ifVersion?: number | null;
    })
  | (Base & { type: 'policy'; policy: Policy })
  /** A person's word on a finding; `verdict.timeMs` is the writer's, the engines are told the registry's. */
  | (Base & { type: 'verdict'; verdict: VerdictRecord })
  | (Base & { type: 'verdict-undo'; id: string })
  /** A process takes a partition over: what an owner of an earlier epoch proposes from here on is void. */
  | (Base & { type: 'owner'; partition: number; epoch: number })
  /** A call that /v1/decide refused after a stop: recorded, at most once per agent and minute, with the count. */
  | (Base & { type: 'attempt'; tenant: string; agent: string; count: number });

/** What the fold made of one record. */
export interface Verdict {
  readonly effect: 'applied' | 'recommended' | 'observed' | 'duplicate' | 'refused' | 'none';
  /** Why, in words, where it was not applied. */
  readonly reason: string | null;
  /** Row of the error table that answers an API caller; null unless refused. */
  readonly code: 'registry.conflict' | 'registry.refused' | 'registry.unknown-agent' | null;
  readonly entry: RegistryEntry | null;
  /** Agents whose restriction ended because this record moved the registry's clock, as they are now. */
  readonly expired: readonly RegistryEntry[];
}

/** Calls refused since the last drain, for one 'attempt' record. */
export interface Attempts {
  readonly tenant: string;
  readonly agent: string;
  readonly count: number;
}

/** Answer of the inline decision. */
export interface Decision {
  readonly allow: boolean;
  readonly status: AgentStatus | 'unknown';
  readonly reason: string;
  /** ms until a retry makes sense (throttle), else null. */
  readonly retryAfterMs: number | null;
}

/** The fold, and what can be asked of it. */
export interface RegistryFold {
  apply(record: RegistryRecord): Verdict;
  entry(tenant: string, agent: string): RegistryEntry | null;
  entries(): IterableIterator<RegistryEntry>;
  /** Automatic stops left in the running interval, whether the breaker is open, and what it skipped, worst first. */
  brakes(): {
    readonly brakes: Brakes;
    readonly left: number;
    readonly open: boolean;
    readonly skipped: readonly Proposal[];
  };
  /** Proposals made in mode recommend that nobody has answered yet, worst first. */
  recommendations(): readonly Proposal[];
  /** What people said of findings and is in force, oldest first. */
  verdicts(): readonly VerdictRecord[];
  mode(): Mode;
  /** null before the first policy record. */
  policy(): Policy | null;
  /** The registry's clock, ms: the largest time of any record so far. */
  clockMs(): number;
  /** When the next restriction, breaker or open proposal ends, ms; null: nothing is pending. */
  nextExpiryMs(): number | null;
  /** From memory, no I/O. A root's stop covers its sub-agents. `nowMs` is the caller's clock (throttle buckets, expiry). */
  decide(tenant: string, agent: string, nowMs: number): Decision;
  /** Refused calls since the last drain, each stopped agent at most once a minute. */
  drainAttempts(nowMs: number): Attempts[];
  /** Plain JSON, restorable. */
  snapshot(): unknown;
}
