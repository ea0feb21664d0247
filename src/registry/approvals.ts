/**
 * Judges requests for a person's leave and the answers to them. A call that the policy lets pass with leave only waits
 * for one person; a revocation waits for a second one, who is not the one that asked. Whatever nobody answers lapses, and
 * so does leave that nobody used. An agent, an engine or a gateway never answers.
 */
import { hash64, hex64 } from '../math/hash.js';
import { isSamePerson } from './actor.js';
import { type Approval, type ApprovalState, REVOKE_FOR_MS } from './approval.js';
import type { FoldState } from './fold-state.js';
import { rememberKey } from './fold-state.js';
import { createHeld, type Held } from './inventory.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { Question, RegistryRecord } from './registry.js';
import { createRestriction } from './restriction.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Requests remembered, whatever became of them. */
export const APPROVALS_MAX = 1_000;
/** Of one agent that wait: a flood of questions must not hide somebody else's. */
export const OPEN_PER_AGENT_MAX = 20;

/** Whether a revocation takes two people; so it does before the first policy. */
export function twoPeople({ policy }: FoldState): boolean {
  return (policy?.twoPeople ?? ['revoke']).includes('revoke');
}

/** The same call under the same rule always asks under the same id, so that asking again asks once. */
export function callId(tenant: string, agent: string, rule: string, question: Question): string {
  const { operation = null, endpoint = null, target = null } = question;
  return `a-${digest([tenant, agent, rule, operation, endpoint, target])}`;
}

function digest(parts: readonly (string | null)[]): string {
  const words = new Uint32Array(2);
  hash64(JSON.stringify(parts), 0, words);
  return hex64(words[0], words[1]);
}

/** Whether an approval is about this very call: its id alone could be made to collide. */
export function isForCall(approval: Approval, tenant: string, agent: string, rule: string, asked: Question): boolean {
  const { subject } = approval;
  if (approval.tenant !== tenant || approval.agent !== agent || subject.kind !== 'call') return false;
  const { operation = null, endpoint = null, target = null } = asked;
  const isSame = subject.operation === operation && subject.endpoint === endpoint && subject.target === target;
  return isSame && subject.rule === rule;
}

/** A revocation asked for by one person; null: one is enough. */
export function judgeRevoke(state: FoldState, record: Of<'stop'>, key: string): Judgement | null {
  const { tenant, agent, reason, actor } = record;
  if (record.action !== 'revoke' || !actor.startsWith('person:') || !twoPeople(state)) return null;
  const held = state.inventory.get(tenant, agent);
  if (held?.entry.status === 'revoked') return refuse('registry.refused', `${agent} is revoked already`, held);
  const waiting = [...state.approvals.values()].find(
    (one) => one.state === 'open' && one.subject.kind === 'revoke' && one.tenant === tenant && one.agent === agent,
  );
  if (waiting !== undefined)
    return { ...waits(waiting, held), effect: state.keys.has(key) ? 'duplicate' : 'recommended' };
  if (!rememberKey(state, key)) return duplicate(held);
  const id = `r-${digest([key, String(state.clockMs)])}`;
  const subject = { kind: 'revoke', reason } as const;
  const asked = open(state, { id, tenant, agent, subject, forMs: REVOKE_FOR_MS, actor }, record.authority);
  return asked === null ? tooMany(held) : waits(asked, held);
}

function waits({ id, agent, askedBy }: Approval, held: Held | undefined): Judgement {
  const reason = `${askedBy} asks to revoke ${agent}: a second person is needed, who approves ${id}`;
  return { effect: 'recommended', reason, code: null, entry: held?.entry ?? null, approval: id };
}

function tooMany(held: Held | undefined): Judgement {
  return refuse('registry.refused', 'too many requests wait for people: answer some of them first', held);
}

/** Takes a request in; only deciding asks for calls. */
export function judgeRequest(state: FoldState, record: Of<'approval-request'>): Judgement {
  const { id, tenant, agent, subject, actor } = record;
  const held = state.inventory.get(tenant, agent);
  if (subject.kind !== 'call' || actor !== 'system') {
    return refuse('registry.refused', 'a revocation is asked for by a stop, a call by deciding', held);
  }
  const known = state.approvals.get(id);
  // What was rejected stays so until its time is over: asking again must not wear people down.
  const isClosed = known === undefined || known.state === 'used' || known.state === 'lapsed';
  if (!isClosed) return { ...duplicate(held), approval: id };
  state.approvals.delete(id);
  if (open(state, record) === null) return tooMany(held);
  return { effect: 'applied', reason: null, code: null, entry: held?.entry ?? null, approval: id };
}

type Asked = Pick<Of<'approval-request'>, 'id' | 'tenant' | 'agent' | 'subject' | 'forMs' | 'actor'>;

function open(state: FoldState, wish: Asked, askedAs?: string): Approval | null {
  const { id, tenant, agent, subject, forMs, actor } = wish;
  const { approvals, clockMs } = state;
  let ofAgent = 0;
  for (const one of approvals.values())
    if (isPending(one) && one.tenant === tenant && one.agent === agent) ofAgent += 1;
  if (ofAgent >= OPEN_PER_AGENT_MAX || (approvals.size >= APPROVALS_MAX && !forgetOldest(approvals))) return null;
  const approval: Approval = {
    ...{ id, tenant, agent, subject, state: 'open', askedBy: actor, askedMs: clockMs, forMs },
    ...(askedAs === undefined ? {} : { askedAs }),
    ...{ untilMs: clockMs + forMs, answeredBy: null, answeredMs: null, comment: null, usesLeft: 0 },
  };
  approvals.set(id, approval);
  return approval;
}

/** Makes room by forgetting what is over. False: all of it waits. */
function forgetOldest(approvals: Map<string, Approval>): boolean {
  for (const one of approvals.values()) if (!isPending(one)) return approvals.delete(one.id);
  return false;
}

function isPending({ state }: Approval): boolean {
  return state === 'open' || state === 'approved';
}

/** A person's answer. */
export function judgeAnswer(state: FoldState, record: Of<'approval-answer'>): Judgement {
  const { id, answer, actor, comment } = record;
  const asked = state.approvals.get(id);
  const no = (reason: string) => refuse('registry.refused', reason, undefined);
  if (!actor.startsWith('person:')) return no(`${actor} may not answer for a person`);
  if (asked === undefined) return no(`nothing with the id ${id} waits for an answer`);
  const held = state.inventory.get(asked.tenant, asked.agent);
  if (asked.state !== 'open') {
    const isSame = asked.answeredBy === actor && (answer === 'approve') === (asked.state !== 'rejected');
    return isSame ? duplicate(held) : no(`${id} is ${asked.state} already`);
  }
  const asker = { actor: asked.askedBy, authority: asked.askedAs ?? null };
  const isOwn =
    isSamePerson(asker, record) || isSamePerson({ actor: `person:${asked.agent}`, authority: null }, record);
  if (answer === 'approve' && isOwn) {
    return no(`${actor} asked for it: another person approves`);
  }
  close(state, asked, answer === 'approve' ? 'approved' : 'rejected', actor, comment);
  // Nothing of the agent itself changes by leave for a call, nor by a refusal.
  if (answer === 'reject' || asked.subject.kind === 'call') return applied(undefined);
  return applied(revoke(state, asked, asked.subject.reason, actor));
}

function applied(held: Held | undefined): Judgement {
  return { effect: 'applied', reason: null, code: null, entry: held?.entry ?? null };
}

function close(state: FoldState, asked: Approval, to: ApprovalState, actor: string, comment: string | null): void {
  const { clockMs } = state;
  const isCall = asked.subject.kind === 'call';
  const isLeave = to === 'approved' && isCall;
  state.approvals.set(asked.id, {
    ...asked,
    ...{ state: to === 'approved' && !isCall ? 'used' : to, answeredBy: actor, answeredMs: clockMs, comment },
    untilMs: isLeave ? clockMs + asked.forMs : asked.untilMs,
    usesLeft: isLeave ? usesOf(state, asked) : 0,
  });
}

/** As the policy has it when the answer is given; 1 where the rule is gone. */
function usesOf({ policy }: FoldState, { subject }: Approval): number {
  if (subject.kind !== 'call') return 0;
  for (const { name, approvals } of policy?.permissions ?? []) {
    for (const rule of approvals) if (subject.rule === `${name}/${rule.name}`) return rule.uses;
  }
  return 1;
}

function revoke(state: FoldState, asked: Approval, why: string, actor: string): Held {
  const { tenant, agent, askedBy } = asked;
  let held = state.inventory.get(tenant, agent);
  if (held === undefined) {
    held = createHeld(tenant, agent, null, state.clockMs);
    state.inventory.put(held);
  }
  const reason = `${why} (asked by ${askedBy}, approved by ${actor})`;
  const fields = { action: 'revoke', untilMs: null, callsPerMinute: null, reason, automatic: false } as const;
  state.inventory.restrict(held, [createRestriction(agent, fields)], state.clockMs);
  state.recommended.answer(tenant, agent);
  state.skipped.answer(tenant, agent);
  return held;
}

/** Calls that an approval let pass, as one process counted them. */
export function judgeUse(state: FoldState, { id, count }: Of<'approval-use'>): Judgement {
  const known = state.approvals.get(id);
  if (known?.state !== 'approved') return { effect: 'none', reason: 'no such leave', code: null, entry: null };
  const usesLeft = Math.max(0, known.usesLeft - count);
  state.approvals.set(id, { ...known, usesLeft, state: usesLeft === 0 ? 'used' : 'approved' });
  return applied(undefined);
}

/** Ends what nobody answered or used in time. */
export function lapseApprovals({ approvals, clockMs }: FoldState): void {
  for (const one of approvals.values()) {
    if (isLasting(one) && clockMs >= one.untilMs) approvals.set(one.id, { ...one, state: 'lapsed' });
  }
}

/** When the next of them ends, ms; Infinity: nothing waits. */
export function nextApprovalMs({ approvals }: FoldState): number {
  let next = Number.POSITIVE_INFINITY;
  for (const one of approvals.values()) if (isLasting(one)) next = Math.min(next, one.untilMs);
  return next;
}

function isLasting({ state }: Approval): boolean {
  return state === 'open' || state === 'approved' || state === 'rejected';
}
