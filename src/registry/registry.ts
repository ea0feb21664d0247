/**
 * Room registry/: who the agents are and what they may do, as a fold over `log:registry` (one partition, never
 * compacted). Every reader folds the same records and reaches the same verdict; the first record in the log wins.
 * The fold knows no clock: time comes from the records themselves ({type:'time'} records, wall clock when live, the
 * recording's ticks in a replay).
 */
import type { Action, Mode, Proposal } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { TrustLevel } from '../decide/trust.js';
import type { Budgets, SuppressionRecord, VerdictRecord } from '../engine/record.js';
import type { Approval, ApprovalSubject } from './approval.js';
import type { DrillResult } from './drill-result.js';
import type { AgentStatus, Registration, RegistryEntry } from './entry.js';
import type { LadderView } from './ladder-view.js';
import type { BrakesState, BreakerOpening, Effect, EffectState, Halt } from './responder.js';
import type { Leaver, SponsorPlan } from './sponsor-plan.js';
import type { SuppressionState } from './suppression-state.js';
import type { TriageChange } from './triage-change.js';

export { EFFECT_STATES, isProlonged, PROLONGED } from './responder.js';
export type { BrakesState, BreakerOpening, Effect, EffectState, Halt };

/** Who did it, on whose authority, and after which record: on every registry record. */
export interface Authority {
  /** 'person:NAME', 'engine:PARTITION', 'system'. */
  readonly actor: string;
  /** Token id, policy name or 'system'. */
  readonly authority: string;
  /** What it answers: a finding id, a proposal key, a request id; null at a root. */
  readonly parent: string | null;
}

export { TRUST_LEVELS, type TrustLevel } from '../decide/trust.js';
export type { Approval, ApprovalState, ApprovalSubject } from './approval.js';
export { APPROVAL_STATES, REVOKE_FOR_MS } from './approval.js';
export type { DrillResult, DrillStage } from './drill-result.js';
export type { AgentStatus, Credential, DelegationLimits, Registration, RegistryEntry } from './entry.js';
export { NO_REGISTRATION } from './entry.js';
export type { LadderView } from './ladder-view.js';
export type { Leaver, SponsorPlan, SponsorStep } from './sponsor-plan.js';
export type { SuppressionState } from './suppression-state.js';
export {
  RESOLUTIONS,
  type Resolution,
  TRIAGE_STATUSES,
  type TriageChange,
  type TriageStatus,
} from './triage-change.js';

/** What may be set while everything runs: shares of agent-days, (0, 0.5]. */
export interface DetectionBudget {
  readonly pagesPerAgentDay: number;
  readonly noticesPerAgentDay: number;
}

/** What a person set last. */
export interface SettingsInForce {
  readonly settings: DetectionBudget;
  /** 1 for the first that was ever set. */
  readonly version: number;
  /** Registry clock, ms. */
  readonly sinceMs: number;
  readonly actor: string;
  /** What it answered: a proposal, or the request. */
  readonly parent: string | null;
  readonly comment: string | null;
}

/** The model that a person chose last. */
export interface ModelChoice {
  readonly version: string;
  /** Models learned since do not take its place. */
  readonly pinned: boolean;
  /** Registry clock, ms. */
  readonly sinceMs: number;
  readonly actor: string;
}

/** One agent of a trail with what it is held to: the acting one, those above it, then others that work for the same. */
export interface TrailStep {
  readonly agent: string;
  /** Whom it works for, as the registry knows it; null: nobody. */
  readonly parent: string | null;
  readonly operations: readonly string[] | null;
  readonly endpoints: readonly string[] | null;
  readonly targets: readonly string[] | null;
  readonly trust: TrustLevel | null;
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
      /** Members left out stay as they are. */
      registration?: Partial<Registration>;
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
      /** True: the stop was wrong; a policy on a ladder begins its step anew. */
      mistake?: boolean;
    })
  | (Base & { type: 'policy'; policy: Policy })
  /** A person's word on a finding; `verdict.timeMs` is the writer's, the engines are told the registry's. */
  | (Base & { type: 'verdict'; verdict: VerdictRecord })
  | (Base & { type: 'verdict-undo'; id: string })
  /** What a person says in advance of findings; `suppression.timeMs` is the writer's, the engines are told the registry's. */
  | (Base & { type: 'suppress'; suppression: SuppressionRecord })
  | (Base & { type: 'suppress-undo'; id: string })
  /** How a person works on findings: who has them, how far they are, what is said. `key` makes it count once. */
  | (Base & { type: 'triage'; key: string; findings: readonly string[]; change: TriageChange })
  /** How much is found from here on, instead of what the configuration says. Persons only. */
  | (Base & {
      type: 'settings';
      key: string;
      settings: DetectionBudget;
      /** Version the person saw; a different one in the fold refuses the record. */
      ifVersion: number | null;
      comment: string | null;
    })
  /** The model that scores from here on; null: the pin is taken away. Persons only. */
  | (Base & { type: 'model-choice'; key: string; version: string | null; pin: boolean })
  /** Somebody did what changes nothing here and must be known all the same. */
  | (Base & { type: 'deed'; what: string; about: string })
  /** A process takes a partition over: what an owner of an earlier epoch proposes from here on is void. */
  | (Base & { type: 'owner'; partition: number; epoch: number })
  /** Waits for people from here on; `id` is its idempotency key. */
  | (Base & {
      type: 'approval-request';
      id: string;
      tenant: string;
      agent: string;
      subject: ApprovalSubject;
      /** Lapses after this long, ms; one that was given is used up or lapses likewise. */
      forMs: number;
    })
  | (Base & { type: 'approval-answer'; id: string; answer: 'approve' | 'reject'; comment: string | null })
  /** Calls that an approval let pass. */
  | (Base & { type: 'approval-use'; id: string; count: number })
  /** Calls that a limit refused (or would have, where it is not enforced), at most one record per agent, limit and minute. */
  | (Base & {
      type: 'denied';
      tenant: string;
      agent: string;
      denial: Denial;
      enforced: boolean;
      count: number;
      /** The last such call. */
      question: Question;
      /** Name of the policy's rule; null: the agent's own registration. */
      rule: string | null;
      /** Acting agent first. */
      trail: readonly TrailStep[];
    })
  /** Everybody is stopped, or everybody of one tenant. Persons only. */
  | (Base & { type: 'halt'; key: string; tenant: string | null; reason: string })
  /** A halt is lifted for a share of the agents, (0, 1]; 1 ends it. It never shrinks. Persons only. */
  | (Base & { type: 'recover'; key: string; tenant: string | null; share: number; reason: string })
  /** The policy of this name goes one step up or down its ladder. Persons only. */
  | (Base & { type: 'ladder'; policy: string; to: Mode; reason: string })
  /** Somebody who answers for agents has left, as the sponsor feed says; what follows is the policy's to say. */
  | (Base & { type: 'sponsor'; owner: string; state: 'left' | 'returned'; successor: string | null })
  /** How far the restriction that made `version` of the agent's entry came at one place: a connector's name, or 'traffic'. */
  | (Base & {
      type: 'effect';
      tenant: string;
      agent: string;
      version: number;
      place: string;
      state: EffectState;
      reason: string | null;
      /** The agent above whose restriction covers it, and whose version this is; left out: its own. */
      root?: string | null;
    })
  | (Base & { type: 'drill'; drill: DrillResult })
  /** What `place` was to be told beside restrictions, pages and notices, by their keys: received, or given up. */
  | (Base & { type: 'told'; place: string; keys: readonly string[]; state: 'sent' | 'dead'; reason: string | null })
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
  /** A breaker that people are to be told of with this record; left out: none. */
  readonly opened?: BreakerOpening;
  /** Agents that a record about somebody else changed, as they are now; left out: none. */
  readonly changed?: readonly RegistryEntry[];
  /** Id of the approval that it waits for; left out: it waits for none. */
  readonly approval?: string;
}

/** Calls refused since the last drain, for one 'attempt' record. */
export interface Attempts {
  readonly tenant: string;
  readonly agent: string;
  readonly count: number;
}

/** What a caller says of the call that it asks about; what it leaves out is not judged, or refused where a limit needs it. */
export interface Question {
  readonly operation?: string | null;
  readonly endpoint?: string | null;
  readonly target?: string | null;
  readonly session?: string | null;
  readonly dataClass?: string | null;
  /** The agent on whose behalf it acts, where the registry does not know it yet. */
  readonly parent?: string | null;
  /** Id of an approval that a person gave for this call. */
  readonly approval?: string | null;
}

/** Why a call is refused, in one word that programs can match. */
export const DENIALS = [
  'halted',
  'stopped',
  'throttled',
  'restricted',
  'unregistered',
  'operation',
  'endpoint',
  'target',
  'data-class',
  'hours',
  'trust',
  'delegation',
  'budget',
  'approval',
  'stale',
] as const;
export type Denial = (typeof DENIALS)[number];

/** Answer of the inline decision. */
export interface Decision {
  readonly allow: boolean;
  readonly status: AgentStatus | 'unknown';
  readonly reason: string;
  /** ms until a retry makes sense (throttle), else null. */
  readonly retryAfterMs: number | null;
  /** null: allowed. */
  readonly denial: Denial | null;
  /** Id of the approval that the call waits for; left out: it waits for none. */
  readonly approval?: string;
}

/** What deciding has to tell the log: calls refused, approvals asked for, approvals used. */
export type Note = OfNote<'denied'> | OfNote<'approval-request'> | OfNote<'approval-use'>;
type OfNote<T extends RegistryRecord['type']> = Omit<Extract<RegistryRecord, { type: T }>, keyof Base>;

/** A refused call as recorded. */
export type DeniedRecord = Extract<RegistryRecord, { type: 'denied' }>;

/** The fold, and what can be asked of it. */
export interface RegistryFold {
  apply(record: RegistryRecord): Verdict;
  entry(tenant: string, agent: string): RegistryEntry | null;
  entries(): IterableIterator<RegistryEntry>;
  /** Automatic stops left in the running interval, whether the breaker is open, and what it skipped, worst first. */
  brakes(): BrakesState;
  /** Whom a halt refuses; everybody's first. */
  halts(): readonly Halt[];
  /** How far the agent's restriction in force came, place by place; empty where there is none. */
  effects(tenant: string, agent: string): readonly Effect[];
  /** Proposals made in mode recommend that nobody has answered yet, worst first. */
  recommendations(): readonly Proposal[];
  /** What people said of findings and is in force, oldest first. */
  verdicts(): readonly VerdictRecord[];
  /** What people said in advance, oldest first; what is over too, as far as it is remembered. */
  suppressions(): readonly SuppressionState[];
  /** The newest drills, oldest first. */
  drills(): readonly DrillResult[];
  /** Who has left, by name. */
  leavers(): ReadonlyMap<string, Leaver>;
  /** What would follow if the feed said this now; changes nothing. */
  foreseeSponsor(owner: string, state: 'left' | 'returned', successor: string | null): SponsorPlan;
  /** Requests for a person's leave, newest first; answered ones too, as far as they are remembered. */
  approvals(): readonly Approval[];
  /** Calls that limits refused, newest first, at most 1,000 records. */
  denials(): readonly DeniedRecord[];
  /** null: those of the configuration. */
  settings(): SettingsInForce | null;
  /** null: nobody chose, or the pin was taken away. */
  modelChoice(): ModelChoice | null;
  /** null: the policy has no ladder. */
  ladder(): LadderView | null;
  /** The mode in force: the policy's own, or the step of its ladder where that is milder. */
  mode(): Mode;
  /** null before the first policy record. */
  policy(): Policy | null;
  /** The registry's clock, ms: the largest time of any record so far. */
  clockMs(): number;
  /** When the next restriction, breaker or open proposal ends, ms; null: nothing is pending. */
  nextExpiryMs(): number | null;
  /** From memory, no I/O. A root's stop covers its sub-agents. `nowMs` is the caller's clock (throttle buckets, expiry). */
  decide(tenant: string, agent: string, nowMs: number, question?: Question): Decision;
  /** Refused calls since the last drain, each stopped agent at most once a minute. */
  drainAttempts(nowMs: number): Attempts[];
  /** What deciding has to tell since the last drain, in the order in which it must be written. */
  drainNotes(nowMs: number): Note[];
  /** Plain JSON, restorable. */
  snapshot(): unknown;
}
