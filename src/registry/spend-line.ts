/**
 * Who pays for a call: the acting agent and everybody above it, by name ('a/b' under 'a') and by the registry's word, or
 * the caller's where the registry has none. What an event says of its parent has no say here: a sender could else use up
 * somebody else's budget. Pure.
 */
import type { Budgets } from '../engine/record.js';
import type { Payer } from './spend-limits.js';

/** One agent that is charged. */
export interface Charge {
  readonly agent: string;
  readonly budgets: Budgets;
}

/** Agents of one line that are charged; a longer line is cut at its upper end. */
const LINE_MAX = 16;
const NO_BUDGETS: Budgets = Object.freeze({ sessionUsd: null, dayUsd: null });

/** Acting agent first; `parent` counts where the registry knows none of the agent. */
export function chargeLine(entryOf: (agent: string) => Payer | null, agent: string, parent: string | null): Charge[] {
  const line: Charge[] = [];
  let name: string | null = agent;
  let above = parent;
  while (name !== null && line.length < LINE_MAX) {
    for (let end = name.length; end > 0 && line.length < LINE_MAX; end = name.lastIndexOf('/', end - 1)) {
      const holder: string = name.slice(0, end);
      if (line.some((charge) => charge.agent === holder)) return line;
      const entry = entryOf(holder);
      line.push({ agent: holder, budgets: entry?.budgets ?? NO_BUDGETS });
      above = entry?.parent ?? above;
    }
    name = above;
    above = null;
  }
  return line;
}

/** Whether anybody of the line has a budget. */
export function hasBudget(line: readonly Charge[]): boolean {
  return line.some(({ budgets }) => budgets.sessionUsd !== null || budgets.dayUsd !== null);
}
