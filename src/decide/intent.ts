/**
 * What a policy lets agents do, and whom each permission is about. A permission only ever narrows: of an agent of which
 * no permission speaks nothing is refused, and one that several speak of is held to all of them.
 */
import type { Mode } from './finding.js';
import { Patterns } from './pattern.js';
import { isTrustWithin, lowerTrust, type TrustLevel, trustOf } from './trust.js';

/** Whom a permission is about; an empty list or null: any. All of it must hold. */
export interface PermissionWho {
  /** Names or patterns. */
  readonly agents: readonly string[];
  readonly roles: readonly string[];
  /** At least one of them. */
  readonly labels: readonly string[];
  readonly trustMin: TrustLevel | null;
  readonly trustMax: TrustLevel | null;
  readonly environments: readonly string[];
}

/** Days of the week, as a calendar begins them. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** When calls are allowed. */
export interface Hours {
  readonly days: readonly Day[];
  /** Minutes since midnight, [0, 1440]; `to` is the first minute that is out. `to` at or before `from`: past midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name of the time zone. */
  readonly zone: string;
}

/** What is allowed: names or patterns; null: not limited here. */
export interface Allowance {
  readonly operations: readonly string[] | null;
  readonly endpoints: readonly string[] | null;
  readonly targets: readonly string[] | null;
  readonly dataClasses: readonly string[] | null;
}

/** Calls that pass with a person's leave only; what its lists do not name passes without. */
export interface ApprovalRule extends Allowance {
  readonly name: string;
  /** ms that a request waits for an answer, and that an approval then stays good. */
  readonly forMs: number;
  /** Calls that one approval lets pass. */
  readonly uses: number;
}

/** One permission of a policy. */
export interface Permission {
  readonly name: string;
  readonly who: PermissionWho;
  readonly allow: Allowance & { readonly hours: Hours | null };
  /** US dollars; null: none set here. The engines hold an agent to the lowest of all that are. */
  readonly budgets: { readonly sessionUsd: number | null; readonly dayUsd: number | null };
  readonly delegation: {
    readonly depthMax: number | null;
    readonly breadthMax: number | null;
    readonly agents: readonly string[] | null;
  } | null;
  readonly approvals: readonly ApprovalRule[];
  /** Milder than the policy's own mode while the permission is on trial; null: the policy's. */
  readonly mode: Mode | null;
}

/** How a policy comes into force by and by. */
export interface Ladder {
  /** ms on a step without a false decision before the next may be taken. */
  readonly promoteAfterMs: number;
}

/** What a permission asks about an agent. */
export interface Subject {
  readonly agent: string;
  readonly role: string | null;
  readonly labels: readonly string[];
  readonly environment: string | null;
  readonly trust: TrustLevel;
}

/** An agent as the registry describes it, as far as permissions ask. */
export interface Described {
  readonly agent: string;
  readonly registered: boolean;
  readonly role: string | null;
  readonly labels: readonly string[];
  readonly budgets: { readonly sessionUsd: number | null; readonly dayUsd: number | null };
  readonly registration: { readonly environment: string | null; readonly trust: TrustLevel | null };
}

/** What a permission asks of a registry's entry; `trust` where something lowers it. */
export function subjectOf(entry: Described, trust: TrustLevel = 'L4'): Subject {
  const { agent, role, labels, registered, registration } = entry;
  const own = trustOf(registered, registration.trust);
  return { agent, role, labels, environment: registration.environment, trust: lowerTrust(own, trust) };
}

/** Whether a permission is about this agent; `agents`: its patterns, where they are compiled already. */
export function isAbout(who: PermissionWho, subject: Subject, agents = new Patterns(who.agents)): boolean {
  const { agent, role, labels, environment, trust } = subject;
  if (who.agents.length > 0 && !agents.has(agent)) return false;
  if (who.roles.length > 0 && (role === null || !who.roles.includes(role))) return false;
  if (who.labels.length > 0 && !who.labels.some((label) => labels.includes(label))) return false;
  if (who.environments.length > 0 && (environment === null || !who.environments.includes(environment))) return false;
  return isTrustWithin(trust, who.trustMin, who.trustMax);
}

/** The budgets that an agent is held to: the lower of its own and of every permission that is about it. USD. */
export function budgetsOf(permissions: readonly Permission[] | undefined, entry: Described): Described['budgets'] {
  let { sessionUsd, dayUsd } = entry.budgets;
  const subject = subjectOf(entry);
  for (const { who, budgets } of permissions ?? []) {
    if ((budgets.sessionUsd === null && budgets.dayUsd === null) || !isAbout(who, subject)) continue;
    sessionUsd = lower(sessionUsd, budgets.sessionUsd);
    dayUsd = lower(dayUsd, budgets.dayUsd);
  }
  return { sessionUsd, dayUsd };
}

function lower(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
