/** Could an agent be stopped now? From what the process knows of itself, without asking anybody. */
import type { DrillResult } from '../registry/registry.js';
import type { Health } from './contract.js';

export interface StopFacts {
  readonly ready: Health;
  /** ms since the registry's log was last in reach, and more of it than this is stale. */
  readonly staleMs: number;
  readonly staleAfterMs: number;
  /** The newest drill; null: there was none. */
  readonly drill: DrillResult | null;
  /** Between two scheduled drills, ms; null: none are scheduled, and none is missed. */
  readonly drillEveryMs: number | null;
  readonly nowMs: number;
}

/** A scheduled drill may be late by as much as its interval before it counts as missed. */
const LATE = 2;

/** Not ok names what stands in the way, the most telling first. */
export function stoppable(facts: StopFacts): Health {
  const { ready, staleMs, staleAfterMs, drill, drillEveryMs, nowMs } = facts;
  if (!ready.ok) return { ok: false, reason: `not ready: ${ready.reason ?? 'no reason given'}` };
  if (staleMs > staleAfterMs) {
    return { ok: false, reason: `the registry was last in reach ${Math.round(staleMs / 1_000)} s ago` };
  }
  if (drill !== null && !drill.ok) return { ok: false, reason: `the last drill failed: ${missedOf(drill)}` };
  if (drillEveryMs !== null && drill !== null && nowMs - drill.startedMs > LATE * drillEveryMs) {
    return { ok: false, reason: 'no drill was held when one was due' };
  }
  return { ok: true, reason: null };
}

function missedOf({ stages, rounds }: DrillResult): string {
  const missed = stages.filter((one) => one.missed > 0);
  return missed.map((one) => `${one.stage} was missed in ${one.missed} of ${rounds}`).join(', ');
}
