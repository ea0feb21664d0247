/**
 * What a person might do about the alert budget, with the numbers that say so. It advises alone: a budget is changed by
 * whoever accepts it, and by no more than STEP at once, so that what follows can be seen before the next step.
 */
import type { DetectorPrecision } from './triage.js';
import { type Interval, wilson } from './wilson.js';

/** Limits of a per-agent budget that is ever advised, pages per agent-day. */
export const BUDGET_MIN = 0.002;
/** The upper one. */
export const BUDGET_MAX = 0.2;
/** Never more than to a half, or by a half, at once. */
const LOWER = 0.5;
const RAISE = 1.5;
/** Findings judged before precision says anything. */
const JUDGED_MIN = 10;
/** Upper end of the interval below which most pages are wrong, lower end above which nearly all are right. */
const WRONG = 0.5;
const RIGHT = 0.8;
/** Part of what people can bear up to which there is room for more. */
const ROOM = 0.5;

/** What advice rests on. */
export interface BudgetFacts {
  readonly precision: readonly DetectorPrecision[];
  /** Of the fleet in a day, as it was lately. */
  readonly pages: number;
  /** Agents at work. */
  readonly agents: number;
  /** In force: pages per agent-day. */
  readonly pagesPerAgentDay: number;
  /** Pages a day that people said they can bear; null: nobody said. */
  readonly pagesPerDay: number | null;
}

/** A change that a person may accept. */
export interface BudgetProposal {
  readonly kind: 'pages-per-agent-day';
  readonly from: number;
  readonly to: number;
  /** A sentence with the numbers that it rests on. */
  readonly why: string;
}

/** For people; nothing of it happens by itself. */
export interface BudgetAdvice {
  /** At most one: two changes at once could not be told apart. */
  readonly proposals: readonly BudgetProposal[];
  /** A sentence on each detector that was judged often enough to say something of it. */
  readonly detectors: readonly { readonly detector: string; readonly words: string }[];
}

/** Advice on the per-agent budget: pages first, then how often they were right. */
export function adviseBudget(facts: BudgetFacts): BudgetAdvice {
  const wish = wishOf(facts);
  const from = facts.pagesPerAgentDay;
  const to = wish === null ? from : boundedTo(from, wish.to);
  return {
    proposals: wish !== null && to !== from ? [{ kind: 'pages-per-agent-day', from, to, why: wish.why }] : [],
    detectors: facts.precision.flatMap(detectorWords),
  };
}

interface Wish {
  readonly to: number;
  readonly why: string;
}

function wishOf({ precision, pages, agents, pagesPerAgentDay: from, pagesPerDay }: BudgetFacts): Wish | null {
  if (agents < 1) return null;
  if (pagesPerDay !== null && pages > pagesPerDay) {
    const why = `${plain(pages)} pages a day are more than the ${plain(pagesPerDay)} that people can bear`;
    return { to: (from * pagesPerDay) / pages, why };
  }
  const all = overall(precision);
  if (all === null || all.of < JUDGED_MIN) return null;
  const said = `${all.right} of ${all.of} findings that people judged were true`;
  if (all.high < WRONG) return { to: from * LOWER, why: `${said}: most pages are in vain` };
  const few = pages <= ROOM * (pagesPerDay ?? agents * from);
  if (all.low <= RIGHT || !few) return null;
  return { to: from * RAISE, why: `${said}, and ${plain(pages)} pages a day leave room for more` };
}

/** Of all detectors together. */
function overall(precision: readonly DetectorPrecision[]): (Interval & { right: number; of: number }) | null {
  let right = 0;
  let of = 0;
  for (const one of precision) {
    right += one.truePositives;
    of += judged(one);
  }
  return of === 0 ? null : { right, of, ...wilson(right, of) };
}

function detectorWords(one: DetectorPrecision): readonly { detector: string; words: string }[] {
  const of = judged(one);
  if (of < JUDGED_MIN) return [];
  const said = `${one.truePositives} of ${of} judged were true (${percent(one.low)} to ${percent(one.high)} at 95 %)`;
  if (one.high < WRONG) return [{ detector: one.detector, words: `${said}: mostly wrong here, see what they share` }];
  if (one.low > RIGHT) return [{ detector: one.detector, words: `${said}: nearly always right here` }];
  return [{ detector: one.detector, words: said }];
}

function judged({ truePositives, falsePositives, expected }: DetectorPrecision): number {
  return truePositives + falsePositives + expected;
}

/** Within all limits, to four decimals, rounded towards `from`; `from` itself where there is no way to go. */
function boundedTo(from: number, wished: number): number {
  if (wished < from) {
    const least = Math.max(wished, BUDGET_MIN, from * LOWER);
    return Math.min(from, Math.ceil(least * 10_000 - 1e-6) / 10_000);
  }
  const most = Math.min(wished, BUDGET_MAX, from * RAISE);
  return Math.max(from, Math.floor(most * 10_000 + 1e-6) / 10_000);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function plain(x: number): string {
  return String(Math.round(x * 10) / 10);
}
