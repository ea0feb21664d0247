/**
 * What engines tell the fleet stage: at every tick, one signal for each agent that has something to say, and one turn
 * that says how many were at work. Deltas since the tick before; what nobody could join across agents stays at home.
 */

/** A model endpoint that failed. */
export interface FailedModel {
  readonly endpoint: string;
  readonly failures: number;
}

/** An endpoint that an agent met for the first time, though nobody of its cohort had adopted it. */
export interface FreshEndpoint {
  readonly endpoint: string;
  /** 64-bit hash of the name under the installation's seed, 16 hex digits. */
  readonly hash: string;
  readonly timeMs: number;
}

/** One agent since the last tick; only of agents whose senders are bound to them. */
export interface AgentSignal {
  readonly type: 'signal';
  readonly partition: number;
  /** Of the tick that ended it. */
  readonly timeMs: number;
  readonly tenant: string;
  /** Root of the delegation tree. */
  readonly agent: string;
  /** First failed model call; 0: none failed. */
  readonly failedMs: number;
  /** The endpoints that failed first, at most MODELS_MAX. */
  readonly failed: readonly FailedModel[];
  /** Cohort in the model in force, '' for none, and how many belong to it. */
  readonly cohort: string;
  readonly members: number;
  readonly fresh: readonly FreshEndpoint[];
}

/** How many agents of a tenant called a model. */
export interface ModelUse {
  readonly tenant: string;
  /** Agent-minutes with a model call that began since the last tick. */
  readonly minutes: number;
  /** Agents whose first model call of the running ten minutes (of the clock) fell into it. */
  readonly agents: number;
}

/** A partition's tick: everything that it had to say before stands before it. */
export interface TurnSignal {
  readonly type: 'turn';
  readonly partition: number;
  readonly timeMs: number;
  /** In the order of tenants' names. */
  readonly models: readonly ModelUse[];
}

/** Who works for whom, and who uses which credential; see pipeline/edges.ts, which writes them. */
export interface EdgeRecord {
  readonly type: 'edge';
  readonly by: 'parent' | 'credential';
  readonly tenant: string;
  /** The parent's name, or the credential's hash. */
  readonly key: string;
  readonly agent: string;
  /** Root of the agent's delegation tree, by its and its parent's name (agent/lineage.ts). */
  readonly root: string;
  /** Of the event that showed it. */
  readonly timeMs: number;
  /** Whether the sender is bound to the agent; sightings by others are edges of their own. */
  readonly bound: boolean;
}

export type Signal = AgentSignal | TurnSignal;

/** Failed model endpoints that one signal names. */
export const MODELS_MAX = 4;
/** New endpoints that one signal names. */
export const FRESH_MAX = 8;
