/**
 * What the main thread and its workers say to each other. Everything is plain data, and nothing durable depends on a
 * message arriving: a worker that dies in the middle of one goes on from its checkpoint and says it again.
 */

import type { Proposal } from '../decide/finding.js';
import type { Inspection } from '../engine/contract.js';
import type { Sighting, StopEffect } from '../engine/outcome.js';
import type { Settings } from '../engine/settings.js';
import { ERRORS, type ErrorCode, KilldeerError } from '../errors.js';
import type { PriceTable } from '../event/prices.js';
import { isDiskFull } from '../log/files.js';
import type { CommitFacts } from './ledger.js';
import type { Progress } from './partition-parts.js';

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** How a partition was taken over from whoever owned it before. */
export interface Restored {
  readonly epoch: number;
  /** Changes of the registry's log before it were told to the engine. */
  readonly told: number;
  /** What follows from records before this offset is out already. */
  readonly committed: number;
  readonly bytes: number;
  readonly ms: number;
}

/** What a thread is started with. */
export type WorkerTask = PartitionTask | LearnerTask;

export interface PartitionTask {
  readonly kind: 'partition';
  readonly directory: string;
  readonly partition: number;
  readonly partitions: number;
  readonly epoch: number;
  readonly genesis: { readonly settings: Settings; readonly model: string };
  readonly prices: PriceTable;
  readonly checkpointEveryMs: number;
  readonly dailyMax: number;
  /** Length of a learning window, ms; null: nothing is learned. */
  readonly learnEveryMs: number | null;
  readonly segmentBytesMax: number;
  readonly retainBytesMax: number;
  readonly retainAgeMs: number;
}

export interface LearnerTask {
  readonly kind: 'learner';
  readonly directory: string;
  readonly partitions: number;
  /** Version of the model that learning started from. */
  readonly start: string;
  readonly pagesPerAgentDay: number;
}

/** Something that a person may want to know. */
export interface Note {
  readonly type: 'note';
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export type ToPartition =
  /** `log:events` is durable up to here. */
  | { readonly type: 'end'; readonly end: number }
  /** Answers 'registry'. */
  | { readonly type: 'acknowledged'; readonly id: number; readonly fault: Fault | null }
  /** Samples before it are learned. */
  | { readonly type: 'learned'; readonly samples: number }
  /** Changes of the registry's log before it stand in the partition as records. */
  | { readonly type: 'told'; readonly told: number }
  /** What is known of an agent? */
  | { readonly type: 'inspect'; readonly id: number; readonly tenant: string; readonly agent: string }
  | { readonly type: 'stop' };

export type FromPartition =
  /** Restored; executes from `progress.offset` on. */
  | { readonly type: 'ready'; readonly progress: Progress; readonly restored?: Restored }
  | {
      readonly type: 'registry';
      readonly id: number;
      readonly proposals: readonly Proposal[];
      readonly sightings: readonly Sighting[];
      readonly effects: readonly StopEffect[];
      /** The partition's clock, ms. */
      readonly nowMs: number;
    }
  | { readonly type: 'batch'; readonly records: number; readonly ms: number }
  | { readonly type: 'committed'; readonly facts: CommitFacts }
  /** Bytes of the state that were read so far. */
  | { readonly type: 'restoring'; readonly bytes: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'checkpointed'; readonly offset: number }
  /** Answers 'inspect'; `inspection` is null where it never met the agent. */
  | {
      readonly type: 'inspected';
      readonly id: number;
      readonly inspection: Inspection | null;
      readonly fault: Fault | null;
    }
  | Note
  | { readonly type: 'fatal'; readonly fault: Fault };

export type ToLearner =
  | { readonly type: 'end'; readonly partition: number; readonly end: number }
  /** The model stands in every partition. */
  | { readonly type: 'activated'; readonly version: string }
  /** Set by people while it runs. */
  | { readonly type: 'budget'; readonly pagesPerAgentDay: number }
  | { readonly type: 'stop' };

export type FromLearner =
  | Note
  | { readonly type: 'ready'; readonly closed: ClosedWindow }
  /** The model has its file; it is to be activated. */
  | { readonly type: 'model'; readonly version: string; readonly timeMs: number }
  /** Nothing of the window is needed any more. */
  | { readonly type: 'closed'; readonly closed: ClosedWindow }
  | { readonly type: 'fatal'; readonly fault: Fault };

export interface ClosedWindow {
  /** ms; 0 before the first. */
  readonly endMs: number;
  /** Next sample to read, by partition. */
  readonly positions: readonly number[];
}

/** An error as it crosses threads. */
export function faultOf(error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  // A disk that is full is not a fault of the partition's, wherever it was noticed.
  const otherwise = isDiskFull(error) ? 'log.disk-full' : 'partition.fault';
  return { code: error instanceof KilldeerError ? error.code : otherwise, message };
}

export function errorOf({ code, message }: Fault): KilldeerError {
  return new KilldeerError(code in ERRORS ? code : 'partition.fault', message);
}
