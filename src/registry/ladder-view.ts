/** Where a policy stands on its ladder, and what the next step would have done: what a person reads before taking it. */
import type { Action, Mode, Severity } from '../decide/finding.js';

/** One agent under one rule. */
export interface WouldAgent {
  readonly tenant: string;
  readonly agent: string;
  readonly count: number;
  /** Worst of its proposals. */
  readonly severity: Severity;
}

/** What one rule asked for since the step was taken, and how far the next step would let it go. */
export interface Would {
  readonly rule: string;
  readonly action: Action;
  readonly mode: Mode;
  readonly count: number;
  /** Worst first, at most 20. */
  readonly agents: readonly WouldAgent[];
}

/** Calls that a limit would have refused since the step was taken. */
export interface WouldDeny {
  /** Permission; null: agents' own registrations. */
  readonly rule: string | null;
  readonly denial: string;
  readonly count: number;
  readonly agents: readonly string[];
}

/** Times in ms on the registry's clock. */
export interface LadderView {
  readonly policy: string;
  readonly step: Mode;
  readonly top: Mode;
  /** null: it stands at the top. */
  readonly next: Mode | null;
  readonly sinceMs: number;
  /** Since the step was taken, or since the last false decision on it. */
  readonly cleanSinceMs: number;
  readonly mistakes: number;
  readonly promoteAfterMs: number;
  /** From when on the next step may be taken; null: there is none. */
  readonly readyMs: number | null;
  /** Worst first. */
  readonly would: readonly Would[];
  readonly wouldDeny: readonly WouldDeny[];
  /** Older proposals of this step than are remembered. */
  readonly forgotten: number;
}
