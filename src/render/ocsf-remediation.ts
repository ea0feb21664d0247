/**
 * What the registry did to agents as OCSF 1.8 Remediation Activities (class 7001): stops, releases, restrictions that
 * ended, halts, and how far each came at the places that carry it out. What was only recommended is none.
 */
import type { Action, Severity } from '../decide/finding.js';
import { type EffectState, isProlonged, type RegistryEntry, type RegistryRecord } from '../registry/registry.js';
import type { TriageInput } from '../triage/triage.js';
import { inert } from './inert.js';
import { ACTION_OF, agentObject, CONTROLS, type Control, metadataOf, type OcsfDocument, RESTORED } from './ocsf.js';
import { type RenderContext, SEVERITY_IDS } from './taken.js';

const CLASS_UID = 7001;
const ISOLATE = 1;
const EVICT = 2;
const RESTORE = 3;
const HARDEN = 4;
const NAMES: Readonly<Record<number, string>> = { 1: 'Isolate', 2: 'Evict', 3: 'Restore', 4: 'Harden' };

/** To take away more is another thing than to take away all for good. */
const ACTIVITY_OF: Readonly<Record<Action, number>> = {
  'throttle': ISOLATE,
  'restrict': ISOLATE,
  'lower-trust': HARDEN,
  'suspend': ISOLATE,
  'revoke': EVICT,
};

/** 0 Unknown, 1 Success, 2 Failure, 6 Error. */
const STATUS_OF: Readonly<Record<EffectState, readonly [number, string]>> = {
  sent: [0, 'Unknown'],
  confirmed: [1, 'Success'],
  unobserved: [0, 'Unknown'],
  contradicted: [2, 'Failure'],
  failed: [2, 'Failure'],
  dead: [6, 'Error'],
};

/** What one document tells of. */
interface Deed {
  readonly activity: number;
  /** The same deed has the same. */
  readonly uid: string;
  readonly tenant: string;
  /** null: everybody. */
  readonly agent: string | null;
  readonly severity: Severity;
  readonly control: Control;
  readonly status: readonly [number, string];
  readonly words: string;
  readonly detail?: string | null;
  readonly finding?: string | null;
  readonly policy?: { readonly name: string; readonly uid: string };
  readonly rest?: OcsfDocument;
}

const SUCCESS = [1, 'Success'] as const;

/** A document for each agent that the change was about; empty where it put nothing in force and ended nothing. */
export function ocsfRemediations(change: TriageInput, context: RenderContext): readonly OcsfDocument[] {
  const { record, verdict } = change;
  const ended = verdict.expired.map((entry) => endOf(entry, change));
  const deeds = verdict.effect === 'applied' ? [...deedsOf(change), ...ended] : ended;
  return deeds.map((deed) => documentOf(deed, record, context));
}

function deedsOf({ record, verdict, offset }: TriageInput): readonly Deed[] {
  switch (record.type) {
    case 'proposal': {
      const { key, tenant, agent, action, severity, reason, policy, rule, finding } = record.proposal;
      const said = isProlonged(verdict) ? verdict.reason : null;
      const stop = stopOf(key, tenant, agent, action, severity, reason);
      return [{ ...stop, detail: said, finding, policy: { name: policy, uid: rule } }];
    }
    case 'stop': {
      // A stop that waits for a second person has not been carried out.
      if (verdict.approval !== undefined) return [];
      const { key, tenant, agent, action, reason } = record;
      return [stopOf(key, tenant, agent, action, 'info', reason)];
    }
    case 'release':
      return [releaseOf(record.key, record.tenant, record.agent, record.reason)];
    case 'halt':
    case 'recover':
      return [haltOf(record)];
    case 'effect':
      return [effectOf(record, verdict.entry, offset)];
    default:
      return [];
  }
}

function stopOf(key: string, tenant: string, agent: string, action: Action, severity: Severity, reason: string): Deed {
  const words = `${agent}: ${action}. ${reason}`;
  const control = CONTROLS[action];
  return { activity: ACTIVITY_OF[action], uid: key, tenant, agent, severity, control, status: SUCCESS, words };
}

function releaseOf(uid: string, tenant: string, agent: string, reason: string): Deed {
  const words = `${agent}: released. ${reason}`;
  return { activity: RESTORE, uid, tenant, agent, severity: 'info', control: RESTORED, status: SUCCESS, words };
}

function endOf({ tenant, agent, version }: RegistryEntry, { offset }: TriageInput): Deed {
  return releaseOf(
    `end/${tenant}/${agent}/${version}/${offset}`,
    tenant,
    agent,
    'The time of its restriction is over.',
  );
}

function haltOf(record: Extract<RegistryRecord, { type: 'halt' | 'recover' }>): Deed {
  const { type, key, tenant, reason } = record;
  const whose = tenant === null ? 'all agents' : `all agents of ${tenant === '' ? 'the nameless tenant' : tenant}`;
  const isHalt = type === 'halt';
  const words = isHalt ? `${whose}: stopped. ${reason}` : `${whose}: ${percent(record.share)} let go again. ${reason}`;
  return {
    activity: isHalt ? ISOLATE : RESTORE,
    uid: `${type}/${key}`,
    tenant: tenant ?? '',
    agent: null,
    severity: isHalt ? 'high' : 'info',
    control: isHalt ? CONTROLS.suspend : RESTORED,
    status: SUCCESS,
    words,
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function effectOf(
  record: Extract<RegistryRecord, { type: 'effect' }>,
  entry: RegistryEntry | null,
  offset: number,
): Deed {
  const { tenant, agent, version, place, state, reason, root = null } = record;
  const action = entry === null ? null : ACTION_OF[entry.status];
  const isBad = state === 'contradicted' || state === 'failed' || state === 'dead';
  return {
    activity: action === null ? RESTORE : ACTIVITY_OF[action],
    uid: `${tenant}/${agent}@${version}/${place}/${offset}`,
    tenant,
    agent,
    severity: isBad ? 'high' : 'info',
    control: action === null ? RESTORED : CONTROLS[action],
    status: STATUS_OF[state],
    words: `${agent}: ${entry?.status ?? 'its standing'} is ${state} at ${place}`,
    detail: reason,
    rest: { place, state, version, cascade_of: root },
  };
}

function documentOf(deed: Deed, record: RegistryRecord, context: RenderContext): OcsfDocument {
  const { activity, uid, tenant, agent, severity, control, status, words, finding = null } = deed;
  const { timeMs, actor, authority } = record;
  const { id, name } = SEVERITY_IDS[severity];
  return {
    activity_id: activity,
    activity_name: NAMES[activity],
    category_uid: 7,
    category_name: 'Remediation',
    class_uid: CLASS_UID,
    class_name: 'Remediation Activity',
    type_uid: CLASS_UID * 100 + activity,
    type_name: `Remediation Activity: ${NAMES[activity]}`,
    command_uid: uid,
    time: timeMs,
    timezone_offset: 0,
    severity_id: id,
    severity: name,
    message: inert(words),
    metadata: metadataOf({
      version: context.version,
      profiles: ['host', 'security_control'],
      uid,
      tenant,
      logName: 'registry',
      timeMs,
      correlation: finding,
    }),
    actor: actorOf(actor, authority),
    status_id: status[0],
    status: status[1],
    ...(deed.detail === null || deed.detail === undefined ? {} : { status_detail: inert(deed.detail) }),
    ...control,
    remediation: { desc: inert(words) },
    countermeasures: [{ d3f_tactic: { name: NAMES[activity] } }],
    ...(deed.policy === undefined ? {} : { policy: { ...deed.policy, is_applied: true } }),
    ...(agent === null
      ? {}
      : { observables: [{ name: 'unmapped.ai_agent.uid', type: 'Resource UID', type_id: 10, value: agent }] }),
    unmapped: {
      ...(agent === null ? {} : agentObject(tenant, agent)),
      killdeer: { finding, ...(deed.rest ?? {}) },
    },
  };
}

function actorOf(actor: string, authority: string): OcsfDocument {
  const person = actor.startsWith('person:') ? actor.slice('person:'.length) : '';
  if (person !== '') return { user: { name: person } };
  return { app_name: 'Killdeer', app_uid: actor, invoked_by: authority === '' ? actor : authority };
}
