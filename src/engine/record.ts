/**
 * An engine's one input: the records of its own partition. Everything that can change a score is one of these.
 * On the log a record is one JSON line; an event's line carries the sender's own JSON unchanged under `event`.
 */
import type { Action, Kind } from '../decide/finding.js';
import type { SuppressionTerms } from '../decide/suppression.js';
import type { TrustLevel } from '../decide/trust.js';
import type { AgentEvent } from '../event/event.js';
import type { FleetRecord } from './fleet-record.js';

/** An event, as ingested. */
export interface EventRecord {
  readonly type: 'event';
  readonly event: AgentEvent;
  /** The sender is bound to this tenant or agent (design, section 4). */
  readonly bound: boolean;
}

/** The partition's clock: windows, silence and closings move with ticks, never with the wall clock. */
export interface TickRecord {
  readonly type: 'tick';
  readonly timeMs: number;
}

/** Activation of a cohort model, named by the digest of its file. */
export interface ModelRecord {
  readonly type: 'model';
  readonly timeMs: number;
  readonly version: string;
}

/** What the registry knows of an agent and the engine must: role and labels (cohort, policy), budgets. */
export interface AgentRecord {
  readonly type: 'agent';
  readonly timeMs: number;
  readonly tenant: string;
  readonly agent: string;
  readonly role: string | null;
  readonly labels: readonly string[];
  readonly budgets: Budgets;
  /** As people registered them; left out: not said. */
  readonly trust?: TrustLevel | undefined;
  readonly environment?: string | undefined;
  /** The stop in force, so that traffic after it is seen for what it is; left out or null: it is not stopped. */
  readonly stopped?: StopFact | null | undefined;
  /** An engine's stop of an agent above it does not cover it; left out: it does. */
  readonly protected?: true | undefined;
}

/** A stop in force: nothing of the agent, nor of what works under it, should get through. */
export interface StopFact {
  /** Registry clock, ms. */
  readonly sinceMs: number;
  /** Ends then; null: until released. */
  readonly untilMs: number | null;
  readonly action: Action;
  /** Of the agent's entry as the stop began: a stop that is prolonged stays the same one. */
  readonly version: number;
  /** Made by an engine's proposal. */
  readonly automatic: boolean;
}

/** US dollars; null: none set. */
export interface Budgets {
  readonly sessionUsd: number | null;
  readonly dayUsd: number | null;
}

/** A person resets one agent's profile: it learns anew from here. */
export interface ResetRecord {
  readonly type: 'reset';
  readonly timeMs: number;
  readonly tenant: string;
  readonly agent: string;
  readonly actor: string;
  /** Left out: it knows nothing; else it knows again what it knew then. */
  readonly dated?: DatedProfile | undefined;
}

/** What an agent's profiles were at some time, read from a dated snapshot. */
export interface DatedProfile {
  /** Time of the snapshot, ms. */
  readonly timeMs: number;
  /** LAYOUT_DIGEST of the version that wrote it: bytes of another layout mean something else. */
  readonly layout: string;
  /** PROFILE_BYTES bytes as base64; null: there was none. */
  readonly bound: string | null;
  /** That of senders that are not bound. */
  readonly unbound: string | null;
}

/** Whom a verdict reaches: an agent with its whole tree (named by its root), or all agents of a role of the tenant. */
export type VerdictScope = { readonly agent: string } | { readonly role: string };

/** What people may say of a finding. */
export const VERDICTS = ['expected', 'false-positive', 'true-positive'] as const;
export type VerdictWord = (typeof VERDICTS)[number];

/** A person's word on a finding: what the like of it means from here on, for whom and until when. */
export interface VerdictRecord {
  readonly type: 'verdict';
  readonly timeMs: number;
  readonly id: string;
  readonly tenant: string;
  readonly scope: VerdictScope;
  readonly verdict: VerdictWord;
  readonly kind: Kind;
  /** Of the finding's leading attribution. */
  readonly detector: string;
  readonly feature: string;
  /** Of the event that the finding's line rests on; null: of a tick. */
  readonly endpoint: string | null;
  readonly target: string | null;
  readonly session: string | null;
  /** Only what is higher than before is a new thing. */
  readonly direction: 'up';
  /** Observed value of the leading attribution. */
  readonly level: number;
  /** Time of the finding, ms: what was learned since may be taken back. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly actor: string;
  readonly comment: string | null;
  /** Id of the finding; null: it is not known. */
  readonly finding: string | null;
}

/** A person takes a verdict back; what it touched is as it was before. */
export interface VerdictUndoRecord {
  readonly type: 'verdict-undo';
  readonly timeMs: number;
  /** Of the verdict. */
  readonly id: string;
  readonly actor: string;
}

/** Whom a suppression reaches: as a verdict's, or everybody of the tenant. */
export type SuppressionScope = VerdictScope | { readonly tenant: true };

/** A person says in advance which findings are expected for a time: they are notices then, and propose nothing. */
export interface SuppressionRecord extends SuppressionTerms {
  readonly type: 'suppress';
  readonly timeMs: number;
  readonly id: string;
  readonly tenant: string;
  readonly scope: SuppressionScope;
  /** By the partition's clock: from this time on. */
  readonly fromMs: number;
  /** And no more at this one. */
  readonly untilMs: number;
  readonly reason: string;
  readonly actor: string;
}

/** A person takes a suppression back. */
export interface SuppressionUndoRecord {
  readonly type: 'suppress-undo';
  readonly timeMs: number;
  /** Of the suppression. */
  readonly id: string;
  readonly actor: string;
}

/** A new configuration version: policy and detection settings, whole. */
export interface ConfigRecord {
  readonly type: 'config';
  readonly timeMs: number;
  /** The settings of config.ts that an engine obeys. */
  readonly settings: unknown;
}

/** A source is read no more, because too much of what it sends is no event; or it is read again. */
export interface SourceStateRecord {
  readonly type: 'source';
  /** Wall clock of whoever reads the source. */
  readonly timeMs: number;
  /** Its name in the configuration. */
  readonly source: string;
  readonly state: 'refused' | 'accepted';
  /** Items rejected among the `of` that were judged last. */
  readonly rejections: number;
  readonly of: number;
  /** The code met most often, with an example; '' where nothing was rejected. */
  readonly reason: string;
}

/** Something about stops that a person must know at once; the engine makes a finding of it, so that it pages like any other. */
export interface ResponderRecord {
  readonly type: 'responder';
  /** Wall clock of the writer. */
  readonly timeMs: number;
  readonly what: 'breaker-open' | 'stop-unverified' | 'delivery-dead' | 'halt';
  /** Whom it is about; tenant '' and agent 'fleet' where it is about many. */
  readonly tenant: string;
  readonly agent: string;
  /** Tells one such thing from the next of the same agent: a version, a time, a key. */
  readonly key: string;
  /** A sentence for people. */
  readonly words: string;
  /** Agents that it names, worst first, at most 100. */
  readonly agents: readonly string[];
}

export type ControlRecord =
  | ModelRecord
  | AgentRecord
  | ResetRecord
  | ConfigRecord
  | SourceStateRecord
  | FleetRecord
  | VerdictRecord
  | VerdictUndoRecord
  | SuppressionRecord
  | SuppressionUndoRecord
  | ResponderRecord;
export type EngineRecord = EventRecord | TickRecord | ControlRecord;
