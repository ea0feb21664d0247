/**
 * Judges one proposal of an engine. The order of the checks is part of the registry's form: a zombie is told so before
 * its key is remembered, so that the same proposal by the rightful owner still counts.
 */
import type { Proposal } from '../decide/finding.js';
import { twoPeople } from './approvals.js';
import { stopsLeft, withSkip, withStop } from './brake.js';
import { brakesOf, type FoldState, rememberKey } from './fold-state.js';
import { createHeld, type Held, isProtected } from './inventory.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import { milder, modeOf } from './ladder.js';
import { createRestriction, endOf, rankOf, strongest, withRestriction } from './restriction.js';

const SECOND_MS = 1_000;
const FLEET = 'fleet';

/**
 * Judges and, where nothing stands against it, puts it in force. A stop is never refused for want of room in the
 * inventory: a flood of names must not shield an agent.
 */
export function judgeProposal(state: FoldState, proposal: Proposal): Judgement {
  const stale = staleEpoch(state, proposal);
  const known = state.inventory.get(proposal.tenant, proposal.agent);
  if (stale !== null) return refuse('registry.refused', stale, known);
  if (!rememberKey(state, `proposal:${proposal.key}`)) return duplicate(known);
  if (proposal.agent === FLEET) return refuse('registry.refused', 'a fleet finding names no agent to stop', undefined);
  const objection = objectionOf(state, proposal, known);
  const braked = objection === null && !proposal.hardBudget ? brakeOf(state) : null;
  // What two people do is never done by a rule; it is recommended to the first of them.
  const most = proposal.action === 'revoke' && twoPeople(state) ? 'recommend' : proposal.mode;
  switch (milder(most, modeOf(state))) {
    case 'observe':
      return note('observed', foresee(proposal, objection ?? braked), known);
    case 'recommend':
      // What an engine may not do, a person may; only what is done already needs nobody's answer.
      if (objection !== null && isAlready(known, proposal)) return refuse('registry.refused', objection, known);
      state.recommended.add(proposal, state.clockMs);
      return note('recommended', `recommended: ${wish(proposal)}`, known);
    case 'enforce':
      if (objection !== null) return refuse('registry.refused', objection, known);
      if (braked === null) return enforce(state, proposal, known);
      state.skipped.add(proposal, state.clockMs);
      state.brake = withSkip(state.brake, brakesOf(state), state.clockMs);
      return refuse('registry.refused', braked, known);
  }
}

function note(effect: 'observed' | 'recommended', reason: string, held: Held | undefined): Judgement {
  return { effect, reason, code: null, entry: held?.entry ?? null };
}

/** What enforcing would have come to. */
function foresee(proposal: Proposal, against: string | null): string {
  return against === null ? `would have been done: ${wish(proposal)}` : `would have been refused: ${against}`;
}

/** Learns the partition's epoch; says why an older owner's proposal is void. */
function staleEpoch(state: FoldState, { partition, epoch }: Proposal): string | null {
  const seen = state.epochs.get(partition);
  if (seen !== undefined && epoch < seen) return `epoch ${epoch} of partition ${partition} is over: ${seen} owns it`;
  state.epochs.set(partition, epoch);
  return null;
}

function wish(proposal: Proposal): string {
  const { action, forMs } = proposal;
  const length = forMs === null || action === 'revoke' ? 'until released' : `for ${Math.round(forMs / SECOND_MS)} s`;
  return `${action} ${proposal.agent} ${length}`;
}

/** An engine never weakens or repeats what is in force. */
function isAlready(held: Held | undefined, proposal: Proposal): boolean {
  const now = strongest(held?.restrictions ?? []);
  return now !== undefined && rankOf(now.action) >= rankOf(proposal.action);
}

/** What stands against it but the brakes; null: nothing. */
function objectionOf(state: FoldState, proposal: Proposal, held: Held | undefined): string | null {
  const { agent } = proposal;
  if (isProtected(state.policy, agent, held?.entry)) return `${agent} is protected: only a person stops it`;
  if (held === undefined) return null;
  if (isAlready(held, proposal)) return `${agent} is ${held.entry.status} already`;
  if (held.endedMs === null) return null;
  const cooldownEndMs = held.endedMs + brakesOf(state).cooldownMs;
  if (state.clockMs >= cooldownEndMs) return null;
  return `${agent} cools down for ${Math.ceil((cooldownEndMs - state.clockMs) / SECOND_MS)} s more`;
}

function brakeOf(state: FoldState): string | null {
  const brakes = brakesOf(state);
  if (stopsLeft(state.brake, brakes, state.clockMs) > 0) return null;
  return `the breaker is open: at most ${brakes.stopsMax} automatic stops in ${brakes.intervalMs / SECOND_MS} s`;
}

function enforce(state: FoldState, proposal: Proposal, known: Held | undefined): Judgement {
  const { tenant, agent, action, forMs, callsPerMinute, reason, hardBudget } = proposal;
  const held = known ?? createHeld(tenant, agent, null, state.clockMs);
  if (known === undefined) state.inventory.put(held);
  const untilMs = endOf(action, forMs, state.clockMs);
  const restriction = createRestriction(agent, { action, untilMs, callsPerMinute, reason, automatic: true });
  state.inventory.restrict(held, withRestriction(held.restrictions, restriction), state.clockMs);
  if (!hardBudget) state.brake = withStop(state.brake, brakesOf(state), state.clockMs);
  state.recommended.answer(tenant, agent);
  state.skipped.answer(tenant, agent);
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}
