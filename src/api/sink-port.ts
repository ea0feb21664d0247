/** The sinks that carry alerts out, as the API shows them. */

export interface SinkView {
  readonly name: string;
  readonly kind: 'webhook' | 'kafka' | 'file';
  readonly format: 'json' | 'ocsf' | 'text';
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly backlog: number | null;
  readonly sent: number;
  readonly dead: number;
  readonly deadBytes: number;
  readonly missed: number;
  readonly paged: number | null;
  readonly held: readonly string[];
  readonly heldCount: number;
  readonly lastSentMs: number | null;
  readonly lastError: string | null;
  readonly lastErrorMs: number | null;
}

export interface SinksPort {
  status(): Promise<{
    readonly active: boolean;
    readonly pagesPerDay: number | null;
    readonly sinks: readonly SinkView[];
  }>;
}
