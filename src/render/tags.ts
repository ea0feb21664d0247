/**
 * What each kind of finding is called by others: techniques of MITRE ATLAS 5.6 and risks of the OWASP Top 10 for
 * agentic applications (2026). A kind that tells of the fleet's health, or of this program's own work, is no attack.
 */
import type { Kind } from '../decide/finding.js';

/** Of the matrix that techniques are taken from. */
export const ATLAS_VERSION = '5.6';

/** A technique of MITRE ATLAS. */
export interface Technique {
  readonly uid: string;
  readonly name: string;
  /** A part of it that is meant; null: all of it. */
  readonly sub: { readonly uid: string; readonly name: string } | null;
}

const HARVEST: Technique = {
  uid: 'AML.T0034',
  name: 'Cost Harvesting',
  sub: { uid: 'AML.T0034.002', name: 'Agentic Resource Consumption' },
};
const DENIAL: Technique = { uid: 'AML.T0029', name: 'Denial of AI Service', sub: null };
const TOOL: Technique = { uid: 'AML.T0053', name: 'AI Agent Tool Invocation', sub: null };
const CREDENTIAL: Technique = { uid: 'AML.T0055', name: 'Unsecured Credentials', sub: null };
const EXFILTRATION: Technique = { uid: 'AML.T0086', name: 'Exfiltration via AI Agent Tool Invocation', sub: null };
const TOOL_CREDENTIAL: Technique = { uid: 'AML.T0098', name: 'AI Agent Tool Credential Harvesting', sub: null };

/** What one kind of finding is called elsewhere. */
export interface Tags {
  readonly atlas: readonly Technique[];
  /** ASI02 tool misuse, ASI03 privilege abuse, ASI07 inter-agent, ASI08 cascading failure, ASI10 rogue agent. */
  readonly owasp: readonly string[];
}

const NONE: Tags = { atlas: [], owasp: [] };

/** By kind, every one. */
export const TAGS: Readonly<Record<Kind, Tags>> = {
  'rate-burst': { atlas: [DENIAL], owasp: ['ASI02'] },
  'retry-loop': { atlas: [HARVEST], owasp: ['ASI02', 'ASI08'] },
  'error-burst': { atlas: [], owasp: ['ASI08'] },
  'fan-out': { atlas: [HARVEST], owasp: ['ASI08'] },
  'new-endpoint': { atlas: [TOOL], owasp: ['ASI02'] },
  'new-target': { atlas: [TOOL], owasp: ['ASI02'] },
  'novelty-creep': { atlas: [TOOL], owasp: ['ASI10'] },
  'privilege-creep': { atlas: [TOOL], owasp: ['ASI03'] },
  'recurring-target': { atlas: [TOOL], owasp: ['ASI02'] },
  'exfiltration': { atlas: [EXFILTRATION], owasp: ['ASI02', 'ASI10'] },
  'mixed-profile': { atlas: [TOOL], owasp: ['ASI03', 'ASI10'] },
  'new-source': { atlas: [CREDENTIAL], owasp: ['ASI03'] },
  'new-environment': { atlas: [CREDENTIAL], owasp: ['ASI03'] },
  'credential-after-task': { atlas: [TOOL_CREDENTIAL], owasp: ['ASI03'] },
  'dormant-wakes': { atlas: [CREDENTIAL], owasp: ['ASI10'] },
  'session-spend': { atlas: [HARVEST], owasp: ['ASI02'] },
  'spend': { atlas: [HARVEST], owasp: ['ASI02'] },
  'budget': { atlas: [HARVEST], owasp: ['ASI02'] },
  'cost-drift': { atlas: [HARVEST], owasp: ['ASI10'] },
  'rate-drift': { atlas: [HARVEST], owasp: ['ASI10'] },
  'joint': { atlas: [], owasp: ['ASI10'] },
  'quiet': NONE,
  'agent-flood': { atlas: [DENIAL], owasp: ['ASI08'] },
  'source-refused': NONE,
  'provider-outage': NONE,
  'deploy': NONE,
  'shared-credential': { atlas: [CREDENTIAL], owasp: ['ASI03'] },
  'delegation-tree': { atlas: [HARVEST], owasp: ['ASI07', 'ASI08'] },
  'breaker-open': NONE,
  'stop-unverified': NONE,
  'delivery-dead': NONE,
  'halted': NONE,
};
