/** What the board holds in the wire's words; only what is named here gets out. */
import type { CaseState, DetectorPrecision, FindingState, PageBudgetState, TimelineEntry } from '../triage/triage.js';
import type { CaseAnswer, FindingStateAnswer, PagesAnswer, PrecisionAnswer, TimelineAnswer } from './triage-schema.js';
import { findingView } from './view.js';

export function stateView(state: FindingState): FindingStateAnswer {
  return {
    ...findingView(state.finding),
    raised_ms: state.raisedMs,
    last_ms: state.lastMs,
    lines: state.lines,
    status: state.status,
    resolution: state.resolution,
    assignee: state.assignee,
    closed_ms: state.closedMs,
    comments: state.comments,
    verdicts: state.verdicts.map(({ id, verdict, undone }) => ({ id, verdict, undone })),
    case: state.case,
    quiet: state.quiet,
    suppressed: state.suppressed,
  };
}

/** What a list on a screen needs to know of a finding that changed. */
export function summaryView({ finding, ...state }: FindingState) {
  return {
    id: finding.id,
    tenant: finding.tenant,
    agent: finding.agent,
    root: finding.root,
    title: finding.title,
    kind: finding.kind,
    severity: finding.severity,
    risk: finding.risk,
    status: state.status,
    resolution: state.resolution,
    assignee: state.assignee,
    case: state.case,
    raised_ms: state.raisedMs,
    last_ms: state.lastMs,
    quiet: state.quiet,
    suppressed: state.suppressed,
  };
}

export function timelineView(entries: readonly TimelineEntry[]): TimelineAnswer {
  return {
    entries: entries.map(({ timeMs, what, actor, words, finding }) => ({
      ...{ time_ms: timeMs, what, actor, words, finding },
    })),
  };
}

export function caseView(one: CaseState): CaseAnswer {
  return {
    id: one.id,
    tenant: one.tenant,
    agents: [...one.agents],
    title: one.title,
    reason: one.reason,
    severity: one.severity,
    risk: one.risk,
    first_ms: one.firstMs,
    last_ms: one.lastMs,
    findings: one.findings.length,
    open: one.open,
    status: one.status,
    assignees: [...one.assignees],
    quiet: one.quiet,
  };
}

export function pagesView({ perDay, hours, today, held }: PageBudgetState): PagesAnswer {
  return { per_day: perDay, hours: [...hours], today, held: [...held] };
}

export function precisionView(detectors: readonly DetectorPrecision[]): PrecisionAnswer {
  return {
    detectors: detectors.map((one) => ({
      detector: one.detector,
      true_positives: one.truePositives,
      false_positives: one.falsePositives,
      expected: one.expected,
      precision: one.precision,
      low: one.low,
      high: one.high,
    })),
  };
}
