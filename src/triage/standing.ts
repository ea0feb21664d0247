/**
 * How a finding stands: its lines and what people said of it, put in one order. People said a thing of what they had
 * seen, so a line comes before a word where it is not younger than what was seen; whichever arrived first does not
 * matter.
 */
import type { Resolution, TriageChange, TriageStatus } from './triage.js';

/** A line that gave the finding another severity. */
export interface Step {
  readonly timeMs: number;
  /** Place in SEVERITIES. */
  readonly rank: number;
  readonly risk: number;
  readonly title: string;
}

/** What was said of one finding, by one record. */
export interface Word {
  /** Registry clock, ms. */
  readonly timeMs: number;
  /** Time of the latest line that it can have been about, ms. */
  readonly seenMs: number;
  readonly actor: string;
  readonly said:
    | TriageChange
    | { readonly what: 'verdict'; readonly id: string; readonly verdict: string; readonly comment: string | null }
    | { readonly what: 'verdict-undone'; readonly id: string; readonly verdict: string };
}

export interface Standing {
  readonly status: TriageStatus;
  readonly resolution: Resolution | null;
  readonly assignee: string | null;
  readonly closedMs: number | null;
  readonly comments: number;
  readonly verdicts: readonly { readonly id: string; readonly verdict: string; readonly undone: boolean }[];
  /** When lines opened it again after it was closed, ms. */
  readonly reopenedMs: readonly number[];
}

/** Of a finding that nobody has said anything of. */
export const NEW: Standing = Object.freeze({
  ...{ status: 'new', resolution: null, assignee: null, closedMs: null, comments: 0 },
  ...{ verdicts: [], reopenedMs: [] },
});

type Draft = { -readonly [K in keyof Standing]: Standing[K] };

/** Folds words, in the order of the registry, and steps, in the order of the lines. */
export function standingOf(steps: readonly Step[], words: readonly Word[]): Standing {
  if (words.length === 0) return NEW;
  const undone = new Set(words.flatMap(({ said }) => (said.what === 'verdict-undone' ? [said.id] : [])));
  const draft: Draft = { ...NEW };
  // Nobody speaks of what was not raised: the first line comes before all words, however the clocks stand.
  let rank = steps[0]?.rank ?? 0;
  let at = 1;
  let closedRank = rank;
  const rise = (untilMs: number): void => {
    for (; at < steps.length && steps[at].timeMs <= untilMs; at++) {
      rank = steps[at].rank;
      if (draft.status === 'closed' && rank > closedRank) reopen(draft, steps[at].timeMs);
    }
  };
  for (const word of words) {
    rise(word.seenMs);
    say(draft, word, undone);
    if (draft.closedMs === word.timeMs) closedRank = rank;
  }
  rise(Number.POSITIVE_INFINITY);
  return draft;
}

function reopen(draft: Draft, timeMs: number): void {
  move(draft, 'new', null, null);
  draft.reopenedMs = [...draft.reopenedMs, timeMs];
}

function move(draft: Draft, status: TriageStatus, resolution: Resolution | null, closedMs: number | null): void {
  draft.status = status;
  draft.resolution = resolution;
  draft.closedMs = closedMs;
}

function say(draft: Draft, { said, timeMs }: Word, undone: ReadonlySet<string>): void {
  switch (said.what) {
    case 'assign':
      draft.assignee = said.to;
      return;
    case 'comment':
      draft.comments += 1;
      return;
    case 'status': {
      const isClosing = said.status === 'closed';
      move(draft, said.status, isClosing ? said.resolution : null, isClosing ? timeMs : null);
      return;
    }
    case 'verdict': {
      const isUndone = undone.has(said.id);
      draft.verdicts = [...draft.verdicts, { id: said.id, verdict: said.verdict, undone: isUndone }];
      // As if it had never been given: what people did beside it stands.
      if (!isUndone) judge(draft, said.verdict, timeMs);
      return;
    }
    case 'verdict-undone':
      return;
  }
}

function judge(draft: Draft, verdict: string, timeMs: number): void {
  if (verdict === 'expected' || verdict === 'false-positive') {
    move(draft, 'closed', verdict, timeMs);
    return;
  }
  const isContradicted = draft.resolution === 'expected' || draft.resolution === 'false-positive';
  if (draft.status === 'new' || isContradicted) move(draft, 'in-progress', null, null);
}
