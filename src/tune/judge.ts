/**
 * Which windows were found, how late, and which pages were false. A page is right where it is about a positive window;
 * a window excuses one page and one more for each 12 h that it lasts, and every page beyond is false, those about hard
 * negatives included.
 */
import type { Ranked } from './average-precision.js';
import { classOf, type Label } from './labels.js';
import { NO_SURPRISES, type SessionSurprises } from './session-auc.js';
import type { Facts, Window } from './traffic.js';
import { excusedMax, GRACE_MS, isAbout, isDuring, isFleetWide, isItsAgent, type Raised, rootOf } from './windows.js';

/** The windows of one kind. Of each window found there is one entry in the three lists. */
export interface KindTally {
  readonly windows: number;
  /** With a page. */
  readonly found: number;
  /** With a finding of any severity. */
  readonly noticed: number;
  /** From the window's beginning (or the end of training) to the first right page, ms. */
  readonly delaysMs: readonly number[];
  /** Events and US dollars of the window before that page. */
  readonly events: readonly number[];
  readonly usd: readonly number[];
}

/** One recording, or several together, judged. Counts, so that they can be added up. */
export interface Judged {
  readonly events: number;
  readonly agents: number;
  /** Of the judged period: its length in days times the agents. */
  readonly agentDays: number;
  readonly windows: number;
  readonly found: number;
  readonly noticed: number;
  /** Windows that pages at the false rate would hit if they were thrown at random over agents and time: an expectation. */
  readonly byChance: number;
  readonly pages: number;
  /** Findings that never became a page. */
  readonly notices: number;
  readonly falsePages: number;
  readonly agentsWithFalsePage: number;
  /** Labels of each kind that must not be paged about, and how many were. */
  readonly hardNegatives: Readonly<Record<string, HardNegative>>;
  /** Largest share of agents with a false page in one fleet-wide hard negative, 0 to 1; null where there is none. */
  readonly outageAgentsPaged: number | null;
  readonly kinds: Readonly<Record<string, KindTally>>;
  /** Findings that have a p, for averagePrecision; what is neither right nor wrong is left out. */
  readonly ranked: readonly Ranked[];
  /** For sessionAuc. */
  readonly sessions: SessionSurprises;
}

/** Labels of one kind that must not be paged about. */
export interface HardNegative {
  readonly windows: number;
  readonly paged: number;
}

const DAY_MS = 86_400_000;

/** Judges what was raised, in the order in which it was written, against a recording's labels. */
export function judge(
  labels: readonly Label[],
  facts: Facts,
  raised: readonly Raised[],
  sessions: SessionSurprises = NO_SURPRISES,
): Judged {
  const { windows, startMs, endMs, agents } = facts;
  const lines = raised.filter(({ timeMs }) => timeMs >= startMs).sort((a, b) => a.timeMs - b.timeMs);
  const { pages, notices, noticesOnly } = firstLines(lines);
  const outcomes = windows.map((window) => outcomeOf(window, pages, notices));
  const wrong = falsePagesOf(labels, pages, outcomes);
  const found = outcomes.filter(({ first }) => first !== null).length;
  return {
    events: facts.events,
    agents,
    agentDays: ((endMs - startMs) / DAY_MS) * agents,
    windows: windows.length,
    found,
    noticed: outcomes.filter(({ noticed }) => noticed).length,
    byChance: windows.reduce((sum, { label }) => sum + hitChance(label, facts, wrong.length / agents), 0),
    pages: pages.length,
    notices: noticesOnly,
    falsePages: wrong.length,
    agentsWithFalsePage: rootsOf(wrong).size,
    hardNegatives: hardNegativesOf(labels, wrong),
    outageAgentsPaged: outageShare(labels, wrong, agents),
    kinds: kindsOf(outcomes),
    ranked: rankedOf(labels, windows, lines),
    sessions,
  };
}

/** Several recordings as if they were one. */
export function addUp(all: readonly Judged[]): Judged {
  const sum = (of: (one: Judged) => number) => all.reduce((total, one) => total + of(one), 0);
  const outages = all.flatMap(({ outageAgentsPaged }) => (outageAgentsPaged === null ? [] : [outageAgentsPaged]));
  return {
    events: sum((one) => one.events),
    agents: sum((one) => one.agents),
    agentDays: sum((one) => one.agentDays),
    windows: sum((one) => one.windows),
    found: sum((one) => one.found),
    noticed: sum((one) => one.noticed),
    byChance: sum((one) => one.byChance),
    pages: sum((one) => one.pages),
    notices: sum((one) => one.notices),
    falsePages: sum((one) => one.falsePages),
    agentsWithFalsePage: sum((one) => one.agentsWithFalsePage),
    hardNegatives: merged(
      all.map((one) => one.hardNegatives),
      (a, b) => ({ windows: a.windows + b.windows, paged: a.paged + b.paged }),
    ),
    outageAgentsPaged: outages.length === 0 ? null : Math.max(...outages),
    kinds: merged(
      all.map((one) => one.kinds),
      addKinds,
    ),
    ranked: joinRanked(all),
    sessions: {
      hijacked: all.flatMap(({ sessions }) => sessions.hijacked),
      resisted: all.flatMap(({ sessions }) => sessions.resisted),
    },
  };
}

/** The first line of each finding that is a page, and the first that is none; and how many never became a page. */
function firstLines(lines: readonly Raised[]) {
  const pages = new Map<string, Raised>();
  const notices = new Map<string, Raised>();
  for (const line of lines) {
    const to = line.isPage ? pages : notices;
    if (!to.has(line.id)) to.set(line.id, line);
  }
  const noticesOnly = [...notices.keys()].filter((id) => !pages.has(id)).length;
  return { pages: [...pages.values()], notices: [...notices.values()], noticesOnly };
}

interface WindowOutcome {
  readonly window: Window;
  /** First page about it. */
  readonly first: Raised | null;
  readonly noticed: boolean;
  readonly excused: readonly Raised[];
}

function outcomeOf(window: Window, pages: readonly Raised[], notices: readonly Raised[]): WindowOutcome {
  const right = pages.filter((page) => isAbout(page, window.label));
  const noticed = right.length > 0 || notices.some((notice) => isAbout(notice, window.label));
  return { window, first: right[0] ?? null, noticed, excused: right.slice(0, excusedMax(window.label)) };
}

function falsePagesOf(
  labels: readonly Label[],
  pages: readonly Raised[],
  outcomes: readonly WindowOutcome[],
): readonly Raised[] {
  const excused = new Set(outcomes.flatMap((outcome) => outcome.excused));
  return pages.filter((page) => !excused.has(page) && !isBesideThePoint(labels, page));
}

/** Whether it counts neither for nor against: fleet-wide in a fleet-wide window, or in one that is not scored. */
function isBesideThePoint(labels: readonly Label[], raised: Raised): boolean {
  return labels.some((label) => {
    if (!isDuring(raised, label)) return false;
    if (isFleetWide(raised)) return label.agent === null;
    return classOf(label.kind) === 'unscored' && isItsAgent(raised, label);
  });
}

/** Chance that one of the false pages of an agent, `perAgent` on average, falls into the window. */
function hitChance({ fromMs, toMs }: Label, { startMs, endMs }: Facts, perAgent: number): number {
  if (perAgent === 0) return 0;
  const length = Math.min(toMs + GRACE_MS, endMs) - Math.max(fromMs, startMs);
  const share = Math.min(1, Math.max(0, length / (endMs - startMs)));
  return -Math.expm1(perAgent * Math.log1p(-share));
}

function rootsOf(pages: readonly Raised[]): ReadonlySet<string> {
  return new Set(pages.filter((page) => !isFleetWide(page)).map(({ agent }) => rootOf(agent)));
}

function hardNegativesOf(labels: readonly Label[], wrong: readonly Raised[]): Record<string, HardNegative> {
  const tallies = labels
    .filter(({ kind }) => classOf(kind) === 'negative')
    .map((label) => ({ [label.kind]: { windows: 1, paged: wrong.some((page) => isCaught(page, label)) ? 1 : 0 } }));
  return merged(tallies, (a, b) => ({ windows: a.windows + b.windows, paged: a.paged + b.paged }));
}

/** Whether a false page is about a hard negative; a fleet-wide one is about every agent. */
function isCaught(page: Raised, label: Label): boolean {
  if (label.agent !== null) return isAbout(page, label);
  return !isFleetWide(page) && isAbout(page, { ...label, agent: page.agent });
}

function outageShare(labels: readonly Label[], wrong: readonly Raised[], agents: number): number | null {
  const shares = labels
    .filter(({ agent, kind }) => agent === null && classOf(kind) === 'negative')
    .map((label) => rootsOf(wrong.filter((page) => isDuring(page, label))).size / agents);
  return shares.length === 0 ? null : Math.max(...shares);
}

function kindsOf(outcomes: readonly WindowOutcome[]): Record<string, KindTally> {
  const tallies = outcomes.map(({ window, first, noticed }): Record<string, KindTally> => {
    const before = first === null ? [] : window.events.filter(({ timeMs }) => timeMs < first.timeMs);
    const ofFirst = (value: number) => (first === null ? [] : [value]);
    return {
      [window.label.kind]: {
        windows: 1,
        found: ofFirst(1).length,
        noticed: noticed ? 1 : 0,
        delaysMs: ofFirst((first?.timeMs ?? 0) - window.fromMs),
        events: ofFirst(before.length),
        usd: ofFirst(before.reduce((sum, { usd }) => sum + usd, 0)),
      },
    };
  });
  return merged(tallies, addKinds);
}

function addKinds(a: KindTally, b: KindTally): KindTally {
  return {
    windows: a.windows + b.windows,
    found: a.found + b.found,
    noticed: a.noticed + b.noticed,
    delaysMs: [...a.delaysMs, ...b.delaysMs],
    events: [...a.events, ...b.events],
    usd: [...a.usd, ...b.usd],
  };
}

/** Every finding at its strongest: right about what any of its lines is right about. */
function rankedOf(labels: readonly Label[], windows: readonly Window[], lines: readonly Raised[]): Ranked[] {
  const byId = new Map<string, { p: number; windows: Set<number>; counts: boolean }>();
  for (const line of lines) {
    if (line.p === null) continue;
    const finding = byId.get(line.id) ?? { p: 1, windows: new Set<number>(), counts: false };
    byId.set(line.id, finding);
    finding.p = Math.min(finding.p, line.p);
    windows.forEach(({ label }, i) => {
      if (isAbout(line, label)) finding.windows.add(i);
    });
    if (finding.windows.size > 0 || !isBesideThePoint(labels, line)) finding.counts = true;
  }
  return [...byId.values()]
    .filter(({ counts }) => counts)
    .map((finding) => ({ p: finding.p, windows: [...finding.windows] }));
}

/** Windows of each recording get numbers of their own. */
function joinRanked(all: readonly Judged[]): Ranked[] {
  let first = 0;
  return all.flatMap(({ ranked, windows }) => {
    const from = first;
    first += windows;
    return ranked.map((one) => ({ p: one.p, windows: one.windows.map((window) => from + window) }));
  });
}

/** Adds up values of the same name; names in the order of their characters. */
function merged<T>(records: readonly Readonly<Record<string, T>>[], add: (a: T, b: T) => T): Record<string, T> {
  const sums = new Map<string, T>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const sum = sums.get(name);
      sums.set(name, sum === undefined ? value : add(sum, value));
    }
  }
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}
