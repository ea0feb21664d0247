/** What was done about a finding's agent, as far as whoever writes about the finding knows. */
import type { Action, Severity } from '../decide/finding.js';
import type { FindingState } from '../triage/triage.js';

/** The registry's answer to the proposal that was made of a finding. */
export interface Taken {
  readonly action: Action;
  readonly effect: 'applied' | 'recommended' | 'observed' | 'refused';
  /** When it ends by itself, ms; null: it does not, or nobody knows. */
  readonly untilMs: number | null;
}

/** What a finding's text depends on beside the finding. */
export interface RenderContext {
  /** Of this program. */
  readonly version: string;
  /** null or left out: nothing was proposed, or it is not known. */
  readonly taken?: Taken | null;
  /** Where a person looks at it; null or left out: there is no such place. */
  readonly link?: string | null;
}

/** In words, after "Done:". */
export function takenWords(taken: Taken | null | undefined): string {
  if (taken === null || taken === undefined) return 'nothing was done';
  const until = taken.untilMs === null ? '' : ` until ${clockOf(taken.untilMs)}`;
  switch (taken.effect) {
    case 'applied':
      return `${DONE[taken.action]}${until}`;
    case 'recommended':
      return `nothing; ${taken.action} is recommended`;
    case 'observed':
      return `nothing; ${taken.action} would have followed`;
    case 'refused':
      return `nothing; ${taken.action} was held back`;
  }
}

const DONE: Readonly<Record<Taken['action'], string>> = {
  'throttle': 'slowed down',
  'restrict': 'restricted',
  'lower-trust': 'trust lowered',
  'suspend': 'stopped',
  'revoke': 'shut off for good',
};

/** 14:00 UTC. */
function clockOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}

/** The latest verdict in force; null: nobody judged it, or all was undone. */
export function verdictOf({ verdicts }: FindingState): string | null {
  return verdicts.findLast(({ undone }) => !undone)?.verdict ?? null;
}

/** A number for people: at most three digits that matter beyond the point. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** A state of a line that nobody has worked on. */
export function stateOf(finding: FindingState['finding'], raisedMs: number, lines: number): FindingState {
  return {
    finding,
    raisedMs,
    lastMs: Date.parse(finding.time),
    lines,
    status: 'new',
    resolution: null,
    assignee: null,
    closedMs: null,
    comments: 0,
    verdicts: [],
    case: `c-${finding.id.slice(2)}`,
    quiet: finding.kind === 'quiet',
    suppressed: finding.mutedBy !== undefined,
  };
}

/** OCSF `severity_id` and its caption. */
export const SEVERITY_IDS: Readonly<Record<Severity, { readonly id: number; readonly name: string }>> = {
  info: { id: 1, name: 'Informational' },
  low: { id: 2, name: 'Low' },
  medium: { id: 3, name: 'Medium' },
  high: { id: 4, name: 'High' },
  critical: { id: 5, name: 'Critical' },
};
