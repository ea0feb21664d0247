/** How sinks are, in plain words and numbers: nothing here ever holds a secret. */
import type { BreakerState } from '../connect/status.js';
import type { SinkConfig } from './section.js';

export interface SinkStatus {
  readonly name: string;
  readonly kind: SinkConfig['kind'];
  readonly format: SinkConfig['format'];
  readonly breaker: BreakerState;
  /** Findings that it has still to look at; null: not known. */
  readonly backlog: number | null;
  /** Things sent and given up, since this process delivers. */
  readonly sent: number;
  readonly dead: number;
  /** Of the dead letters that this process wrote, bytes. */
  readonly deadBytes: number;
  /** Changes that were forgotten before they were told. */
  readonly missed: number;
  /** Pages of the 24 h before; null: it is no sink for pages. */
  readonly paged: number | null;
  /** Findings held back for the next digest, worst first, and how many there are. */
  readonly held: readonly string[];
  readonly heldCount: number;
  readonly lastSentMs: number | null;
  readonly lastError: string | null;
  readonly lastErrorMs: number | null;
}

export interface SinksStatus {
  /** Whether this process is the one that delivers. */
  readonly active: boolean;
  /** Pages a day that people said they can bear, over all agents; null: nobody said. */
  readonly pagesPerDay: number | null;
  readonly sinks: readonly SinkStatus[];
}
