/** What all OCSF 1.8 documents share: who wrote them, and what the security_control profile calls an action. */
import type { Action } from '../decide/finding.js';
import type { AgentStatus } from '../registry/registry.js';

/** Of the schema that documents follow. */
export const OCSF_VERSION = '1.8.0';

/** A document: plain JSON values. Names in it are as they are; write it with `inertJson`. */
export type OcsfDocument = Readonly<Record<string, unknown>>;

/** What `metadata` is made of. */
export interface MetadataParts {
  /** Of this program. */
  readonly version: string;
  readonly profiles: readonly string[];
  /** Of the document: the same one has the same. */
  readonly uid: string;
  readonly tenant: string;
  readonly logName: string;
  /** When the record that it tells of happened, ms. */
  readonly timeMs: number;
  /** What it belongs to; null: nothing. */
  readonly correlation: string | null;
}

/** The object `metadata` of a document. */
export function metadataOf(parts: MetadataParts): OcsfDocument {
  const { version, profiles, uid, tenant, logName, timeMs, correlation } = parts;
  return {
    version: OCSF_VERSION,
    product: { name: 'Killdeer', vendor_name: 'Killdeer', version },
    profiles,
    uid,
    log_name: logName,
    original_time: new Date(timeMs).toISOString(),
    ...(tenant === '' ? {} : { tenant_uid: tenant }),
    ...(correlation === null ? {} : { correlation_uid: correlation }),
  };
}

/** The agent itself: OCSF 1.8 has no object for one, so it stands under `unmapped`. */
export function agentObject(tenant: string, agent: string, rest: OcsfDocument = {}): OcsfDocument {
  return { ai_agent: { uid: agent, name: agent, tenant, ...rest } };
}

/** The profile security_control: what was done, and what became of the agent's calls. */
export interface Control {
  readonly action_id: number;
  readonly action: string;
  readonly disposition_id: number;
  readonly disposition: string;
}

const control = (actionId: number, action: string, dispositionId: number, disposition: string): Control => ({
  action_id: actionId,
  action,
  disposition_id: dispositionId,
  disposition,
});

/** What is in force once an action was applied. */
export const CONTROLS: Readonly<Record<Action, Control>> = {
  'throttle': control(4, 'Modified', 14, 'Delayed'),
  'restrict': control(4, 'Modified', 3, 'Quarantined'),
  'lower-trust': control(4, 'Modified', 3, 'Quarantined'),
  'suspend': control(2, 'Denied', 2, 'Blocked'),
  'revoke': control(2, 'Denied', 24, 'Access Revoked'),
};

/** A restriction ended. */
export const RESTORED = control(1, 'Allowed', 9, 'Restored');
/** People are told, and nothing else was done. */
export const ALERTED = control(3, 'Observed', 19, 'Alert');
/** Nobody is woken, and nothing else was done. */
export const LOGGED = control(3, 'Observed', 17, 'Logged');

/** The action that led to a status. */
export const ACTION_OF: Readonly<Record<AgentStatus, Action | null>> = {
  active: null,
  throttled: 'throttle',
  restricted: 'restrict',
  suspended: 'suspend',
  revoked: 'revoke',
};
