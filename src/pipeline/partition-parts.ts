/** What a partition is made of, and what it tells: the contract between its loop and whoever runs it. */
import type { Proposal } from '../decide/finding.js';
import type { EngineCounts, Inspection } from '../engine/contract.js';
import type { Sighting, StopEffect } from '../engine/outcome.js';
import type { Place } from '../engine/state.js';
import type { PriceTable } from '../event/prices.js';
import type { Failpoint } from './failpoint.js';
import type { Ledger } from './ledger.js';
import type { ModelSource } from './model-folder.js';
import type { LogPlace } from './output.js';

export interface Progress {
  /** Next record to be executed; everything that follows from those before it is durable or on its way. */
  readonly offset: number;
  /** Time of the last tick executed, ms; 0 before the first. */
  readonly nowMs: number;
  /** Version in force; left out by whoever does not execute. */
  readonly model?: string;
  readonly counts: Readonly<EngineCounts>;
  readonly deadLettered: number;
  /** Ends of the findings, samples and signals, as far as durable; 0 where the ledger does not count them. */
  readonly findings: number;
  readonly samples: number;
  readonly signals: number;
}

export interface PartitionEmit {
  /** Resolves once the registry has all of it; may be told the same again after a crash. `nowMs`: the partition's clock. */
  registry(
    proposals: readonly Proposal[],
    sightings: readonly Sighting[],
    nowMs: number,
    effects: readonly StopEffect[],
  ): Promise<void>;
  progress(progress: Progress): void;
  /** `log:events` is needed from here on. */
  checkpointed(offset: number): void;
  /** A batch of records was executed and handed on, in so many ms. */
  batch?(records: number, ms: number): void;
}

export interface PartitionParts {
  readonly place: Place;
  readonly events: LogPlace;
  readonly ledger: Ledger;
  /** Length of a learning window, ms; null: nothing is learned. */
  readonly samplesEveryMs: number | null;
  readonly models: ModelSource;
  /** Resolves once `models` has that version. Left out: it has all that are named. */
  readonly fetchModel?: (version: string) => Promise<void>;
  readonly prices: PriceTable;
  readonly checkpointEveryMs: number;
  /** For pacing alone: no score and no output depends on it. */
  readonly clock: () => number;
  readonly emit: PartitionEmit;
  readonly pass?: Failpoint;
}

export interface Partition {
  /** Runs until stopped, then checkpoints, and closes its ledger. Rejects where a fault of ours made it stop. */
  run(): Promise<void>;
  stop(): void;
  /** What is known of an agent as of now; null: it was never met. */
  inspect(tenant: string, agent: string): Inspection | null;
  readonly progress: Progress;
}
