/** What an engine emits. The caller hands in one Outcome per batch and empties it after writing. */
import type { Finding, Proposal } from '../decide/finding.js';
import type { Signal } from './signal.js';

/** First sight of an agent (inventory) or of a new version of it. */
export interface Sighting {
  readonly tenant: string;
  readonly agent: string;
  readonly agentVersion: string | null;
  readonly timeMs: number;
  readonly parent: string | null;
}

/** Sampled observation for learn/: what the cohort models are made of. */
export type Sample =
  /** A row of joint-model features, 1 in 16 of those scored. */
  | {
      readonly kind: 'row';
      readonly timeMs: number;
      readonly agent: string;
      readonly id: string;
      readonly values: readonly number[];
    }
  /** The agent adopted an endpoint, a model, an (endpoint, target) pair or that target: 64-bit hash as 16 hex digits. */
  | {
      readonly kind: 'adopted';
      readonly timeMs: number;
      readonly agent: string;
      readonly id: string;
      readonly what: 'endpoint' | 'model' | 'pair' | 'target';
      readonly hash: string;
    }
  /** What people said of the agent: its role names its cohort. */
  | {
      readonly kind: 'role';
      readonly timeMs: number;
      readonly agent: string;
      readonly id: string;
      readonly role: string | null;
    }
  /** A closed agent-day, `days` closed before it: each detector's largest raw score, and its largest -ln p as stated at the time;
   * marginal: it paged, and only just (at medium): what an overstated tail looks like, and what an attack seldom does. */
  | {
      readonly kind: 'day';
      readonly timeMs: number;
      readonly agent: string;
      readonly id: string;
      readonly days: number;
      readonly max: readonly number[];
      readonly surprise: readonly number[];
      readonly marginal: boolean;
      /** It paged. */
      readonly paged: boolean;
      /** Mean count and mean squared count of the agent's windows so far, in the order of WINDOW_MS. */
      readonly windowMean: readonly number[];
      readonly windowSquare: readonly number[];
    };

/** What traffic shows of a stop: whether it works. */
export interface StopEffect {
  readonly tenant: string;
  /** Who is stopped. */
  readonly agent: string;
  /** Of its entry, as the stop began. */
  readonly version: number;
  readonly state: 'confirmed' | 'contradicted';
  readonly reason: string;
}

/** What a batch of records led to, in order. */
export interface Outcome {
  readonly findings: Finding[];
  readonly proposals: Proposal[];
  readonly sightings: Sighting[];
  readonly effects: StopEffect[];
  readonly samples: Sample[];
  /** For the fleet stage: of every tick, a turn last. */
  readonly signals: Signal[];
}

/** An empty outcome. */
export function createOutcome(): Outcome {
  return { findings: [], proposals: [], sightings: [], effects: [], samples: [], signals: [] };
}

/** Empties an outcome for the next batch. */
export function clearOutcome(outcome: Outcome): void {
  // Most records lead to nothing, and shortening an empty array is not free.
  if (outcome.findings.length > 0) outcome.findings.length = 0;
  if (outcome.proposals.length > 0) outcome.proposals.length = 0;
  if (outcome.sightings.length > 0) outcome.sightings.length = 0;
  if (outcome.effects.length > 0) outcome.effects.length = 0;
  if (outcome.samples.length > 0) outcome.samples.length = 0;
  if (outcome.signals.length > 0) outcome.signals.length = 0;
}
