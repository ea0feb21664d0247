/** What the fold remembers of a policy's ladder. */
import type { Action, Mode, Severity } from '../decide/finding.js';

/** A proposal of this step, as far as the next step's preview and a verdict on it need it. */
export interface LadderNote {
  readonly finding: string;
  readonly rule: string;
  readonly action: Action;
  /** How far the rule itself may go. */
  readonly mode: Mode;
  readonly tenant: string;
  readonly agent: string;
  readonly severity: Severity;
}

/** Plain JSON; replaced with every change. Times in ms on the registry's clock. */
export interface LadderState {
  readonly policy: string;
  /** Digest of what was promoted: rules and limits. Another content begins anew. */
  readonly content: string;
  readonly step: Mode;
  readonly sinceMs: number;
  readonly cleanSinceMs: number;
  readonly mistakes: number;
  /** Oldest first. */
  readonly notes: readonly LadderNote[];
  readonly forgotten: number;
}
