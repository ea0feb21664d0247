/** What a suppression would have muted of late: the same terms, held against the findings that the API has. */
import { type Finding, isPage } from '../decide/finding.js';
import { isSuppressed } from '../decide/suppression.js';
import type { SuppressionRecord } from '../engine/record.js';
import type { FindingsPort, ServerParts } from './contract.js';
import type { Foreseen } from './suppression-schema.js';

const WEEK_MS = 7 * 86_400_000;
/** Rows of one question to the findings, and questions. */
const PAGE = 10_000;
const PAGES_MAX = 100;
/** Findings whose events are looked up in the log. */
const LOOKED_UP_MAX = 500;
const SHOWN_MAX = 100;

type Parts = Pick<ServerParts, 'findings' | 'evidence' | 'registry'>;

/** Findings of the last 7 days before `nowMs` that `visible` admits and the suppression would have muted. */
export async function foresee(
  { findings, evidence, registry }: Parts,
  record: SuppressionRecord,
  nowMs: number,
  visible: (finding: Finding) => boolean,
): Promise<Foreseen> {
  const isMeant = (finding: Finding): boolean =>
    finding.mutedBy === undefined &&
    Date.parse(finding.time) > nowMs - WEEK_MS &&
    isInScope(record, finding, registry) &&
    visible(finding);
  const muted: Finding[] = [];
  let lookedUp = 0;
  let complete = true;
  for (const finding of eachFinding(findings, { tenant: record.tenant, visible: isMeant })) {
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
export function countMuted(findings: FindingsPort): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const visible = ({ mutedBy }: Finding): boolean => mutedBy !== undefined;
  for (const { mutedBy = '' } of eachFinding(findings, { visible }))
    counts.set(mutedBy, (counts.get(mutedBy) ?? 0) + 1);
  return counts;
}

function* eachFinding(findings: FindingsPort, filter: Parameters<FindingsPort['list']>[0]): Generator<Finding> {
  let cursor: number | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const rows = findings.list(filter, PAGE, cursor);
    yield* rows.findings;
    cursor = rows.cursor;
    if (cursor === null) return;
  }
}

function isInScope({ scope }: SuppressionRecord, { tenant, root }: Finding, registry: Parts['registry']): boolean {
  if ('agent' in scope) return scope.agent === root;
  return 'tenant' in scope || registry.entry(tenant, root)?.role === scope.role;
}
