/**
 * Proposals that wait for a person: recommended ones, and those that the breaker skipped. Worst first, bounded: the
 * least of them falls off, and what nobody answered within a day lapses, because it no longer describes the agent.
 */
import { type Proposal, SEVERITIES } from '../decide/finding.js';

/** A proposal that waits for a person. */
export interface OpenProposal {
  readonly proposal: Proposal;
  /** Registry clock, ms. */
  readonly sinceMs: number;
}

/** How long it waits, ms. */
export const OPEN_FOR_MS = 86_400_000;

function worseFirst(a: OpenProposal, b: OpenProposal): number {
  const severity = SEVERITIES.indexOf(b.proposal.severity) - SEVERITIES.indexOf(a.proposal.severity);
  if (severity !== 0) return severity;
  if (a.sinceMs !== b.sinceMs) return a.sinceMs - b.sinceMs;
  return a.proposal.key < b.proposal.key ? -1 : 1;
}

function isSame(a: Proposal, b: Proposal): boolean {
  return a.finding === b.finding && a.action === b.action && a.agent === b.agent && a.tenant === b.tenant;
}

/** Proposals that wait, worst first. */
export class OpenProposals {
  private list: OpenProposal[];
  private readonly max: number;

  constructor(list: readonly OpenProposal[], max: number) {
    this.list = [...list].sort(worseFirst).slice(0, max);
    this.max = max;
  }

  /** One that is made again, of the same finding, takes the place of the former. True where there was none. */
  add(proposal: Proposal, nowMs: number): boolean {
    const others = this.list.filter((open) => !isSame(open.proposal, proposal));
    const isNew = others.length === this.list.length;
    this.list = [...others, { proposal, sinceMs: nowMs }].sort(worseFirst).slice(0, this.max);
    return isNew;
  }

  /** Whether there was one. */
  answer(tenant: string, agent: string): boolean {
    const before = this.list.length;
    this.list = this.list.filter(({ proposal }) => proposal.tenant !== tenant || proposal.agent !== agent);
    return this.list.length < before;
  }

  lapse(nowMs: number): void {
    if (this.list.some((open) => nowMs >= open.sinceMs + OPEN_FOR_MS)) {
      this.list = this.list.filter((open) => nowMs < open.sinceMs + OPEN_FOR_MS);
    }
  }

  nextLapseMs(): number {
    return this.list.reduce((next, open) => Math.min(next, open.sinceMs + OPEN_FOR_MS), Number.POSITIVE_INFINITY);
  }

  proposals(): Proposal[] {
    return this.list.map((open) => open.proposal);
  }

  snapshot(): readonly OpenProposal[] {
    return this.list;
  }
}
