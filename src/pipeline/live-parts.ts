/** What the live side is given: adapters, that only main.ts sees, as the contracts that it needs of them. */
import type { Config } from '../config.js';
import type { Finding } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel } from '../detect/model.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import type { RegistryRecord, Verdict } from '../registry/registry.js';
import type { RestartLimits } from './kept-worker.js';

/** The file log, as far as it is more than a log. */
export interface LiveLog extends Log {
  setDurableEnd(topic: string, partition: number, end: number): void;
  keepFrom(topic: string, partition: number, offset: number): void;
  retain(): Promise<number>;
}

export interface LiveLogOptions {
  readonly directory: string;
  readonly topics: Readonly<Record<string, number>>;
  readonly readOnly?: boolean;
  readonly segmentBytesMax?: number;
  readonly retainBytesMax?: number;
  readonly retainAgeMs?: number;
  readonly pollMs?: number;
}

export interface LiveChange {
  /** In `log:registry`. */
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

/** A registry record before the registry gives it its time. */
export type LiveDraft = RegistryRecord extends infer R ? (R extends unknown ? Omit<R, 'timeMs'> : never) : never;

/** The registry at work, as far as the live side feeds it. */
export interface LiveRegistry {
  write(draft: LiveDraft): Promise<Verdict>;
  tick(): Promise<void>;
  offset(): number;
  close(): Promise<void>;
}

export interface LiveRegistryOptions {
  readonly log: Log;
  readonly clock: () => number;
  /** To be adopted at once; null: the log's own stays. */
  readonly policy: Policy | null;
  readonly onChange: (change: LiveChange) => void;
  readonly onFault: (error: unknown) => void;
  readonly tickEveryMs?: number;
}

export interface LiveAdapters<R extends LiveRegistry> {
  lockDirectory(directory: string): { release(): void };
  openFileLog(options: LiveLogOptions): Promise<LiveLog>;
  openRegistry(options: LiveRegistryOptions): Promise<R>;
}

/** Something that a person should know of. */
export interface LiveReport {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly error?: unknown;
}

export interface LiveOptions<R extends LiveRegistry> {
  /** The data directory. */
  readonly directory: string;
  readonly config: Config;
  readonly policy: Policy;
  readonly startModel: CohortModel;
  readonly prices: PriceTable;
  readonly adapters: LiveAdapters<R>;
  /** Takes every finding's line: at the start the recent ones, then each once it is durable. */
  readonly findings: { add(finding: Finding): void };
  /** Draws the secret seed of a new data directory, where the configuration names none. Left out: the default. */
  readonly drawSeed?: () => number;
  /** Where ticks and the registry's time come from: the machine, or what is fed. Default: wall. */
  readonly clock?: 'wall' | 'recording';
  /** Wall clock, ms. */
  readonly now?: () => number;
  /** Between two ticks of the wall clock. Default 10 s. */
  readonly tickEveryMs?: number;
  readonly restart?: RestartLimits;
  /** Compiled entry of the worker threads. */
  readonly workerUrl?: URL;
  readonly report?: (report: LiveReport) => void;
  /** A new finding's line, not one of an earlier life. */
  readonly onFinding?: (finding: Finding) => void;
  readonly onRegistryChange?: (change: LiveChange) => void;
}
