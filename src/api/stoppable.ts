/** Could an agent be stopped now? From what the process knows of itself, without asking anybody. */
import type { LaneStatus } from '../connect/status.js';
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
  /** Of the connectors, where this process is the one that delivers. */
  readonly places: readonly Pick<LaneStatus, 'name' | 'breaker' | 'unverified'>[];
  /** Whether budgets are counted as the log goes on. */
  readonly countsSpend: boolean;
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
  const place = placeWords(facts.places);
  if (place !== null) return { ok: false, reason: place };
  if (drill !== null && !drill.ok) return { ok: false, reason: `the last drill failed: ${missedOf(drill)}` };
  if (drillEveryMs !== null && drill !== null && nowMs - drill.startedMs > LATE * drillEveryMs) {
    return { ok: false, reason: 'no drill was held when one was due' };
  }
  if (!facts.countsSpend) return { ok: false, reason: 'what is spent is counted no more: no budget stops anybody' };
  return { ok: true, reason: null };
}

/** The first place that a stop might not come through to, a known failure before a presumed one; null: none. */
function placeWords(places: StopFacts['places']): string | null {
  const failing = places.find(({ unverified }) => unverified > 0);
  if (failing !== undefined)
    return `connector ${failing.name} has not put in force what it was told: ${failing.unverified}`;
  const resting = places.find(({ breaker }) => breaker !== 'closed');
  return resting === undefined ? null : `connector ${resting.name} is left alone for a while: it did not answer`;
}

function missedOf({ stages, rounds }: DrillResult): string {
  const missed = stages.filter((one) => one.missed > 0);
  return missed.map((one) => `${one.stage} was missed in ${one.missed} of ${rounds}`).join(', ');
}
