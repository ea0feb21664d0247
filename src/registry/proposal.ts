/**
 * Judges one proposal of an engine. The order of the checks is part of the registry's form: a zombie is told so before
 * its key is remembered, so that the same proposal by the rightful owner still counts.
 */
import type { Proposal } from '../decide/finding.js';
import { twoPeople } from './approvals.js';
import { type Block, blockOf, cohortKey, cohortNames, type Level, levelOf, withSkip, withStop } from './brake.js';
import { brakesOf, type FoldState, rememberKey } from './fold-state.js';
import { createHeld, type Held, isProtected } from './inventory.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import { milder, modeOf } from './ladder.js';
import { createRestriction, endOf, type Restriction, rankOf, strongest, withRestriction } from './restriction.js';

const SECOND_MS = 1_000;
const FLEET = 'fleet';
/** Part of a restriction's length that must be won by prolonging it: the second finding of one moment wins nothing. */
const PROLONG_MIN = 0.25;

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
  // What two people do is never done by a rule; it is recommended to the first of them.
  const most = proposal.action === 'revoke' && twoPeople(state) ? 'recommend' : proposal.mode;
  const mode = milder(most, modeOf(state));
  const longer = mode === 'enforce' ? prolongable(state, proposal, known) : undefined;
  const objection = objectionOf(state, proposal, known, longer);
  if (longer !== undefined && known !== undefined && objection === null) return prolong(state, proposal, known, longer);
  const braked = objection === null && !proposal.hardBudget ? brakeOf(state, proposal) : null;
  switch (mode) {
    case 'observe':
      return note('observed', foresee(proposal, objection ?? (braked === null ? null : wordsOf(state, braked))), known);
    case 'recommend':
      // What an engine may not do, a person may; only what is done already needs nobody's answer.
      if (objection !== null && isAlready(known, proposal)) return refuse('registry.refused', objection, known);
      state.recommended.add(proposal, state.clockMs);
      return note('recommended', `recommended: ${wish(proposal)}`, known);
    case 'enforce':
      if (objection !== null) return refuse('registry.refused', objection, known);
      if (braked === null) return enforce(state, proposal, known);
      return skip(state, proposal, braked, known);
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

/** What stands against it but the brakes; null: nothing. `longer`: the restriction that it would only prolong. */
function objectionOf(
  state: FoldState,
  proposal: Proposal,
  held: Held | undefined,
  longer: Restriction | undefined,
): string | null {
  const { agent } = proposal;
  if (isProtected(state.policy, agent, held?.entry)) return `${agent} is protected: only a person stops it`;
  if (held === undefined || longer !== undefined) return null;
  if (isAlready(held, proposal)) return `${agent} is ${held.entry.status} already`;
  if (held.endedMs === null || isWorse(state, proposal, held)) return null;
  const cooldownEndMs = held.endedMs + brakesOf(state).cooldownMs;
  if (state.clockMs >= cooldownEndMs) return null;
  return `${agent} cools down for ${Math.ceil((cooldownEndMs - state.clockMs) / SECOND_MS)} s more`;
}

/** So much worse than what it was last stopped for that it need not cool down. */
function isWorse(state: FoldState, { measured }: Proposal, { measured: before }: Held): boolean {
  const { hysteresis } = brakesOf(state);
  if (hysteresis === undefined || measured === undefined || before?.feature !== measured.feature) return false;
  return measured.observed >= hysteresis * before.observed && measured.observed > before.observed;
}

/** The automatic restriction that the proposal would make last longer; what a person made is a person's to prolong. */
function prolongable(state: FoldState, proposal: Proposal, held: Held | undefined): Restriction | undefined {
  const now = strongest(held?.restrictions ?? []);
  if (now === undefined || !now.automatic || now.action !== proposal.action || now.untilMs === null) return undefined;
  const untilMs = endOf(proposal.action, proposal.forMs, state.clockMs);
  if (untilMs === null) return now;
  return untilMs - now.untilMs >= (proposal.forMs ?? 0) * PROLONG_MIN ? now : undefined;
}

/** The same restriction, to a later end; a throttle gets no wider. It stops nobody new, so the brakes do not count it. */
function prolong(state: FoldState, proposal: Proposal, held: Held, before: Restriction): Judgement {
  const { agent, action, forMs, reason } = proposal;
  const untilMs = endOf(action, forMs, state.clockMs);
  const rates = [before.callsPerMinute, proposal.callsPerMinute].filter((rate) => rate !== null);
  const callsPerMinute = rates.length === 0 ? null : Math.min(...rates);
  const restriction = createRestriction(agent, { action, untilMs, callsPerMinute, reason, automatic: true });
  state.inventory.restrict(held, withRestriction(held.restrictions, restriction), state.clockMs, true);
  noteMeasure(held, proposal);
  const until = untilMs === null ? 'until released' : `until ${new Date(untilMs).toISOString()}`;
  return { effect: 'applied', reason: `prolonged: ${action} ${agent} ${until}`, code: null, entry: held.entry };
}

function noteMeasure(held: Held, { measured }: Proposal): void {
  held.measured = measured === undefined ? null : { feature: measured.feature, observed: measured.observed };
}

/** The role whose brakes count a proposal, as cohortKey says it. */
export function cohortOf(state: FoldState, { tenant, agent }: Pick<Proposal, 'tenant' | 'agent'>): string | null {
  return cohortKey(tenant, state.inventory.get(tenant, agent)?.entry.role ?? null);
}

function askedOf(state: FoldState, proposal: Proposal) {
  return { level: levelOf(proposal.severity), cohort: cohortOf(state, proposal) };
}

function brakeOf(state: FoldState, proposal: Proposal): Block | null {
  return blockOf(state.brake, brakesOf(state), askedOf(state, proposal), state.clockMs);
}

const BELOW: readonly (readonly [Level, string])[] = [
  [0, ' for findings of medium severity and below'],
  [1, ' for findings of high severity and below'],
];

function wordsOf(state: FoldState, { cohort, level, limit, max }: Block): string {
  const { intervalMs } = brakesOf(state);
  const whose = cohort === null ? '' : ` for the role ${cohortNames(cohort).role}`;
  const which = BELOW.find(([at]) => at === level)?.[1] ?? '';
  const many = limit === max ? `at most ${max}` : `they may use ${limit} of ${max}`;
  return `the breaker is open${whose}${which}: ${many} automatic stops in ${intervalMs / SECOND_MS} s`;
}

function skip(state: FoldState, proposal: Proposal, braked: Block, known: Held | undefined): Judgement {
  const isNew = state.skipped.add(proposal, state.clockMs);
  state.brake = withSkip(state.brake, brakesOf(state), braked, proposal, state.clockMs, isNew ? 1 : 0);
  return refuse('registry.refused', wordsOf(state, braked), known);
}

function enforce(state: FoldState, proposal: Proposal, known: Held | undefined): Judgement {
  const { tenant, agent, action, forMs, callsPerMinute, reason, hardBudget } = proposal;
  const held = known ?? createHeld(tenant, agent, null, state.clockMs);
  if (known === undefined) state.inventory.put(held);
  const untilMs = endOf(action, forMs, state.clockMs);
  const restriction = createRestriction(agent, { action, untilMs, callsPerMinute, reason, automatic: true });
  state.inventory.restrict(held, withRestriction(held.restrictions, restriction), state.clockMs);
  noteMeasure(held, proposal);
  if (!hardBudget) state.brake = withStop(state.brake, brakesOf(state), askedOf(state, proposal), state.clockMs);
  state.recommended.answer(tenant, agent);
  state.skipped.answer(tenant, agent);
  return { effect: 'applied', reason: null, code: null, entry: held.entry };
}
