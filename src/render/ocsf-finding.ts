/**
 * A finding as an OCSF 1.8 Detection Finding (class 2004) with the profiles incident and security_control: created when
 * it is raised, updated as it rises or people work on it, closed when they close it.
 */
import { type Attribution, type Finding, isPage, type Severity } from '../decide/finding.js';
import type { FindingState } from '../triage/triage.js';
import { inert } from './inert.js';
import { ALERTED, agentObject, CONTROLS, type Control, LOGGED, metadataOf, type OcsfDocument } from './ocsf.js';
import { ATLAS_VERSION, TAGS, type Technique } from './tags.js';
import { amount, type RenderContext, SEVERITY_IDS, takenWords, verdictOf } from './taken.js';

const CLASS_UID = 2004;
const ACTIVITIES = { create: 1, update: 2, close: 3 } as const;
/** What happened to the finding. */
export type FindingActivity = keyof typeof ACTIVITIES;
const ACTIVITY_NAMES: Readonly<Record<FindingActivity, string>> = {
  create: 'Create',
  update: 'Update',
  close: 'Close',
};

/** What the document says beside how the finding stands. */
export interface OcsfFindingContext extends RenderContext {
  /** Left out: as the finding stands (closed, worked on or risen, else created). */
  readonly activity?: FindingActivity;
  /** When this happened to it, ms; left out: its latest line. */
  readonly timeMs?: number;
}

/** Events of one finding that are named at most. */
const EVENTS_MAX = 100;

/** A new document of a finding as it stands. */
export function ocsfFinding(state: FindingState, context: OcsfFindingContext): OcsfDocument {
  const { finding } = state;
  const activity = context.activity ?? activityOf(state);
  const timeMs = context.timeMs ?? state.lastMs;
  const severity = SEVERITY_IDS[finding.severity];
  const tags = TAGS[finding.kind];
  return {
    activity_id: ACTIVITIES[activity],
    activity_name: ACTIVITY_NAMES[activity],
    category_uid: 2,
    category_name: 'Findings',
    class_uid: CLASS_UID,
    class_name: 'Detection Finding',
    type_uid: CLASS_UID * 100 + ACTIVITIES[activity],
    type_name: `Detection Finding: ${ACTIVITY_NAMES[activity]}`,
    time: timeMs,
    timezone_offset: 0,
    severity_id: severity.id,
    severity: severity.name,
    message: inert(finding.title),
    is_alert: isPage(finding.severity),
    metadata: metadataOf({
      version: context.version,
      profiles: ['incident', 'security_control'],
      uid: `${finding.id}/${activity}/${timeMs}`,
      tenant: finding.tenant,
      logName: 'findings',
      timeMs,
      correlation: state.case,
    }),
    finding_info: infoOf(state, context),
    ...(tags.atlas.length === 0 ? {} : { attacks: tags.atlas.map(attackOf) }),
    ...evidencesOf(finding),
    ...anomaliesOf(finding),
    resources: resourcesOf(finding),
    ...riskOf(finding),
    ...statusOf(state),
    ...controlOf(finding, context),
    unmapped: unmappedOf(state, tags.owasp),
  };
}

function activityOf({ status, lines, verdicts, assignee, comments }: FindingState): FindingActivity {
  if (status === 'closed') return 'close';
  return lines > 1 || status !== 'new' || verdicts.length > 0 || assignee !== null || comments > 0
    ? 'update'
    : 'create';
}

function infoOf({ finding, raisedMs, lastMs }: FindingState, { link = null }: RenderContext): OcsfDocument {
  const { id, kind, title, model, evidence } = finding;
  const tags = TAGS[kind];
  const related = eventsOf(finding).map((uid) => ({ uid, type: 'agent event' }));
  const detector = finding.attribution[0]?.detector ?? kind;
  return {
    uid: id,
    title: inert(title),
    types: [kind],
    created_time: raisedMs,
    modified_time: lastMs,
    first_seen_time: raisedMs,
    last_seen_time: lastMs,
    analytic: { uid: detector, name: kind, type_id: analyticOf(detector), version: model },
    ...(tags.atlas.length === 0 ? {} : { attacks: tags.atlas.map(attackOf) }),
    ...(related.length === 0 ? {} : { related_events: related }),
    related_events_count: evidence.length,
    ...(tags.owasp.length === 0 ? {} : { tags: [{ name: 'owasp-agentic-2026', values: tags.owasp }] }),
    ...(link === null ? {} : { src_url: link }),
  };
}

/** OCSF analytic types: 1 Rule, 2 Behavioral, 3 Statistical, 4 Learning. */
function analyticOf(detector: string): number {
  if (['budget', 'table', 'intake', 'responder'].includes(detector)) return 1;
  if (['joint', 'mixing'].includes(detector)) return 4;
  if (['rate', 'starts', 'delegation', 'errors', 'ramp', 'silence', 'fleet'].includes(detector)) return 3;
  return 2;
}

function attackOf({ uid, name, sub }: Technique): OcsfDocument {
  return { version: ATLAS_VERSION, technique: { uid, name }, ...(sub === null ? {} : { sub_technique: sub }) };
}

function eventsOf({ evidence }: Finding): string[] {
  const named = evidence.flatMap(({ event }) => (event === null ? [] : [event]));
  return [...new Set(named)].slice(0, EVENTS_MAX);
}

function evidencesOf({ evidence, agent }: Finding): OcsfDocument {
  if (evidence.length === 0) return {};
  const evidences = evidence.slice(0, EVENTS_MAX).map(({ offset, event }) => ({
    ...(event === null ? {} : { uid: event }),
    name: event === null ? 'a moment without an event' : 'event of an agent',
    actor: { app_name: agent, app_uid: agent },
    data: { offset, event },
  }));
  return { evidences };
}

function anomaliesOf({ attribution, agent }: Finding): OcsfDocument {
  if (attribution.length === 0) return {};
  return {
    anomaly_analyses: [
      {
        analysis_targets: [{ name: agent, type: 'AI agent' }],
        anomalies: attribution.map((one) => ({
          ...measured(one, one.observed),
          observed_pattern: `${amount(one.observed)} where ${amount(one.expected)} is usual; ${Math.round(one.share * 100)} % of the score`,
        })),
        baselines: attribution.map((one) => measured(one, one.expected)),
      },
    ],
  };
}

function measured({ detector, feature }: Attribution, value: number): OcsfDocument {
  return {
    observation_parameter: inert(feature),
    observation_type: detector,
    observations: [{ value: String(value) }],
  };
}

function resourcesOf({ tenant, agent, root, kind }: Finding): readonly OcsfDocument[] {
  const place = tenant === '' ? {} : { namespace: tenant };
  const acting = { uid: agent, name: agent, type: 'AI agent', role_id: 2, role: 'Actor', labels: [kind], ...place };
  if (root === agent) return [acting];
  const above = { uid: root, name: root, type: 'AI agent, root of the delegation tree', role_id: 4, role: 'Related' };
  return [acting, { ...above, ...place }];
}

const RISK_LEVELS: Readonly<Record<Severity, readonly [number, string]>> = {
  info: [0, 'Info'],
  low: [1, 'Low'],
  medium: [2, 'Medium'],
  high: [3, 'High'],
  critical: [4, 'Critical'],
};

/** p above which nobody should be sure, and below which one may. */
const UNSURE_P = 0.01;
const SURE_P = 0.0001;

function riskOf({ severity, risk, p }: Finding): OcsfDocument {
  const [levelId, level] = RISK_LEVELS[severity];
  const [confidenceId, confidence] = p <= SURE_P ? [3, 'High'] : p <= UNSURE_P ? [2, 'Medium'] : [1, 'Low'];
  return {
    risk_score: Math.round(risk),
    risk_level_id: levelId,
    risk_level: level,
    confidence_id: confidenceId,
    confidence,
    confidence_score: Math.floor((1 - p) * 100),
  };
}

/** Incident profile. A verdict ranks before the resolution that it led to. */
function statusOf(state: FindingState): OcsfDocument {
  const { status, suppressed, assignee } = state;
  const [statusId, words] = suppressed && status !== 'closed' ? [3, 'Suppressed'] : STATUSES[status];
  const [verdictId, verdict] = VERDICTS[verdictOf(state) ?? state.resolution ?? ''] ?? [0, 'Unknown'];
  return {
    status_id: statusId,
    status: words,
    verdict_id: verdictId,
    verdict,
    ...(assignee === null || assignee === '' ? {} : { assignee: { name: assignee } }),
  };
}

const STATUSES: Readonly<Record<FindingState['status'], readonly [number, string]>> = {
  'new': [1, 'New'],
  'in-progress': [2, 'In Progress'],
  'closed': [4, 'Resolved'],
};

const VERDICTS: Readonly<Record<string, readonly [number, string]>> = {
  'false-positive': [1, 'False Positive'],
  'true-positive': [2, 'True Positive'],
  'expected': [5, 'Benign'],
  'duplicate': [10, 'Duplicate'],
  'other': [99, 'Other'],
};

/** security_control profile: what is in force because of it. */
function controlOf({ severity }: Finding, { taken = null }: RenderContext): Control & OcsfDocument {
  const idle = isPage(severity) ? ALERTED : LOGGED;
  const control = taken?.effect === 'applied' ? CONTROLS[taken.action] : idle;
  return { ...control, status_detail: takenWords(taken) };
}

function unmappedOf(state: FindingState, owasp: readonly string[]): OcsfDocument {
  const { finding, quiet, lines } = state;
  const { tenant, agent, root, session, p, bound, config, proposal, mutedBy = null } = finding;
  return {
    ...agentObject(tenant, agent, { root, session }),
    killdeer: { p, bound, config, proposal, muted_by: mutedBy, quiet, lines, owasp_agentic: owasp },
  };
}
