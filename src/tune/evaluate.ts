/** From counts to the figures that a person reads: shares and rates with their intervals, quartiles, the budget. */
import { averagePrecision } from './average-precision.js';
import { type Interval, poissonInterval, shareInterval } from './intervals.js';
import type { HardNegative, Judged, KindTally } from './judge.js';
import { sessionAuc } from './session-auc.js';

/** Of the sorted values those at a quarter, at half and at three quarters of their count (rounded down), and the last. */
export interface Quartiles {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly max: number;
}

/** The windows of one kind. Quartiles are of the windows found, null where there is none. */
export interface KindReport {
  readonly windows: number;
  readonly found: number;
  /** 95 % interval of the share found, 0 to 1. */
  readonly foundInterval: Interval | null;
  readonly noticed: number;
  readonly delayS: Quartiles | null;
  readonly eventsBefore: Quartiles | null;
  readonly usdBefore: Quartiles | null;
}

/** What is said of a recording, or of several together. */
export interface Report {
  readonly events: number;
  readonly agents: number;
  readonly agentDays: number;
  readonly windows: number;
  readonly found: number;
  readonly noticed: number;
  /** Windows that pages at the false rate would hit at random: an expectation. */
  readonly byChance: number;
  readonly pages: number;
  readonly falsePages: number;
  /** Null where there is no agent-day. */
  readonly falsePagesPerAgentDay: number | null;
  /** 95 % interval of it, as of a Poisson count. */
  readonly falsePagesInterval: Interval | null;
  /** False pages per agent-day over the stated budget: 1 is just kept. */
  readonly timesBudget: number | null;
  readonly notices: number;
  readonly noticesPerAgentDay: number | null;
  readonly agentsWithFalsePage: number;
  readonly hardNegatives: Readonly<Record<string, HardNegative>>;
  /** Largest share of agents falsely paged in one fleet-wide hard negative, 0 to 1. */
  readonly outageAgentsPaged: number | null;
  /** Over findings by p, 0 to 1; null where nothing is ranked or there is no window. */
  readonly averagePrecision: number | null;
  /** Hijacked against resisted sessions by largest -ln p, 0 to 1; null where either kind is missing. */
  readonly hijackAuc: number | null;
  readonly kinds: Readonly<Record<string, KindReport>>;
}

/** `budget`: false pages per agent-day that were asked for. */
export function evaluate(judged: Judged, budget: number): Report {
  const { ranked, kinds, agentDays, falsePages, notices } = judged;
  const perDay = (count: number) => (agentDays > 0 ? count / agentDays : null);
  const rate = perDay(falsePages);
  const [low, high] = poissonInterval(falsePages);
  return {
    events: judged.events,
    agents: judged.agents,
    agentDays,
    windows: judged.windows,
    found: judged.found,
    noticed: judged.noticed,
    byChance: judged.byChance,
    pages: judged.pages,
    falsePages,
    falsePagesPerAgentDay: rate,
    falsePagesInterval: agentDays > 0 ? [low / agentDays, high / agentDays] : null,
    timesBudget: rate === null ? null : rate / budget,
    notices,
    noticesPerAgentDay: perDay(notices),
    agentsWithFalsePage: judged.agentsWithFalsePage,
    hardNegatives: judged.hardNegatives,
    outageAgentsPaged: judged.outageAgentsPaged,
    averagePrecision: ranked.length === 0 ? null : averagePrecision(ranked, judged.windows),
    hijackAuc: sessionAuc(judged.sessions),
    kinds: Object.fromEntries(Object.entries(kinds).map(([kind, tally]) => [kind, kindReport(tally)])),
  };
}

function kindReport({ windows, found, noticed, delaysMs, events, usd }: KindTally): KindReport {
  return {
    windows,
    found,
    foundInterval: shareInterval(found, windows),
    noticed,
    delayS: quartilesOf(delaysMs.map((ms) => ms / 1000)),
    eventsBefore: quartilesOf(events),
    usdBefore: quartilesOf(usd),
  };
}

/** Null of no values. */
export function quartilesOf(values: readonly number[]): Quartiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (quarter: number) => sorted[Math.floor((sorted.length * quarter) / 4)];
  return { lower: at(1), median: at(2), upper: at(3), max: sorted[sorted.length - 1] };
}
