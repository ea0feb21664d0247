/**
 * What follows when somebody who answers for agents leaves. The feed says that it happened, the policy what becomes of
 * the agents: it is done once for each leaving, so that an agent which a person released stays released, however often
 * the feed comes. Nobody may be given an agent after having left.
 */
import type { OnLeave } from '../decide/policy.js';
import type { FoldState } from './fold-state.js';
import { type Held, isProtected } from './inventory.js';
import { type Judgement, refuse } from './judgement.js';
import type { Leaver, RegistryEntry, RegistryRecord, SponsorPlan, SponsorStep } from './registry.js';
import { createRestriction, withRestriction } from './restriction.js';

type Word = Pick<Extract<RegistryRecord, { type: 'sponsor' }>, 'owner' | 'state' | 'successor'>;

/** People remembered as gone. */
export const LEAVERS_MAX = 10_000;

const DUPLICATE: SponsorPlan = { effect: 'duplicate', reason: 'known already', steps: [] };

/** What the fold would make of a word of the feed; changes nothing. */
export function planSponsor(state: FoldState, { owner, state: word, successor }: Word): SponsorPlan {
  const known = state.leavers.get(owner);
  if (word === 'returned') {
    return known === undefined ? DUPLICATE : { effect: 'applied', reason: null, steps: [] };
  }
  if (owner === successor) return refused(`${owner} cannot succeed themselves`);
  if (known === undefined && state.leavers.size >= LEAVERS_MAX) {
    return refused(`${LEAVERS_MAX} people are known to have left, which is the most`);
  }
  const steps = stepsOf(state, owner, successor, known);
  const isNews = known === undefined || known.successor !== successor;
  if (!isNews && steps.every(({ follows }) => follows === 'keep')) return DUPLICATE;
  if (steps.some(({ follows }) => follows === 'suspend') && state.policy?.mode !== 'enforce') {
    const reason = `the policy does not enforce: ${steps.length} agents are left as they are`;
    return isNews ? { effect: 'observed', reason, steps } : DUPLICATE;
  }
  return { effect: 'applied', reason: null, steps };
}

/** Takes a word of the feed in. */
export function judgeSponsor(state: FoldState, record: Extract<RegistryRecord, { type: 'sponsor' }>): Judgement {
  const { owner, successor, actor } = record;
  if (!actor.startsWith('person:') && actor !== 'system') {
    return refuse('registry.refused', 'only a person says who left', undefined);
  }
  const { effect, reason, steps } = planSponsor(state, record);
  if (effect === 'refused') return refuse('registry.refused', reason ?? '', undefined);
  if (effect === 'duplicate') return { effect, reason, code: null, entry: null };
  if (record.state === 'returned') {
    state.leavers.delete(owner);
    return { effect, reason, code: null, entry: null };
  }
  const sinceMs = state.leavers.get(owner)?.sinceMs ?? state.clockMs;
  const isDone = effect === 'applied' && steps.some(({ follows }) => follows !== 'keep');
  state.leavers.set(owner, { successor, sinceMs, isDone: isDone || (state.leavers.get(owner)?.isDone ?? false) });
  const changed = effect === 'applied' ? steps.flatMap((step) => carryOut(state, step)) : [];
  return { effect, reason, code: null, entry: null, ...(changed.length === 0 ? {} : { changed }) };
}

/** A refusal where a registration names an owner who has left; null: nothing stands against it. */
export function goneOwner(
  { leavers }: FoldState,
  owner: string | null | undefined,
  held: Held | undefined,
): Judgement | null {
  if (typeof owner !== 'string' || owner === held?.entry.owner || !leavers.has(owner)) return null;
  return refuse('registry.refused', `${owner} has left: name another owner`, held);
}

function refused(reason: string): SponsorPlan {
  return { effect: 'refused', reason, steps: [] };
}

/** Who left too cannot take anything over. */
function heirOf({ leavers }: FoldState, successor: string | null): string | null {
  return successor === null || leavers.has(successor) ? null : successor;
}

function stepsOf(state: FoldState, owner: string, successor: string | null, known: Leaver | undefined): SponsorStep[] {
  const onLeave = state.policy?.sponsors?.onLeave ?? 'nothing';
  const heir = heirOf(state, successor);
  // Done once; but a successor who is named later still takes over what was left without one.
  const isLate = onLeave === 'reassign' && heir !== null && known?.successor !== successor;
  if (onLeave === 'nothing' || (known?.isDone === true && !isLate)) return [];
  const steps: SponsorStep[] = [];
  for (const { entry } of state.inventory.all()) {
    if (entry.owner === owner) steps.push(stepOf(state, entry, heir, onLeave));
  }
  return steps;
}

function stepOf(state: FoldState, entry: RegistryEntry, heir: string | null, onLeave: OnLeave): SponsorStep {
  const { owner } = entry;
  const isSafe = isProtected(state.policy, entry.agent, entry);
  if (heir !== null && (onLeave === 'reassign' || isSafe)) {
    return { entry, follows: 'reassign', owner: heir, reason: `its owner ${owner} has left: ${heir} takes it over` };
  }
  const reason = `its owner ${owner} has left`;
  if (isSafe) return { entry, follows: 'keep', owner, reason: `${reason}, and it is protected: name another owner` };
  if (entry.status === 'revoked' || (entry.status === 'suspended' && entry.untilMs === null)) {
    return { entry, follows: 'keep', owner, reason: `${reason}, and it is ${entry.status} already` };
  }
  return { entry, follows: 'suspend', owner, reason };
}

function carryOut(state: FoldState, { entry, follows, owner, reason }: SponsorStep): RegistryEntry[] {
  const held = state.inventory.get(entry.tenant, entry.agent);
  if (held === undefined || follows === 'keep') return [];
  if (follows === 'reassign') {
    held.entry = { ...held.entry, owner, version: held.entry.version + 1, lastChangeMs: state.clockMs };
  } else {
    // Until a person releases it: time alone brings no owner back. Automatic: it spares protected sub-agents.
    const fields = { action: 'suspend', untilMs: null, callsPerMinute: null, reason, automatic: true } as const;
    const restriction = createRestriction(entry.agent, fields);
    state.inventory.restrict(held, withRestriction(held.restrictions, restriction), state.clockMs);
    state.recommended.answer(entry.tenant, entry.agent);
    state.skipped.answer(entry.tenant, entry.agent);
  }
  return [held.entry];
}
