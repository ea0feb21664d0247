/** What people say of findings beside verdicts. It changes no score and stops nobody. */

/** How far people are with a finding. */
export const TRIAGE_STATUSES = ['new', 'in-progress', 'closed'] as const;
export type TriageStatus = (typeof TRIAGE_STATUSES)[number];

/** Why a finding was closed; the three verdicts close (or, true-positive, take up) it by themselves. */
export const RESOLUTIONS = ['expected', 'false-positive', 'true-positive', 'duplicate', 'other'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export type TriageChange =
  /** To a person, by name; null: to nobody. */
  | { readonly what: 'assign'; readonly to: string | null }
  | { readonly what: 'status'; readonly status: TriageStatus; readonly resolution: Resolution | null }
  | { readonly what: 'comment'; readonly text: string };
