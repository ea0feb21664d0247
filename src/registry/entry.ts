/** An agent as the registry knows it: what people registered, and what is in force. Types, and the empty registration. */
import type { TrustLevel } from '../decide/trust.js';
import type { Budgets } from '../engine/record.js';

export type AgentStatus = 'active' | 'throttled' | 'restricted' | 'suspended' | 'revoked';

/** What an agent authenticates with elsewhere; never the secret itself. Times in ms since the epoch, null: not known. */
export interface Credential {
  readonly kind: 'static-key' | 'oauth-client' | 'workload-identity' | 'certificate' | 'other';
  readonly issuedMs: number | null;
  readonly expiresMs: number | null;
  readonly rotatedMs: number | null;
}

/** How far an agent may hand work on. null: no limit of this kind. */
export interface DelegationLimits {
  /** Steps below it: 0 forbids sub-agents. */
  readonly depthMax: number | null;
  /** Sub-agents of its own that exist at once. */
  readonly breadthMax: number | null;
  /** Names, or prefixes ending in '*', of whom it may delegate to. */
  readonly agents: readonly string[] | null;
}

/** What people registered of an agent beside who answers for it. Nothing of it is learned from traffic. */
export interface Registration {
  readonly technicalOwner: string | null;
  readonly purpose: string | null;
  readonly environment: string | null;
  readonly trust: TrustLevel | null;
  /** Operations, endpoints and targets it may use: names, or prefixes ending in '*'. null: not limited here. */
  readonly operations: readonly string[] | null;
  readonly endpoints: readonly string[] | null;
  readonly targets: readonly string[] | null;
  readonly dataClasses: readonly string[] | null;
  readonly delegation: DelegationLimits | null;
  readonly credential: Credential | null;
  /** Version of its code that was reviewed. */
  readonly agentVersion: string | null;
  /** When its access is to be reviewed next, ms since the epoch. */
  readonly reviewMs: number | null;
}

/** Of an agent of which nothing was said. */
export const NO_REGISTRATION: Registration = Object.freeze({
  technicalOwner: null,
  purpose: null,
  environment: null,
  trust: null,
  operations: null,
  endpoints: null,
  targets: null,
  dataClasses: null,
  delegation: null,
  credential: null,
  agentVersion: null,
  reviewMs: null,
});

/** One agent as the registry knows it. */
export interface RegistryEntry {
  readonly tenant: string;
  readonly agent: string;
  readonly registered: boolean;
  /** The agent it was first seen working for; a stop of that one covers this one too. null: its own root. */
  readonly parent: string | null;
  /** Optimistic version: grows by one with each decision about it; what is merely observed does not move it. */
  readonly version: number;
  readonly owner: string | null;
  readonly role: string | null;
  readonly labels: readonly string[];
  readonly scopes: readonly string[];
  readonly budgets: Budgets;
  readonly protected: boolean;
  readonly registration: Registration;
  /** Versions of the agent's own code, as seen, newest last, at most 16. */
  readonly agentVersions: readonly string[];
  readonly status: AgentStatus;
  /** ms; when the restriction ends; null: none, or until released. */
  readonly untilMs: number | null;
  readonly callsPerMinute: number | null;
  readonly reason: string | null;
  /** Calls refused since the stop in force, as recorded; 0 without one. */
  readonly attempts: number;
  readonly firstSeenMs: number;
  readonly lastChangeMs: number;
}
