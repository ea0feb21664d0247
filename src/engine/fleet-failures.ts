/** Failing model calls of several agents: how many agents and minutes they make, and which models they have in common. */
import type { AgentSignal } from './signal.js';

const MINUTE_MS = 60_000;
/** Endpoints named. */
export const ENDPOINTS_MAX = 8;

/** One agent's failures of one turn. */
export interface Failure {
  readonly agent: string;
  readonly timeMs: number;
  readonly endpoints: readonly string[];
}

/** The failing part of an agent's signal. */
export function failureOf({ agent, failedMs, failed }: AgentSignal): Failure {
  return { agent, timeMs: failedMs, endpoints: failed.map(({ endpoint }) => endpoint) };
}

/** Distinct agents. */
export function agentsOf(failing: readonly Failure[]): number {
  return new Set(failing.map(({ agent }) => agent)).size;
}

/** Distinct agent-minutes with a failure. */
export function failingMinutes(failing: readonly Failure[]): number {
  return new Set(failing.map(({ agent, timeMs }) => `${Math.floor(timeMs / MINUTE_MS)}\u0000${agent}`)).size;
}

/**
 * What is out: the endpoints on which at least two agents failed, where these are most of those that failed; else no
 * endpoint stands out, and it is whatever they have in common.
 */
export function scopeOf(failing: readonly Failure[]): { endpoints: readonly string[]; isWide: boolean } {
  const failedOn = new Map<string, Set<string>>();
  for (const { agent, endpoints } of failing) {
    for (const endpoint of endpoints) failedOn.set(endpoint, (failedOn.get(endpoint) ?? new Set()).add(agent));
  }
  const shared = [...failedOn].filter(([, agents]) => agents.size >= 2).map(([endpoint]) => endpoint);
  const explained = new Set(shared.flatMap((endpoint) => [...(failedOn.get(endpoint) as Set<string>)]));
  const all = new Set(failing.map(({ agent }) => agent));
  const isWide = explained.size * 3 < all.size * 2;
  const endpoints = isWide ? [...failedOn.keys()] : shared;
  return { endpoints: endpoints.sort().slice(0, ENDPOINTS_MAX), isWide };
}
