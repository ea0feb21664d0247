/** The last findings in memory, newest first: what the API lists while a store is absent or behind. */
import type { Finding } from '../decide/finding.js';
import { SEVERITIES } from '../decide/finding.js';
import type { FindingsFilter, FindingsPage, FindingsPort } from './contract.js';

export interface RecentFindings extends FindingsPort {
  /** Takes a line of `log:findings`; a later line of the same id replaces the earlier one and counts as new. */
  add(finding: Finding): void;
  readonly size: number;
}

interface Kept {
  /** Grows with every line; the cursor of a page is the number of its last finding. */
  readonly number: number;
  readonly finding: Finding;
}

/** Keeps at most `findingsMax` findings; the oldest go first. */
export function createRecentFindings(findingsMax = 10_000): RecentFindings {
  // A Map keeps the order of insertion, so with delete-then-set its order is the order of the numbers.
  const kept = new Map<string, Kept>();
  let next = 1;
  return {
    add(finding) {
      kept.delete(finding.id);
      kept.set(finding.id, { number: next, finding });
      next += 1;
      if (kept.size > findingsMax) kept.delete(kept.keys().next().value as string);
    },
    list(filter, limit, cursor) {
      return page([...kept.values()], filter, limit, cursor);
    },
    get(id) {
      return kept.get(id)?.finding ?? null;
    },
    get size() {
      return kept.size;
    },
  };
}

function page(all: readonly Kept[], filter: FindingsFilter, limit: number, cursor: number | null): FindingsPage {
  const findings: Finding[] = [];
  let last: number | null = null;
  for (let i = all.length - 1; i >= 0; i--) {
    const { number, finding } = all[i] as Kept;
    if (cursor !== null && number >= cursor) continue;
    if (!matches(filter, finding)) continue;
    if (findings.length === limit) return { findings, cursor: last };
    findings.push(finding);
    last = number;
  }
  return { findings, cursor: null };
}

function matches(filter: FindingsFilter, finding: Finding): boolean {
  if (filter.tenant !== undefined && filter.tenant !== finding.tenant) return false;
  if (filter.agent !== undefined && filter.agent !== finding.agent && filter.agent !== finding.root) return false;
  if (filter.kind !== undefined && filter.kind !== finding.kind) return false;
  if (filter.severity !== undefined && SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(filter.severity)) {
    return false;
  }
  return filter.visible === undefined || filter.visible(finding);
}
