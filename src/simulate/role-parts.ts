/** The words that the role tables are written in. */
import type { Operation } from '../event/event.js';
import type { Targets, Task, Tool } from './role.js';

/** Called on nothing in particular. */
export const NONE: Targets = { kind: 'none' };
/** One new target a session. */
export const perCase = (template: string): Targets => ({ kind: 'case', template });
/** The agent's own circle, and a share of new ones. */
export const own = (template: string, count: number, freshShare: number): Targets => ({
  kind: 'own',
  template,
  count,
  freshShare,
});
/** The same few for every agent of the role. */
export const shared = (template: string, count: number): Targets => ({ kind: 'shared', template, count });
/** These and no others. */
export const fixed = (...names: string[]): Targets => ({ kind: 'fixed', names });

interface Rest {
  readonly errorShare?: number;
  readonly operation?: Operation;
}

/** A tool; times in ms and bytes are medians. */
export function tool(name: string, targets: Targets, latencyMs: number, bytesOut: number, rest: Rest = {}): Tool {
  return { name, operation: 'execute_tool', errorShare: 0.008, targets, latencyMs, bytesOut, ...rest };
}

/** A task; see role.ts for the steps. */
export const task = (name: string, weight: number, steps: string): Task => ({ name, weight, steps });

/** Addresses inside the house. */
export const COLLEAGUE_MAIL = own('{first}.{last}@house.example', 14, 0.02);
/** Marks a tool as retrieval. */
export const SEARCH: Rest = { operation: 'retrieval', errorShare: 0.005 };
/** Marks a tool as a plain HTTP call. */
export const HTTP: Rest = { operation: 'http', errorShare: 0.015 };
