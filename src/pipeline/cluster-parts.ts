/** What a process among several is given: adapters, that only main.ts sees, as the contracts that it needs of them. */
import type { Worker } from 'node:worker_threads';
import type { Config, ProcessRole } from '../config.js';
import type { Finding } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel } from '../detect/model.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import type { KeyedLearnerTask, OwnerTask } from './cluster-protocol.js';
import type { RestartLimits } from './kept-worker.js';
import type { Transactions } from './keyed-ledger.js';
import type { ReadModels } from './keyed-models.js';
import type { LiveChange, LiveRegistry, LiveRegistryOptions, LiveReport } from './live-parts.js';
import type { OwnedObserver } from './owned-partition.js';
import type { Membership } from './score-role.js';

/** The registry, as far as a process among several needs it. */
export interface ClusterRegistry extends LiveRegistry {
  adopt(policy: Policy): Promise<unknown>;
  readonly view: { policy(): Policy | null; clockMs(): number };
}

export interface GroupOptions {
  /** Without the installation's prefix. */
  readonly group: string;
  readonly topic: string;
  /** Told all that is this process's at every change, from the first on. */
  readonly onAssigned: (partitions: readonly number[]) => void;
}

export interface ClusterAdapters<R extends ClusterRegistry> {
  /** Rejects with 'kafka.missing-topic' and the like. `committed`: leave out what transactions have not committed. */
  openLog(topics: Readonly<Record<string, number>>, committed: boolean): Promise<Log>;
  openRegistry(options: LiveRegistryOptions): Promise<R>;
  /** Of an id without the installation's prefix. */
  openTransactions(id: string): Promise<Transactions>;
  readonly readModels: ReadModels;
  join(options: GroupOptions): Promise<Membership>;
  spawnOwner(task: Omit<OwnerTask<unknown>, 'kafka' | 'kind'>): Promise<Worker>;
  spawnLearner(task: Omit<KeyedLearnerTask<unknown>, 'kafka' | 'kind'>): Promise<Worker>;
}

/** Whoever measures. */
export interface ClusterObserver extends OwnedObserver {
  /** A learning window is closed. */
  learned(): void;
  activated(version: string): void;
  /** Since the start. */
  registry(change: LiveChange): void;
  finding(finding: Finding): void;
}

export interface ClusterOptions<R extends ClusterRegistry> {
  readonly config: Config;
  readonly roles: readonly ProcessRole[];
  readonly policy: Policy;
  readonly startModel: CohortModel;
  readonly prices: PriceTable;
  readonly adapters: ClusterAdapters<R>;
  /** For what is cheap to lose: this process's alone. */
  readonly scratch: string;
  /** Takes every finding's line: at the start the recent ones, then each once it is durable. */
  readonly findings: { add(finding: Finding): void };
  /** Findings are followed by roles that show none too. */
  readonly followsFindings?: boolean;
  /** Draws the secret seed of a new installation, where the configuration names none. */
  readonly drawSeed?: () => number;
  /** Where ticks and the registry's time come from: the machine, or records that stand in the log. Default: wall. */
  readonly clock?: 'wall' | 'recording';
  readonly tickEveryMs?: number;
  readonly restart?: RestartLimits;
  readonly observer: ClusterObserver;
  readonly report: (report: LiveReport) => void;
  /** A new finding's line, not one of an earlier life. */
  readonly onFinding?: (finding: Finding) => void;
  readonly onRegistryChange?: (change: LiveChange) => void;
}
