/** What was done about one finding, as the registry knows it now: its proposal, what is in force, and whether it works. */
import type { Finding } from '../decide/finding.js';
import type { Effect } from '../registry/registry.js';
import type { TimelineEntry } from '../triage/triage.js';
import type { RegistryPort } from './contract.js';
import type { DoneAnswer, OUTCOMES, PROOFS } from './triage-schema.js';
import { proposalView } from './view.js';

type Outcome = (typeof OUTCOMES)[number];
type Proof = (typeof PROOFS)[number];

/** States of an effect that are no longer waited for, and do not prove it. */
const UNPROVED: readonly string[] = ['unobserved', 'contradicted', 'failed', 'dead'];

export function outcomeOf(
  registry: RegistryPort,
  { id, tenant, root }: Finding,
  timeline: readonly TimelineEntry[],
): DoneAnswer {
  const entry = registry.entry(tenant, root);
  const isInForce = entry !== null && entry.status !== 'active';
  const effects = isInForce ? registry.effects(tenant, root) : [];
  const recommendation = registry.recommendations().find(({ finding }) => finding === id) ?? null;
  const heldBack = registry.brakes().skipped.find(({ finding }) => finding === id) ?? null;
  const stop = timeline.findLast(({ what, finding }) => what === 'stopped' && finding === id) ?? null;
  const isLifted =
    stop !== null && timeline.lastIndexOf(stop) < timeline.findLastIndex(({ what }) => what === 'released');
  const stopped: Outcome = isInForce && !isLifted ? 'in-force' : 'over';
  const waiting: Outcome = recommendation !== null ? 'waiting' : heldBack !== null ? 'held-back' : 'none';
  return {
    outcome: stop === null ? waiting : stopped,
    stopped_ms: stop?.timeMs ?? null,
    status: entry?.status ?? 'unknown',
    until_ms: entry?.untilMs ?? null,
    calls_per_minute: entry?.callsPerMinute ?? null,
    reason: entry?.reason ?? null,
    proof: isInForce ? proofOf(effects) : 'none',
    effects: effects.map(({ place, state, reason, timeMs }) => ({ place, state, reason, time_ms: timeMs })),
    recommendation: recommendation === null ? null : proposalView(recommendation),
    held_back: heldBack === null ? null : proposalView(heldBack),
    approvals: registry
      .approvals()
      .filter((one) => one.state === 'open' && one.tenant === tenant && one.agent === root)
      .map((one) => one.id),
  };
}

/** One place that does not hold it is enough for it not to work. */
function proofOf(effects: readonly Effect[]): Proof {
  if (effects.some(({ state }) => UNPROVED.includes(state))) return 'unverified';
  return effects.length > 0 && effects.every(({ state }) => state === 'confirmed') ? 'verified' : 'pending';
}
