/**
 * The book of open findings: one per agent and cause, closed after a stated time without new evidence. While a page
 * is open on an agent another cause raises a notice beside it, and a page only where it is of another family and worse
 * than everything open: people are woken again when something else is wrong too, not when the same trouble shows
 * another face.
 */
import { type Action, type Kind, SEVERITIES, type Severity } from '../decide/finding.js';

/** A finding that has not closed. */
export interface OpenFinding {
  readonly id: string;
  readonly kind: Kind;
  /** What tells it from others of its kind: the kind itself, or which limit was broken. */
  readonly cause: string;
  /** Severity of the last line written. */
  shown: Severity;
  /** Severity that the evidence has reached; what a policy judges. */
  reached: Severity;
  lastMs: number;
  bound: boolean;
  /** Whether its last line said that a verdict mutes it. */
  muted: boolean;
  /** Actions already proposed for it: each is proposed once. */
  readonly proposed: Action[];
  /** When each was proposed last, and how often before; left out: of no action is that known. */
  renewed?: Partial<Record<Action, { readonly atMs: number; readonly n: number }>>;
}

/** One piece of evidence. */
export interface CauseEvidence {
  readonly kind: Kind;
  readonly cause: string;
  readonly severity: Severity;
  readonly timeMs: number;
  readonly bound: boolean;
  /** Whether a verdict mutes it; left out: none does. */
  readonly muted?: boolean;
  /** A notice that may yet become a page is no mere face of another. */
  readonly waits?: boolean;
  /** It would be no page whatever its kind, agent and time: beside a page, whoever looks at the agent sees it there. */
  readonly isSlight?: boolean;
}

/** What noting a piece of evidence led to. */
export interface Raised {
  readonly finding: OpenFinding;
  /** Whether a line is due: raised now, or its shown severity rose. */
  readonly line: boolean;
  /** A notice that is only another face of the finding, of its family or slight, and as muted: nothing was opened. */
  readonly isFace: boolean;
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);
const PAGE = rank('medium');

/** What kinds tell of: one trouble shows itself in several kinds of one family. */
const FAMILY: Readonly<Partial<Record<Kind, 'volume' | 'newness'>>> = {
  'rate-burst': 'volume',
  'retry-loop': 'volume',
  'error-burst': 'volume',
  'fan-out': 'volume',
  // Against weeks of silence any pace is a burst.
  'dormant-wakes': 'volume',
  'session-spend': 'volume',
  spend: 'volume',
  'new-endpoint': 'newness',
  'new-target': 'newness',
  'novelty-creep': 'newness',
  'privilege-creep': 'newness',
  'recurring-target': 'newness',
  exfiltration: 'newness',
  'mixed-profile': 'newness',
  'new-source': 'newness',
  'new-environment': 'newness',
  'credential-after-task': 'newness',
};

function isOfFamily(a: Kind, b: Kind): boolean {
  return FAMILY[a] !== undefined && FAMILY[a] === FAMILY[b];
}

/** Whether an open page says enough: of the same family always, of another where it is as severe. */
function hides(open: OpenFinding, { kind, severity }: CauseEvidence): boolean {
  if (rank(open.shown) < PAGE) return false;
  return isOfFamily(open.kind, kind) || rank(open.shown) >= rank(severity);
}

/**
 * Whether a notice is told already by an open finding. What is muted and what is not never stand for each other: nobody
 * looks at the one, and people ask of the other what came of their verdict.
 */
function isToldBy(open: OpenFinding, evidence: CauseEvidence): boolean {
  const { kind, severity, muted = false, waits = false, isSlight = false } = evidence;
  if (severity !== 'low' || waits || open.muted !== muted) return false;
  return isOfFamily(open.kind, kind) || (isSlight && rank(open.shown) >= PAGE);
}

/** Open findings of one agent; the oldest is closed for another. */
const OPEN_MAX = 64;

/** Open findings by agent key. */
export class FindingBook {
  private readonly open = new Map<string, OpenFinding[]>();
  /** A finding closes after this long without new evidence, ms. */
  closeAfterMs: number;

  constructor(closeAfterMs: number) {
    this.closeAfterMs = closeAfterMs;
  }

  /** Notes evidence of a cause. `makeId` is called only where a new finding is opened. */
  note(key: string, evidence: CauseEvidence, makeId: () => string): Raised {
    const { kind, cause, severity, timeMs, bound, muted = false } = evidence;
    const list = this.current(key, timeMs);
    let finding = list.find((f) => f.cause === cause);
    // A limit that people set is never the other face of something else.
    const capped = kind !== 'budget' && rank(severity) >= PAGE && list.some((f) => f !== finding && hides(f, evidence));
    const shown: Severity = capped ? 'low' : severity;
    if (finding === undefined) {
      const face = list.find((f) => isToldBy(f, evidence));
      if (face !== undefined) return { finding: face, line: false, isFace: true };
      finding = { id: makeId(), kind, cause, shown, reached: severity, lastMs: timeMs, bound, muted, proposed: [] };
      if (list.length >= OPEN_MAX) list.shift();
      list.push(finding);
      this.open.set(key, list);
      return { finding, line: true, isFace: false };
    }
    finding.lastMs = Math.max(finding.lastMs, timeMs);
    finding.bound &&= bound;
    if (rank(severity) > rank(finding.reached)) finding.reached = severity;
    const line = rank(shown) > rank(finding.shown);
    if (line) {
      finding.shown = shown;
      finding.muted = muted;
    }
    return { finding, line, isFace: false };
  }

  /** The open finding of a cause, or null. */
  find(key: string, cause: string, timeMs: number): OpenFinding | null {
    return this.current(key, timeMs).find((f) => f.cause === cause) ?? null;
  }

  /** Drops what has closed by `timeMs`. */
  sweep(timeMs: number): void {
    for (const key of [...this.open.keys()]) {
      if (this.current(key, timeMs).length === 0) this.open.delete(key);
    }
  }

  /** Closes one finding at once, whoever's it is: what follows is raised anew. */
  close(id: string): void {
    for (const [key, list] of this.open) {
      const kept = list.filter((finding) => finding.id !== id);
      if (kept.length !== list.length) this.open.set(key, kept);
    }
  }

  forget(key: string): void {
    this.open.delete(key);
  }

  /** Plain JSON, in key order. */
  snapshot(): [string, OpenFinding[]][] {
    return [...this.open]
      .sort((a, b) => (a[0] < b[0] ? -1 : 1))
      .map(([key, list]) => [key, list.map((f) => ({ ...f, proposed: [...f.proposed] }))]);
  }

  restore(entries: readonly [string, OpenFinding[]][]): void {
    for (const [key, list] of entries) this.open.set(key, list);
  }

  private current(key: string, timeMs: number): OpenFinding[] {
    const list = this.open.get(key);
    if (list === undefined) return [];
    const kept = list.filter((f) => timeMs - f.lastMs < this.closeAfterMs);
    if (kept.length !== list.length) this.open.set(key, kept);
    return kept;
  }
}
