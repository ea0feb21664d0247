/**
 * An engine's one input: the records of its own partition. Everything that can change a score is one of these.
 * On the log a record is one JSON line; an event's line carries the sender's own JSON unchanged under `event`.
 */
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

export type ControlRecord = ModelRecord | AgentRecord | ResetRecord | ConfigRecord | SourceStateRecord | FleetRecord;
export type EngineRecord = EventRecord | TickRecord | ControlRecord;
