/** What a suppression would have muted of late: the same terms, held against the findings that the API has. */
import { type Finding, isPage } from '../decide/finding.js';
import { isSuppressed } from '../decide/suppression.js';
import type { SuppressionRecord } from '../engine/record.js';
import type { TriageBoard, TriageFilter, Visible } from '../triage/triage.js';
import type { ServerParts } from './contract.js';
import type { Foreseen } from './suppression-schema.js';

const WEEK_MS = 7 * 86_400_000;
/** Rows of one question to the board. */
const PAGE = 1_000;
/** Findings whose events are looked up in the log. */
const LOOKED_UP_MAX = 500;
const SHOWN_MAX = 100;

type Parts = Pick<ServerParts, 'triage' | 'evidence' | 'registry'>;

/** Findings of the last 7 days before `nowMs` that `visible` admits and the suppression would have muted. */
export async function foresee(
  { triage, evidence, registry }: Parts,
  record: SuppressionRecord,
  nowMs: number,
  visible: Visible,
): Promise<Foreseen> {
  const muted: Finding[] = [];
  let lookedUp = 0;
  let complete = true;
  for (const finding of eachFinding(triage, { tenant: record.tenant, suppressed: false, visible })) {
    // The newest come first.
    if (Date.parse(finding.time) <= nowMs - WEEK_MS) break;
    if (!isInScope(record, finding, registry)) continue;
    const { kind, severity, attribution } = finding;
    const covers = (endpoint: string | null, target: string | null): boolean =>
      isSuppressed(record, { kind, severity, endpoint, target }, () => attribution[0]);
    // The log is asked only where the names decide.
    if (record.endpoint === null && record.target === null) {
      if (covers(null, null)) muted.push(finding);
      continue;
    }
    if (!covers(record.endpoint, record.target)) continue;
    if (++lookedUp > LOOKED_UP_MAX) {
      complete = false;
      break;
    }
    const event = await evidence.event(finding);
    if (event !== null && covers(event.endpoint, event.target)) muted.push(finding);
  }
  return {
    findings: muted.length,
    pages: muted.filter(({ severity }) => isPage(severity)).length,
    complete,
    newest: muted.slice(0, SHOWN_MAX).map(({ id, time, agent, kind, severity, title }) => {
      return { id, time_ms: Date.parse(time), agent, kind, severity, title };
    }),
  };
}

/** How many recent findings each verdict or suppression made a notice of, by its id. */
export function countMuted(triage: TriageBoard): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { mutedBy = '' } of eachFinding(triage, { suppressed: true })) {
    counts.set(mutedBy, (counts.get(mutedBy) ?? 0) + 1);
  }
  return counts;
}

function* eachFinding(triage: TriageBoard, filter: TriageFilter): Generator<Finding> {
  let cursor: string | null = null;
  do {
    const page = triage.list(filter, 'last', PAGE, cursor);
    for (const { finding } of page.rows) yield finding;
    cursor = page.cursor;
  } while (cursor !== null);
}

function isInScope({ scope }: SuppressionRecord, { tenant, root }: Finding, registry: Parts['registry']): boolean {
  if ('agent' in scope) return scope.agent === root;
  return 'tenant' in scope || registry.entry(tenant, root)?.role === scope.role;
}
