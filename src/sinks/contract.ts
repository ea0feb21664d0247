/**
 * Room sinks/: carries findings, and what is done about them, out to other systems and to the phones of people. It
 * decides nothing and changes nothing: it follows the logs, each sink at its own pace, and whatever a sink does, scoring
 * and stops never wait for it.
 *
 * Promises: what a sink wants is delivered at least once, also over a crash, and what is repeated has the same key; what
 * concerns one finding comes in its order; what nobody takes is kept as a dead letter, counted and told to people. No
 * secret of it ever stands in a log, an error or a status.
 */
import type { Applied } from '../connect/contract.js';
import type { Finding } from '../decide/finding.js';
import type { Log } from '../log/log.js';
import type { FindingState, TriageInput } from '../triage/triage.js';
import type { Held } from './page-budget.js';

/** Something that a sink has to tell. The same thing has the same key. */
export type SinkItem =
  | { readonly kind: 'finding'; readonly key: string; readonly timeMs: number; readonly finding: Finding }
  /** People said something of the finding. */
  | {
      readonly kind: 'update';
      readonly key: string;
      readonly timeMs: number;
      readonly id: string;
      readonly change: TriageInput;
    }
  /** The registry did something to an agent. */
  | { readonly kind: 'action'; readonly key: string; readonly timeMs: number; readonly change: TriageInput }
  /** Findings that were held back, told together. */
  | {
      readonly kind: 'digest';
      readonly key: string;
      readonly timeMs: number;
      readonly held: readonly Held[];
      readonly count: number;
    };

/** One thing as it is written. */
export interface Written {
  readonly key: string;
  /** 'TENANT/AGENT': what concerns one agent keeps its order. */
  readonly about: string;
  readonly timeMs: number;
  /** A JSON value. */
  readonly value: unknown;
}

/** What goes out in one message. */
export interface Batch {
  /** The same however often it is sent. */
  readonly key: string;
  readonly items: readonly Written[];
}

/** The way to one place. Never throws and never retries: it says what happened. */
export interface Way {
  send(batch: Batch, signal: AbortSignal): Promise<Applied>;
  close(): Promise<void>;
}

/** One partition of the findings. */
export interface FindingsPlace {
  readonly log: Pick<Log, 'read' | 'wait' | 'begin' | 'end'>;
  readonly topic: string;
  readonly partition: number;
}

/** How a finding stands, as far as this process knows; null: it does not know it. */
export type StateOf = (id: string) => FindingState | null;

/** The records and their keys into one topic, durable once resolved. */
export type Publish = (
  topic: string,
  records: readonly {
    readonly key: string;
    readonly value: string;
    readonly headers: Readonly<Record<string, string>>;
  }[],
) => Promise<void>;
