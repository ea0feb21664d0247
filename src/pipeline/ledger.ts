/**
 * Where what follows from a partition's records goes, and what the partition goes on from after a crash: the contract
 * between the batch loop and the ways to keep both. On one machine these are files (file-ledger.ts), on Kafka
 * transactions (keyed-ledger.ts).
 *
 * The loop may assume that after a crash it is given a snapshot and executes from there, that nothing it wrote comes
 * out twice and nothing is lost; it may not assume that what it wrote is durable before `settle` resolved.
 */
import type { Engine, Shelf } from '../engine/contract.js';
import type { Settings } from '../engine/settings.js';

/** Everything of a partition that its engine's snapshot does not hold. */
export interface Position {
  /** Of `log:events`, next to read. */
  readonly offset: number;
  /** Time of the last tick, ms; 0 before the first. */
  readonly nowMs: number;
  /** Version of the model in force. */
  readonly model: string;
  /** Settings in force. */
  readonly settings: Settings;
  /** Records that went to the dead letter since the partition began. */
  readonly deadLettered: number;
}

/** Lines that follow from a batch, in order. */
export interface Lines {
  readonly findings: readonly string[];
  readonly deadLetter: readonly string[];
  readonly samples: readonly string[];
  /** For the fleet stage. */
  readonly signals: readonly string[];
  /** The end of a learning window is among the samples. */
  readonly closesWindow: boolean;
}

/** What the loop lends its ledger. */
export interface LedgerHost {
  /** Resolves once the registry has all that it was told so far. */
  acknowledged(): Promise<void>;
  readonly isStopping: boolean;
}

export interface Ledger {
  /** Where the partition begins; without a snapshot its engine is new. */
  readonly start: { readonly position: Position; readonly engine: Uint8Array | undefined };
  readonly shelf: Shelf;
  /** What follows from records before this offset is out already, the registry's part included. */
  readonly committed: number;
  /** Records of one turn. */
  readonly batchMax: number;
  /** Ends of the findings, the samples and the signals, where the ledger counts them. */
  readonly ends: { readonly findings: number; readonly samples: number; readonly signals: number };

  /** Takes what follows from the records up to `position`; waits where it is full. */
  write(lines: Lines, position: Position, host: LedgerHost): Promise<void>;
  /** Does what is due; ms until it has to be asked again. */
  turn(host: LedgerHost): Promise<number>;
  /** Takes a snapshot, to go on from it. Resolves with the first offset that is still needed; null: unchanged. */
  checkpoint(position: Position, engine: Engine, host: LedgerHost): Promise<number | null>;
  /** Resolves once everything taken so far is durable. */
  settle(host: LedgerHost): Promise<void>;
  /** Nothing more is written. */
  close(): Promise<void>;
}

/** What one commit was, for whoever measures. */
export interface CommitFacts {
  readonly ms: number;
  /** Executed since the commit before. */
  readonly records: number;
  /** Of a snapshot; 0: none was in it. */
  readonly snapshotBytes: number;
}
