/**
 * What the engine says: findings for people and proposals for the registry. Both are plain JSON values with the
 * wire's snake_case-free names of the design, written one a line and never rewritten.
 */

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Medium and above is a page (it wakes a person); below is a notice. */
export function isPage(severity: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= 2;
}

/** The cause that a finding names; stable words that a policy can match. */
export const KINDS = [
  'rate-burst',
  'retry-loop',
  'error-burst',
  'fan-out',
  'new-endpoint',
  'new-target',
  'novelty-creep',
  'privilege-creep',
  'recurring-target',
  'exfiltration',
  'mixed-profile',
  'new-source',
  'new-environment',
  'credential-after-task',
  'dormant-wakes',
  'session-spend',
  'spend',
  'budget',
  'cost-drift',
  'rate-drift',
  'joint',
  'quiet',
  'agent-flood',
  'source-refused',
  'provider-outage',
  'deploy',
  'shared-credential',
  'delegation-tree',
  'breaker-open',
  'stop-unverified',
  'delivery-dead',
  'halted',
] as const;
export type Kind = (typeof KINDS)[number];

/** One detector's part in a finding. Shares of a finding add up to 1. */
export interface Attribution {
  readonly detector: string;
  /** What was measured, in the words of the feature dictionary. */
  readonly feature: string;
  readonly observed: number;
  readonly expected: number;
  /** Part of the fused score, 0 to 1. */
  readonly share: number;
}

/** A record that a finding rests on. */
export interface Evidence {
  /** Position in the partition's log (or line in the recording). */
  readonly offset: number;
  /** Event id, null for a tick. */
  readonly event: string | null;
}

/** What is strange about one agent, with its reasons. */
export interface Finding {
  /** Deterministic: the same records give the same id. */
  readonly id: string;
  /** ISO 8601 UTC: time of the record that caused this line. */
  readonly time: string;
  readonly tenant: string;
  /** The acting agent; 'fleet' for a fleet finding. */
  readonly agent: string;
  /** Root of the delegation tree (the agent itself where it has no parent); profiles are kept per root. */
  readonly root: string;
  readonly session: string | null;
  readonly severity: Severity;
  readonly kind: Kind;
  /** A sentence that a person understands. */
  readonly title: string;
  /** Fused probability that an ordinary day of this agent reaches this score, (0, 1]. */
  readonly p: number;
  /** 0 to 100, monotone in p. */
  readonly risk: number;
  readonly attribution: readonly Attribution[];
  readonly evidence: readonly Evidence[];
  /** Version of the cohort model used. */
  readonly model: string;
  /** Digest of the configuration in force. */
  readonly config: string;
  readonly status: 'open';
  /** False where any evidence came from a sender that is not bound to this agent: such a finding never stops anything. */
  readonly bound: boolean;
  /** Key of the proposal made of this line, or null. */
  readonly proposal: string | null;
  /** Id of the verdict or suppression that made a notice of this line; there only where one did. */
  readonly mutedBy?: string;
}

/** What can be done to an agent, mildest first. */
export const ACTIONS = ['throttle', 'restrict', 'lower-trust', 'suspend', 'revoke'] as const;
export type Action = (typeof ACTIONS)[number];

/** How far a policy may go on its own. */
export const MODES = ['observe', 'recommend', 'enforce'] as const;
export type Mode = (typeof MODES)[number];

/** An engine's wish; the registry's fold decides. */
export interface Proposal {
  /** Idempotency key: the same finding and action give the same key. */
  readonly key: string;
  /** ISO 8601 UTC: time of the record that caused it. */
  readonly time: string;
  readonly tenant: string;
  /** Whom to stop: the root of the tree; a stop of a root covers its sub-agents. */
  readonly agent: string;
  readonly action: Action;
  readonly mode: Mode;
  /** A sentence: the finding's title. */
  readonly reason: string;
  /** Id of the finding. */
  readonly finding: string;
  readonly kind: Kind;
  readonly severity: Severity;
  /** How long it lasts once in force, ms; null: until a person releases it. */
  readonly forMs: number | null;
  /** For throttle: calls per minute that stay allowed. */
  readonly callsPerMinute: number | null;
  /** Name of the policy and rule that proposed it. */
  readonly policy: string;
  readonly rule: string;
  /** True for a hard budget: bypasses the brakes. */
  readonly hardBudget: boolean;
  readonly evidence: readonly Evidence[];
  /** Source partition, the owner's epoch and the offset of the record that caused it: the fence. */
  readonly partition: number;
  readonly epoch: number;
  readonly offset: number;
  /** The finding's leading measurement; left out: it has none. */
  readonly measured?: { readonly feature: string; readonly observed: number };
}
