/** What a replay found against what was really found: pages gained and lost, by agent and kind. */
import { type Finding, isPage, type Kind, type Severity } from '../decide/finding.js';

/** Pages of one agent and kind. */
export interface PageCount {
  readonly tenant: string;
  /** Root. */
  readonly agent: string;
  readonly kind: Kind;
  /** In the replay, less what really was. */
  readonly count: number;
}

export interface Difference {
  readonly realFindings: number;
  readonly realPages: number;
  /** Most first. */
  readonly gained: readonly PageCount[];
  readonly lost: readonly PageCount[];
}

interface Shown {
  readonly tenant: string;
  readonly agent: string;
  readonly kind: Kind;
  severity: Severity;
}

/** Findings at the severity of their last line. */
export class FindingTally {
  private readonly shown = new Map<string, Shown>();

  add({ id, tenant, root, kind, severity }: Finding): void {
    const known = this.shown.get(id);
    if (known === undefined) this.shown.set(id, { tenant, agent: root, kind, severity });
    else known.severity = severity;
  }

  get size(): number {
    return this.shown.size;
  }

  /** Of severity medium and above. */
  get pages(): number {
    let pages = 0;
    for (const { severity } of this.shown.values()) if (isPage(severity)) pages += 1;
    return pages;
  }

  /** Pages by agent and kind; the keys are of this file alone. */
  pagesBy(): Map<string, PageCount> {
    const counts = new Map<string, PageCount>();
    for (const { tenant, agent, kind, severity } of this.shown.values()) {
      if (!isPage(severity)) continue;
      const key = JSON.stringify([tenant, agent, kind]);
      counts.set(key, { tenant, agent, kind, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return counts;
  }
}

/** Agents and kinds listed on each side; the rest of them is in the counts. */
const LISTED_MAX = 1_000;

/** The two held against each other. */
export function differenceOf(real: FindingTally, replayed: FindingTally): Difference {
  const before = real.pagesBy();
  const after = replayed.pagesBy();
  return {
    realFindings: real.size,
    realPages: real.pages,
    gained: moreIn(after, before),
    lost: moreIn(before, after),
  };
}

function moreIn(these: ReadonlyMap<string, PageCount>, others: ReadonlyMap<string, PageCount>): PageCount[] {
  const more: PageCount[] = [];
  for (const [key, one] of these) {
    const count = one.count - (others.get(key)?.count ?? 0);
    if (count > 0) more.push({ ...one, count });
  }
  return more.sort((a, b) => b.count - a.count || (a.agent < b.agent ? -1 : 1)).slice(0, LISTED_MAX);
}
