/** What the registry says of stops beside an agent's entry: the brakes, halts, and how far a restriction came. */
import type { Proposal, Severity } from '../decide/finding.js';
import type { Brakes } from '../decide/policy.js';

/** How far a stop came at one place that has to carry it out. */
export const EFFECT_STATES = ['sent', 'confirmed', 'unobserved', 'contradicted', 'failed', 'dead'] as const;
export type EffectState = (typeof EFFECT_STATES)[number];

/** How the reason begins of a proposal that was applied by prolonging what was in force. */
export const PROLONGED = 'prolonged: ';

/** Whether a proposal only made what was in force last longer: nobody was stopped by it. */
export function isProlonged({ effect, reason }: { readonly effect: string; readonly reason: string | null }): boolean {
  return effect === 'applied' && reason?.startsWith(PROLONGED) === true;
}

/** A breaker that opened, as people are told of it. */
export interface BreakerOpening {
  /** The role whose stops it holds back, and its tenant; null: everybody's. */
  readonly tenant: string | null;
  readonly role: string | null;
  /** It holds back stops for findings of this severity and below. */
  readonly severity: Severity;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Of the first stop that was held back. */
  readonly policy: string;
  readonly rule: string;
  /** Stops held back so far. */
  readonly skipped: number;
  /** Whose, worst first, at most 100. */
  readonly agents: readonly string[];
}

/** The brakes as anybody may read them. */
export interface BrakesState {
  readonly brakes: Brakes;
  /** Automatic stops that the gravest findings may still make in the running interval. */
  readonly left: number;
  /** Whether any breaker is open. */
  readonly open: boolean;
  /** What was held back, worst first. */
  readonly skipped: readonly Proposal[];
  readonly openings: readonly BreakerOpening[];
}

/** Everybody, or everybody of one tenant, is refused. */
export interface Halt {
  /** null: everybody. */
  readonly tenant: string | null;
  readonly sinceMs: number;
  /** Part of the agents that is let go again, [0, 1). */
  readonly share: number;
  readonly reason: string;
  readonly actor: string;
}

/** The last word on one agent from one place. */
export interface Effect {
  readonly place: string;
  /** Of the entry whose restriction it is about: `root`'s, or the agent's own where that is null. */
  readonly version: number;
  readonly root: string | null;
  readonly state: EffectState;
  readonly reason: string | null;
  /** Registry clock, ms. */
  readonly timeMs: number;
}
