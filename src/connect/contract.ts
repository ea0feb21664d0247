/**
 * Room connect/: carries what the registry decided to the places that have to enforce it, and asks them whether they
 * do. It decides nothing itself: it follows the registry, and what it learns it tells the registry as records. It may
 * see the contracts of other rooms alone, and no secret of it ever stands in a log, an error or a status.
 */
import type { Action } from '../decide/finding.js';
import type { AgentStatus } from '../registry/registry.js';

/** What the registry wants to be so of one agent, for whoever has to make it so. */
export interface Wish {
  readonly tenant: string;
  readonly agent: string;
  /** Of the registry's entry that it follows from: `root`'s, or the agent's own where that is null. */
  readonly version: number;
  /** The agent above that is restricted, or was until now; null: it is about the agent itself. */
  readonly root: string | null;
  readonly status: AgentStatus;
  readonly action: Action | 'release';
  /** A sentence for people. */
  readonly reason: string;
  /** Registry clock, ms; null: until released, or nothing to end. */
  readonly untilMs: number | null;
  readonly callsPerMinute: number | null;
  readonly owner: string | null;
  readonly parent: string | null;
  /** When it was decided, registry clock, ms. */
  readonly timeMs: number;
  /** Who decided: a person, a policy's rule, or the end of what had a time. */
  readonly by: 'person' | 'policy' | 'system';
}

/** How a delivery ended. */
export type Applied =
  | {
      readonly done: true;
      /** What a reader of the record should know; null: nothing. */
      readonly note: string | null;
      /** The place knows no such agent, and that is fine: there is nothing to be read back. */
      readonly absent?: boolean;
    }
  | {
      readonly done: false;
      /** In words, without any secret and without the answer's body. */
      readonly reason: string;
      /** How long the place wants to be left alone, ms; null: it did not say. */
      readonly retryAfterMs: number | null;
      /** Whether the place itself is unwell, or only this wish is refused. */
      readonly fault: 'place' | 'wish';
    };

/** What a place says when it is asked whether a wish is in force there. */
export interface ReadBack {
  readonly state: 'in-force' | 'not-in-force' | 'unknown';
  /** What it answered, in words. */
  readonly words: string;
  /** Of an unknown state: whether the place could not be asked at all. */
  readonly fault?: boolean;
}

/** One place that enforces, or tells. Never throws and never retries: it says what happened. */
export interface Connector {
  readonly name: string;
  readonly kind: ConnectorKind;
  /** The same key is the same wish: applying it again changes nothing. */
  apply(wish: Wish, key: string, signal: AbortSignal): Promise<Applied>;
  /** Left out where the place cannot be asked. */
  readBack?(wish: Wish, signal: AbortSignal): Promise<ReadBack>;
}

export const CONNECTOR_KINDS = ['webhook', 'scim', 'keycloak', 'caep', 'notify'] as const;
export type ConnectorKind = (typeof CONNECTOR_KINDS)[number];

/** Idempotency key of a wish: tenant, agent and version, with the root where that is another one. */
export function keyOfWish({ tenant, agent, root, version }: Wish): string {
  return `${tenant}/${agent}/${root === null ? '' : `${root}@`}${version}`;
}

/** Whether it takes something away from the agent. */
export function isStop({ status }: Wish): boolean {
  return status !== 'active';
}

export const refused = (reason: string): Applied => ({ done: false, reason, retryAfterMs: null, fault: 'wish' });
