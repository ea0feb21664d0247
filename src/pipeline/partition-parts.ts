/** What a partition is made of, and what it tells: the contract between its loop and whoever runs it. */
import type { Proposal } from '../decide/finding.js';
import type { EngineCounts } from '../engine/contract.js';
import type { Sighting } from '../engine/outcome.js';
import type { Settings } from '../engine/settings.js';
import type { Place } from '../engine/state.js';
import type { PriceTable } from '../event/prices.js';
import type { Failpoint } from './failpoint.js';
import type { ModelSource } from './model-folder.js';
import type { ShelfPlace } from './numbered-shelf.js';
import type { LogPlace } from './output.js';
import type { PartitionFiles } from './partition-state.js';

export interface Progress {
  /** Next record to be executed; everything that follows from those before it is durable or on its way. */
  readonly offset: number;
  readonly counts: Readonly<EngineCounts>;
  readonly deadLettered: number;
  /** Ends of the findings and the samples, as far as they are durable. */
  readonly findings: number;
  readonly samples: number;
}

export interface PartitionEmit {
  /** Resolves once the registry has all of it; may be told the same again after a crash. */
  registry(proposals: readonly Proposal[], sightings: readonly Sighting[]): Promise<void>;
  progress(progress: Progress): void;
  /** `log:events` is needed from here on. */
  checkpointed(offset: number): void;
}

export interface PartitionParts {
  readonly place: Place;
  readonly events: LogPlace;
  readonly findings: LogPlace;
  readonly deadLetter: LogPlace;
  /** null: nothing is learned. */
  readonly samples: { readonly place: LogPlace; readonly everyMs: number } | null;
  /** What the partition began with, before its first record. */
  readonly genesis: { readonly settings: Settings; readonly model: string };
  readonly models: ModelSource;
  readonly shelf: ShelfPlace;
  readonly prices: PriceTable;
  readonly state: PartitionFiles;
  readonly checkpointEveryMs: number;
  /** For pacing alone: no score and no output depends on it. */
  readonly clock: () => number;
  readonly emit: PartitionEmit;
  readonly pass?: Failpoint;
}

export interface Partition {
  /** Runs until stopped, then checkpoints, and closes its shelf. Rejects where a fault of ours made it stop. */
  run(): Promise<void>;
  stop(): void;
  readonly progress: Progress;
}
