/** A case as people see it: made of those of its findings that the asker may see. */
import { SEVERITIES } from '../decide/finding.js';
import { caseIdOf, type Group } from './cases.js';
import { byWorst, type Sortable } from './order.js';
import { endpointOf } from './roots.js';
import { findingOf, isOpen, type Row } from './row.js';
import type { CaseState, TriageStatus, Visible } from './triage.js';

/** A case with what lists go by. */
export interface CaseSummary extends Sortable {
  readonly group: Group;
  /** Visible ones, oldest first. */
  readonly rows: readonly Row[];
  readonly status: TriageStatus;
}

/** null: nothing of it is visible. */
export function summaryOf(group: Group, visible: Visible | undefined): CaseSummary | null {
  const rows = visible === undefined ? group.rows : group.rows.filter(visible);
  if (rows.length === 0) return null;
  let lastMs = 0;
  let risk = 0;
  let rank = 0;
  for (const row of rows) {
    if (row.lastMs > lastMs) lastMs = row.lastMs;
    if (row.risk > risk) risk = row.risk;
    if (row.rank > rank) rank = row.rank;
  }
  return {
    id: caseIdOf(group),
    raisedMs: rows[0].raisedMs,
    ...{ lastMs, risk, rank, group, rows, status: statusOf(rows) },
  };
}

function statusOf(rows: readonly Row[]): TriageStatus {
  const { status } = rows[0].standing;
  return rows.every((row) => row.standing.status === status) ? status : 'in-progress';
}

export function caseStateOf(summary: CaseSummary): CaseState {
  const { id, group, rows, status, rank, risk, raisedMs, lastMs } = summary;
  const worst = [...rows].sort(byWorst);
  const open = rows.filter((row) => isOpen(row.standing.status));
  return {
    ...{ id, tenant: rows[0].tenant, agents: [...new Set(worst.map(({ root }) => root))] },
    title: titleOf(group, rows, worst[0]),
    ...{ reason: group.reason, severity: SEVERITIES[rank], risk, firstMs: raisedMs, lastMs },
    ...{ findings: rows.map((row) => row.id), open: open.length, status },
    assignees: [...new Set(open.flatMap(({ standing }) => standing.assignee ?? []))].sort(),
    quiet: rows.every(({ quiet }) => quiet),
  };
}

function titleOf({ reason }: Group, rows: readonly Row[], worst: Row): string {
  const fleet = reason === 'fleet' ? rows.find(({ isFleet }) => isFleet) : undefined;
  if (fleet !== undefined) return findingOf(fleet).title;
  const finding = findingOf(worst);
  if (rows.length === 1) return finding.title;
  if (reason === 'tree') return `${rows.length} findings of ${worst.root}, the worst: ${finding.title}`;
  const agents = new Set(rows.map(({ root }) => root)).size;
  const endpoint = endpointOf(finding);
  const on = endpoint === null ? '' : ` on ${endpoint}`;
  return `${agents} agents at one time, ${worst.kind}${on}, the worst: ${finding.title}`;
}
