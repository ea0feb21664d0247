/**
 * Room decide/: what shall follow from a finding, as intent. Pure: a policy file becomes a Policy (compile-policy.ts),
 * a finding becomes at most one proposal (propose.ts); only the registry's fold decides. Nothing here stops an agent.
 */
import type { Action, Finding, Kind, Mode, Proposal, Severity } from './finding.js';
import type { Allowance, Ladder, Permission } from './intent.js';
import type { TrustLevel } from './trust.js';

/** Which findings lead to which action. */
export interface PolicyRule {
  readonly name: string;
  /** Kinds it answers; empty: any. */
  readonly kinds: readonly Kind[];
  /** Least severity. */
  readonly severity: Severity;
  /** Largest p of the finding, (0, 1]; 1: any. */
  readonly pMax: number;
  /** Least value of the leading attribution, in its own unit (USD, calls, failures); 0: any. */
  readonly observedMin: number;
  /** Least multiple of what is expected there; 0: any. An improbable trifle is not worth a stop. */
  readonly ratioMin: number;
  /** Milder than the policy's own mode where the rule is still on trial; null: the policy's. */
  readonly mode: Mode | null;
  /** Roles of the agent it applies to; empty: any. */
  readonly roles: readonly string[];
  readonly labels: readonly string[];
  /** Agents of this trust or less; left out: any. */
  readonly trustMax?: TrustLevel;
  /** Environments that the agent is registered for; left out: any. */
  readonly environments?: readonly string[];
  readonly action: Action;
  /** ms; null: until released. */
  readonly forMs: number | null;
  readonly callsPerMinute: number | null;
  /** For throttle: the farther from usual, the fewer calls; left out: always the rate stated. */
  readonly proportional?: boolean;
}

/** How much may be stopped without a person. */
export interface Brakes {
  /** Most automatic stops per interval, over all agents. */
  readonly stopsMax: number;
  readonly intervalMs: number;
  /** After a release or expiry, no new automatic stop of the same agent for this long. */
  readonly cooldownMs: number;
  /** Most automatic stops per interval of one role's agents; left out: 3. */
  readonly cohortMax?: number;
  /** Parts of either that findings of medium severity and below, and of high and below, may use; left out: 0.4 and 0.8. */
  readonly shares?: StopShares;
  /** Within the cooldown a finding this many times worse than the last one stops all the same; left out: none does. */
  readonly hysteresis?: number;
}

/** Parts of the automatic stops, (0, 1]; critical findings may use all. */
export interface StopShares {
  readonly medium: number;
  readonly high: number;
}

/** In force where a policy names none, and before the first policy: few enough for a person to check each of them. */
export const BRAKES_DEFAULT: Brakes = { stopsMax: 5, intervalMs: 3_600_000, cooldownMs: 3_600_000 };

/** A compiled policy. */
export interface Policy {
  readonly name: string;
  readonly mode: Mode;
  readonly brakes: Brakes;
  /** First match wins. */
  readonly rules: readonly PolicyRule[];
  /** Agents that are never stopped automatically (names or prefixes ending in '*'). */
  readonly protectedAgents: readonly string[];
  /** What the inline decision answers for an agent that nobody registered; left out: allow. */
  readonly unregistered?: 'allow' | 'deny';
  /** What becomes of the agents of somebody who left; left out: nothing. */
  readonly sponsors?: { readonly onLeave: OnLeave };
  /** With one, `mode` is the top step, and the fold says on which step it stands. */
  readonly ladder?: Ladder;
  /** What a person does not do alone; left out: revoke. */
  readonly twoPeople?: readonly 'revoke'[];
  /** What agents may do; each only narrows. Left out: nothing is limited here. */
  readonly permissions?: readonly Permission[];
  /** What an agent under `restrict` may still do; left out: what it is registered for, or to think and no more. */
  readonly restricted?: Allowance;
}

/** Names of what may follow when the owner of agents leaves. */
export const ON_LEAVE = ['suspend', 'reassign', 'nothing'] as const;
export type OnLeave = (typeof ON_LEAVE)[number];

/** What a rule may ask about the agent; comes from the registry by control records. */
export interface AgentFacts {
  readonly role: string | null;
  readonly labels: readonly string[];
  /** As people registered them; left out: not said. */
  readonly trust?: TrustLevel;
  readonly environment?: string;
}

/** Facts of an agent as a control record has them. */
export interface AgentDescription extends Pick<AgentFacts, 'role' | 'labels'> {
  readonly trust?: TrustLevel | undefined;
  readonly environment?: string | undefined;
}

/** Where the proposal stands in the log: the fence. */
export interface Position {
  readonly partition: number;
  readonly epoch: number;
  readonly offset: number;
}

export type Propose = (policy: Policy, finding: Finding, facts: AgentFacts, position: Position) => Proposal | null;
