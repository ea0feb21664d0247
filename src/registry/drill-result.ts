/** What a drill found. */

/** How long one stage of a stop took over the rounds of a drill; ms from the moment the stop was asked for. */
export interface DrillStage {
  readonly stage: 'applied' | 'refused' | 'tree-refused' | 'confirmed' | 'released';
  /** Rounds in which it was reached. */
  readonly reached: number;
  /** Rounds in which it was not, within the patience of the drill. */
  readonly missed: number;
  /** null: never reached. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** A canary and its sub-agents were stopped and released, to know that it can be done and how long it takes. */
export interface DrillResult {
  readonly id: string;
  readonly canary: string;
  readonly children: number;
  readonly rounds: number;
  /** As a caller of the API, or inside the server. */
  readonly way: 'http' | 'process';
  readonly startedMs: number;
  /** Every stage was reached in every round. */
  readonly ok: boolean;
  readonly stages: readonly DrillStage[];
}
