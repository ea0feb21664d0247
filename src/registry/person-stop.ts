/** What a person does to an agent: a stop, and a release. Neither asks the brakes. */
import { mayStop } from './drill.js';
import { admit } from './enrolment.js';
import { type FoldState, rememberKey } from './fold-state.js';
import { NONE } from './inventory.js';
import { conflict, duplicate, type Judgement, refuse } from './judgement.js';
import type { RegistryRecord } from './registry.js';
import { createRestriction, endOf } from './restriction.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** A person's stop replaces what is in force, weaker or stronger; only a revocation is not a person's to weaken. */
export function judgeStop(state: FoldState, record: Of<'stop'>): Judgement {
  const { tenant, agent, action, reason, forMs, callsPerMinute } = record;
  const known = state.inventory.get(tenant, agent);
  if (!mayStop(record.actor, known)) return refuse('registry.refused', `${record.actor} may not stop an agent`, known);
  if (known?.entry.status === 'revoked' && action !== 'revoke') {
    return refuse('registry.refused', `${agent} is revoked: an admin releases it first`, known);
  }
  if (!rememberKey(state, keyOf(record))) return duplicate(known);
  const held = known ?? admit(state, tenant, agent, null);
  const untilMs = endOf(action, forMs, state.clockMs);
  const restriction = createRestriction(agent, { action, untilMs, callsPerMinute, reason, automatic: false });
  state.inventory.restrict(held, [restriction], state.clockMs);
  state.recommended.answer(tenant, agent);
  state.skipped.answer(tenant, agent);
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}

/** Lifts what is in force, and answers what waits for a person. */
export function judgeRelease(state: FoldState, record: Of<'release'>): Judgement {
  const { tenant, agent, ifVersion, role } = record;
  const held = state.inventory.get(tenant, agent);
  if (!mayStop(record.actor, held)) return refuse('registry.refused', `${record.actor} may not release an agent`, held);
  if (state.keys.has(keyOf(record))) return duplicate(held);
  if (typeof ifVersion === 'number' && ifVersion !== (held?.entry.version ?? 0)) return conflict(held, ifVersion);
  if (held?.entry.status === 'revoked' && role !== 'admin') {
    return refuse('registry.refused', `${agent} is revoked: only an admin releases it`, held);
  }
  const recommended = state.recommended.answer(tenant, agent);
  const skipped = state.skipped.answer(tenant, agent);
  if (held === undefined && !recommended && !skipped) {
    return refuse('registry.unknown-agent', `${agent} is not known`, undefined);
  }
  if ((held === undefined || held.restrictions.length === 0) && !recommended && !skipped) {
    return refuse('registry.refused', `${agent} is under no restriction`, held);
  }
  rememberKey(state, keyOf(record));
  if (held !== undefined && held.restrictions.length > 0) {
    held.endedMs = state.clockMs;
    state.inventory.restrict(held, NONE, state.clockMs);
  }
  return { effect: 'applied', reason: null, code: null, entry: held?.entry ?? null };
}

/** A record's key, per agent: one incident's key may stop several of them. */
export function keyOf({ type, key, tenant, agent }: Of<'stop' | 'release'>): string {
  return JSON.stringify([type, key, tenant, agent]);
}
