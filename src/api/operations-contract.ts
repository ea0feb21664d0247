/**
 * What operators look at and change, as the API needs it: the audit trail, the configuration in force, models, budgets
 * and replays. The wiring brings it; a process that has no registry of its own to ask leaves it out.
 */
import type { ModelChoice, RegistryRecord, SettingsInForce } from '../registry/registry.js';
import type { DetectorPrecision } from '../triage/triage.js';
import type { AuditTrail } from './audit-trail.js';
import type { ReplaysPort } from './replay-contract.js';

/** One value of the configuration. */
export interface ConfigValue {
  /** Members from the outermost, 'detection.pages_per_agent_day'. */
  readonly path: string;
  /** As JSON; null where it is withheld. */
  readonly value: unknown;
  /** Where it comes from: nobody said it, the configuration's file, or a person while it runs. */
  readonly from: 'default' | 'file' | 'record';
  /** It is a secret, or may hold one. */
  readonly withheld: boolean;
  /** Changes without a restart: PUT /v1/settings. */
  readonly live: boolean;
}

export interface ConfigView {
  /** The configuration's file, or 'defaults'. */
  readonly source: string;
  /** Of all values, secrets left out. */
  readonly hash: string;
  readonly values: readonly ConfigValue[];
  /** Digest that findings carry: of the settings of the engines. */
  readonly settings: string;
  /** Digest of the compiled policy. */
  readonly policyHash: string | null;
}

export interface ModelRow {
  readonly version: string;
  /** 'shipped': with this program; 'learned': from this installation's traffic, or the model that it started from. */
  readonly origin: 'shipped' | 'learned';
  /** When it was written, ms; null: not known. */
  readonly writtenMs: number | null;
  readonly bytes: number;
  readonly cohorts: number;
  readonly agents: number;
  /** What scores are multiplied by because the last week paged too often, at least 1. */
  readonly bar: number;
  /** What it was made of, where somebody wrote that down. */
  readonly card: unknown;
}

export interface ActiveModel {
  readonly partition: number;
  readonly version: string;
  /** When a person put it in force, ms; null: it was learned, or there from the start. */
  readonly sinceMs: number | null;
}

export interface ModelsPort {
  /** Newest first; `before` is the version that the page before ended with. */
  list(
    limit: number,
    before: string | null,
  ): Promise<{ readonly models: readonly ModelRow[]; readonly next: string | null }>;
  /** Makes sure that engines find it. false: there is no such model. Rejects with 'model.invalid' where it cannot score. */
  prepare(version: string): Promise<boolean>;
  /** Of the partitions that this process knows of. */
  active(): readonly ActiveModel[];
  /** Models are learned here; else one that is pinned stays until another is. */
  readonly learns: boolean;
}

/** One change of the page budget that the figures speak for. */
export interface BudgetProposal {
  readonly id: string;
  readonly pagesPerAgentDay: number;
  readonly noticesPerAgentDay: number;
  /** Sentences. */
  readonly reasons: readonly string[];
}

export interface BudgetAdvicePort {
  /** What is proposed now; nothing changes by it. */
  proposals(): readonly BudgetProposal[];
  /** Pages of the last 24 h, by hour, and what people said they can bear. */
  pages(): { readonly perDay: number | null; readonly hours: readonly number[]; readonly today: number };
  precision(): readonly DetectorPrecision[];
}

export interface OperationsPort {
  readonly trail: AuditTrail;
  /** Records of the registry's log from `offset` on, at most `max`. */
  records(
    offset: number,
    max: number,
  ): Promise<readonly { readonly offset: number; readonly record: RegistryRecord }[]>;
  config(): ConfigView;
  /** Of the configuration's file. */
  budget(): { readonly pagesPerAgentDay: number; readonly noticesPerAgentDay: number };
  /** What people set; null: nothing. */
  settings(): SettingsInForce | null;
  modelChoice(): ModelChoice | null;
  readonly models: ModelsPort;
  /** null: nobody advises here. */
  readonly advice: BudgetAdvicePort | null;
  /** null: this server's data cannot be replayed here. */
  readonly replays: ReplaysPort | null;
}
