/** Who calls, as every file of this room sees it: roles, what a token is bound to, and the identity that they make. */

/** Exact capabilities: none implies another, except where a route names several. */
export const ROLES = ['ingest', 'gateway', 'viewer', 'analyst', 'responder', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What a token may speak about; null: no limit of this kind. */
export interface Bindings {
  /** Exact tenant names; '' is the nameless tenant. */
  readonly tenants: readonly string[] | null;
  /** Agent names, or prefixes ending in '*'; a name covers its sub-agents NAME/... */
  readonly agents: readonly string[] | null;
}

export interface Identity {
  /** A token's id, or 'oidc:ISSUER#SUBJECT': safe to log, not a secret. What records call the authority. */
  readonly id: string;
  /** 'person:NAME': who holds the token. */
  readonly actor: string;
  readonly roles: readonly Role[];
  readonly bindings: Bindings;
}

/** Wall clock, ms since the epoch. */
export type Clock = () => number;
