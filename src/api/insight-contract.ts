/** What the API needs to show people of agents: their past, what is known of them, what findings rest on. */
import type { BandRow, Inspection } from '../engine/contract.js';
import type { AgentEvent } from '../event/event.js';
import type { TriageBoard } from '../triage/triage.js';

/** Of time, ms since the epoch: from included, to excluded. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** An agent with its tree, or, where `root` is another, one of the agents of a tree. */
export interface Whom {
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
}

export interface Rows<T> {
  readonly rows: readonly T[];
  /** Opaque; null: this was the last page. */
  readonly cursor: string | null;
}

export interface EventsAsked extends Span {
  readonly tenant: string;
  /** The agent or the root of its tree. */
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
  readonly id?: string | undefined;
  readonly operation?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly target?: string | undefined;
  readonly status?: string | undefined;
  readonly limit: number;
  readonly cursor: string | null;
}

export interface PastEvent {
  readonly event: AgentEvent;
  readonly root: string;
  /** Its sender was bound to the agent. */
  readonly bound: boolean;
}

/** What happened in one step of a series. */
export interface ActivityStep {
  /** Its beginning, ms. */
  readonly timeMs: number;
  readonly events: number;
  readonly errors: number;
  readonly denied: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly bytesOut: number;
  /** Distinct ones. */
  readonly endpoints: number;
  readonly targets: number;
}

export interface NameUse {
  readonly name: string;
  /** In the span. */
  readonly events: number;
  readonly errors: number;
  /** As far as history goes back, ms. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface NamesUsed {
  /** Most used first. */
  readonly names: readonly NameUse[];
  /** How many there are in all. */
  readonly total: number;
  /** Oldest event that history has of the agent, ms; 0: none. */
  readonly sinceMs: number;
}

export interface PastDecision {
  readonly timeMs: number;
  readonly type: string;
  readonly actor: string;
  readonly action: string;
  readonly effect: string;
  readonly verdict: string;
  readonly finding: string;
  /** Why, in the words of whoever did it; null: none were given. */
  readonly reason: string | null;
}

/**
 * What the store keeps. Every call rejects with 'api.no-history' where none is kept, with 'store.unreachable' where it
 * does not answer, and with 'store.query' for a cursor that is none of its own.
 */
export interface HistoryPort {
  /** Newest first. */
  events(asked: EventsAsked): Promise<Rows<PastEvent>>;
  /** Steps in which something happened, oldest first; `stepMs` is whole minutes. */
  activity(whom: Whom & Span & { readonly stepMs: number }): Promise<readonly ActivityStep[]>;
  names(by: 'endpoint' | 'target', whom: Whom & Span & { readonly limit: number }): Promise<NamesUsed>;
  /** Records of the registry, newest first. */
  decisions(
    asked: Span & { tenant: string; agent: string; limit: number; cursor: string | null },
  ): Promise<Rows<PastDecision>>;
}

/** What engines know. */
export interface InspectPort {
  /** null: the engine never met it. Rejects with 'partition.away', or 'partition.elsewhere'. */
  inspect(tenant: string, root: string): Promise<Inspection | null>;
  /** What is usual in a step that begins in each of the 24 UTC hours of the day. */
  bands(inspection: Inspection, stepMs: number): readonly BandRow[];
}

/** A finding executed again. */
export type Explained =
  | { readonly state: 'exact'; readonly explanation: ExactExplanation }
  /** Only what was stored with it can be said. */
  | { readonly state: 'stored'; readonly why: string }
  /** Not yet; records executed, and of how many. */
  | { readonly state: 'running'; readonly done: number; readonly total: number };

/** What the rooms said of the finding's record; plain values in the wire's words. */
export interface ExactExplanation {
  readonly record: { readonly partition: number | null; readonly offset: number; readonly time: string };
  readonly standing: Inspection['standing'] | null;
  readonly closedDays: number;
  readonly windows: readonly {
    readonly stream: string;
    readonly windowMs: number;
    readonly count: number;
    readonly mean: number;
    readonly deviation: number;
  }[];
  readonly endpoint: KnownName | null;
  readonly target: KnownName | null;
  readonly session: { readonly events: number; readonly costUsd: number } | null;
  /** Those that were asked, by their share. */
  readonly detectors: readonly {
    readonly name: string;
    readonly feature: string;
    readonly score: number;
    readonly observed: number;
    readonly expected: number;
    readonly surprise: number;
    readonly share: number;
  }[];
  readonly p: number | null;
  readonly outcome: string;
}

export interface KnownName {
  readonly name: string;
  readonly adopted: boolean;
  readonly sessions: number;
  readonly peers: number;
  readonly peersAdopted: number;
}

export interface ExplainPort {
  /** Waits a while for the answer, then says how far it is; asking again is cheap. Never rejects. */
  explain(finding: string): Promise<Explained>;
}

/** How much risk agents carry, and their findings. */
export type RiskPort = Pick<TriageBoard, 'risk' | 'list' | 'eachOpen' | 'seq'>;

export interface InsightPort {
  readonly history: HistoryPort;
  readonly inspect: InspectPort;
  readonly explain: ExplainPort;
}
