/**
 * What people say in advance of findings that are to come: which of them are expected for a time. A suppression never
 * reaches a limit that people set, nor what is as grave as it says, nor what is as many times above the usual.
 */
import { type Attribution, type Kind, SEVERITIES, type Severity } from './finding.js';
import { UNMUTABLE } from './verdict-kinds.js';

/** Severities from which a suppressed finding pages all the same. */
export const SUPPRESSION_LIMITS = ['high', 'critical'] as const satisfies readonly Severity[];
export type SuppressionLimit = (typeof SUPPRESSION_LIMITS)[number];

/** Which findings of those in its scope a suppression is about; null: all. */
export interface SuppressionTerms {
  readonly kinds: readonly Kind[] | null;
  /** Of the leading attribution. */
  readonly detector: string | null;
  /** Of the event that the finding's line rests on. */
  readonly endpoint: string | null;
  readonly target: string | null;
  /** This severity and worse still pages. */
  readonly below: SuppressionLimit;
  /**
   * More than this many times the expected value still pages, 1 or more; where nothing was expected, whatever was
   * observed is more. Left out: does not matter.
   */
  readonly times?: number | undefined;
}

/** A finding as a suppression sees it. */
export interface Suspect {
  readonly kind: Kind;
  /** What the evidence has reached. */
  readonly severity: Severity;
  /** Of the event; null: there is none, or it names none. */
  readonly endpoint: string | null;
  readonly target: string | null;
}

/** Whether the terms cover a finding. `top` is its leading attribution, made only where the terms need it. */
export function isSuppressed(
  { kinds, detector, endpoint, target, below, times }: SuppressionTerms,
  suspect: Suspect,
  top: () => Attribution | undefined,
): boolean {
  if (UNMUTABLE.has(suspect.kind) || (kinds !== null && !kinds.includes(suspect.kind))) return false;
  if (SEVERITIES.indexOf(suspect.severity) >= SEVERITIES.indexOf(below)) return false;
  if (endpoint !== null && endpoint !== suspect.endpoint) return false;
  if (target !== null && target !== suspect.target) return false;
  if (detector === null && times === undefined) return true;
  const part = top();
  if (part === undefined || (detector !== null && part.detector !== detector)) return false;
  return times === undefined || Math.abs(part.observed) <= times * Math.abs(part.expected);
}
