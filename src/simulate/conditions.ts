/** What holds in the simulated world for a while: outages, silences, growing costs, new tools. Plain data. */
import type { Tool } from './role.js';
import { HOUR_MS } from './wire.js';

/** A stretch of time, ms since the epoch. */
export interface Span {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** All conditions of a world; spans may overlap. */
export interface Conditions {
  /** Model calls of every agent fail with this share, 0 to 1. */
  readonly outages: readonly (Span & { readonly share: number })[];
  /** Tokens of one agent's model calls grow by this much an hour: 0.02 is 2 %, compounded. */
  readonly growths: readonly (Span & { readonly agent: string; readonly perHour: number })[];
  /** The agent opens no sessions. */
  readonly silences: readonly (Span & { readonly agent: string })[];
  /** Agents of a role call a new tool in this share of their tasks. */
  readonly rollouts: readonly (Span & { readonly role: string; readonly tool: Tool; readonly share: number })[];
}

const holds = (span: Span, timeMs: number): boolean => timeMs >= span.fromMs && timeMs < span.toMs;

/** Share of model calls that fail in ordinary times. */
const CHAT_ERROR_SHARE = 0.004;

/** Share of model calls that fail at this time, 0 to 1. */
export function chatErrorShareAt(conditions: Conditions, timeMs: number): number {
  return conditions.outages.find((outage) => holds(outage, timeMs))?.share ?? CHAT_ERROR_SHARE;
}

/** Factor on the tokens of a model call. */
export function tokenFactorAt(conditions: Conditions, agent: string, timeMs: number): number {
  let factor = 1;
  for (const growth of conditions.growths) {
    if (growth.agent !== agent || !holds(growth, timeMs)) continue;
    factor *= Math.exp(((timeMs - growth.fromMs) / HOUR_MS) * Math.log(1 + growth.perHour));
  }
  return factor;
}

/** Whether the agent opens no session at this time. */
export function isSilentAt(conditions: Conditions, agent: string, timeMs: number): boolean {
  return conditions.silences.some((silence) => silence.agent === agent && holds(silence, timeMs));
}

/** The tool that a role has been given by this time, and how often it is used; null: none. */
export function rolloutAt(conditions: Conditions, role: string, timeMs: number): { tool: Tool; share: number } | null {
  return conditions.rollouts.find((rollout) => rollout.role === role && holds(rollout, timeMs)) ?? null;
}

/** The conditions of several sources together. */
export function joinConditions(parts: readonly Partial<Conditions>[]): Conditions {
  return {
    outages: parts.flatMap((part) => part.outages ?? []),
    growths: parts.flatMap((part) => part.growths ?? []),
    silences: parts.flatMap((part) => part.silences ?? []),
    rollouts: parts.flatMap((part) => part.rollouts ?? []),
  };
}
