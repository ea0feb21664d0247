/** What a sink wants of what there is. */
import { covers } from '../decide/binding.js';
import { type Finding, isPage, SEVERITIES } from '../decide/finding.js';
import type { FindingState, TriageInput } from '../triage/triage.js';
import type { SinkConfig } from './section.js';

/** Records of the registry that are told as actions. */
const ACTIONS = ['proposal', 'stop', 'release', 'halt', 'recover', 'effect'];

/** `state` null: nobody worked on it, as far as is known. */
export function wantsFinding(
  { filter }: Pick<SinkConfig, 'filter'>,
  finding: Finding,
  state: FindingState | null,
): boolean {
  const { severity, notices, suppressed, kinds, tenants, agents, statuses } = filter;
  if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(severity)) return false;
  const isMuted = finding.mutedBy !== undefined || state?.suppressed === true;
  if (isMuted ? !suppressed : !notices && !isPage(finding.severity)) return false;
  if (kinds !== null && !kinds.includes(finding.kind)) return false;
  if (statuses !== null && !statuses.includes(state?.status ?? 'new')) return false;
  // What concerns the whole fleet concerns everybody.
  return finding.agent === 'fleet' || covers({ tenants, agents }, finding.tenant, finding.agent);
}

/** Findings that people said something of with this record. */
export function findingsOf({ record, verdict }: TriageInput): readonly string[] {
  if (verdict.effect === 'refused' || verdict.effect === 'duplicate') return [];
  if (record.type === 'triage') return record.findings;
  return record.type === 'verdict' && record.verdict.finding !== null ? [record.verdict.finding] : [];
}

/** Whether the registry did something that a sink may be told. */
export function isAction({ record, verdict }: TriageInput): boolean {
  return verdict.expired.length > 0 || (verdict.effect === 'applied' && ACTIONS.includes(record.type));
}

/** `isAction` is taken for granted. */
export function wantsAction({ actions, filter }: Pick<SinkConfig, 'actions' | 'filter'>, change: TriageInput): boolean {
  if (!actions) return false;
  const { tenants, agents } = filter;
  const about = aboutOf(change);
  return about.some(({ tenant, agent }) =>
    agent === null
      ? tenants === null || tenants.includes(tenant ?? '')
      : covers({ tenants, agents }, tenant ?? '', agent),
  );
}

/** Whom a change is about; agent null: everybody, or everybody of the tenant. */
export function aboutOf({
  record,
  verdict,
}: TriageInput): { readonly tenant: string | null; readonly agent: string | null }[] {
  const about: { tenant: string | null; agent: string | null }[] = [...verdict.expired];
  if (verdict.effect !== 'applied') return about;
  if (record.type === 'proposal') about.unshift(record.proposal);
  else if (record.type === 'halt' || record.type === 'recover') about.unshift({ tenant: record.tenant, agent: null });
  else if (record.type === 'stop' || record.type === 'release' || record.type === 'effect') about.unshift(record);
  return about;
}
