/**
 * The inline decision: may this agent make this call now? From memory alone and without I/O; a call that is allowed
 * allocates nothing. What a caller passes as `nowMs` only ends restrictions, fills throttles and reads opening hours; it
 * never makes a restriction.
 */
import type { Policy } from '../decide/policy.js';
import type { Desk } from './desk.js';
import { type Held, isProtected } from './inventory.js';
import { modeOf } from './ladder.js';
import { type ApprovalLimit, beyondText, isBeyond, type Limit } from './limit.js';
import type { Decision, Denial, Question } from './registry.js';
import { inForce, isStop, type Restriction, rankOf } from './restriction.js';
import type { Standing } from './standing.js';
import { createBucket, takeCall } from './throttle.js';

const answer = (denial: Denial | null, status: Decision['status'], reason: string): Decision =>
  Object.freeze({ allow: denial === null, status, reason, retryAfterMs: null, denial });

const ACTIVE = answer(null, 'active', 'no restriction in force');
const UNKNOWN = answer(null, 'unknown', 'never seen and not registered; such agents are allowed');
const UNREGISTERED = answer('unregistered', 'unknown', 'not registered; the policy refuses such agents');
const NOTHING_ASKED: Question = Object.freeze({});

/** Decides one call; the desk learns what the log is to be told of it. */
export function decideCall(
  desk: Desk,
  tenant: string,
  agent: string,
  nowMs: number,
  question: Question = NOTHING_ASKED,
): Decision {
  const { inventory, policy } = desk.state;
  const standing = desk.standings.of(tenant, agent, question.parent ?? null);
  const enforces = modeOf(desk.state) === 'enforce';
  if (policy?.unregistered === 'deny' && !standing.isRegistered) {
    note(desk, standing, tenant, question, 'unregistered', enforces, null);
    if (enforces) return UNREGISTERED;
  }
  const { line } = standing;
  const agents = inventory.of(tenant);
  const worst = inventory.restricted.size === 0 ? null : worstOf(line, policy, agent, nowMs, agents);
  if (worst !== null && isStop(worst.action)) return refuseStopped(desk, line, worst);
  // A throttle beneath a stronger restriction still counts its calls: escalating must not speed an agent up.
  const slowed = worst === null ? null : slow(line, policy, agent, nowMs, agents);
  if (slowed !== null) return slowed;
  const allowed = worst?.decision ?? (line.length === 0 ? UNKNOWN : ACTIVE);
  if (worst !== null && isUnder('restrict', line, policy, agent, nowMs, agents)) {
    const refusal = judge(desk, standing, tenant, question, nowMs, standing.limitsRestricted(), true, allowed);
    if (refusal !== null) return refusal;
  }
  if (isSilent(question)) return allowed;
  const limits = standing.limits(worst !== null && isUnder('lower-trust', line, policy, agent, nowMs, agents));
  return judge(desk, standing, tenant, question, nowMs, limits, enforces, allowed) ?? allowed;
}

/** A caller that says nothing of the call asks about the agent alone. */
function isSilent({ operation, endpoint, target, dataClass }: Question): boolean {
  return operation == null && endpoint == null && target == null && dataClass == null;
}

type Agents = ReadonlyMap<string, Held> | undefined;

/** Whether a restriction of one in the line holds the acting agent: an engine's does not hold who is protected. */
function holds(restriction: Restriction, of: Held, policy: Policy | null, agent: string, agents: Agents): boolean {
  if (!restriction.automatic || of.entry.agent === agent) return true;
  return !isProtected(policy, agent, agents?.get(agent)?.entry);
}

function worstOf(
  line: readonly Held[],
  policy: Policy | null,
  agent: string,
  nowMs: number,
  agents: Agents,
): Restriction | null {
  let worst: Restriction | null = null;
  for (const held of line) {
    for (const restriction of held.restrictions) {
      if (!inForce(restriction, nowMs) || !holds(restriction, held, policy, agent, agents)) continue;
      if (worst === null || rankOf(restriction.action) > rankOf(worst.action)) worst = restriction;
    }
  }
  return worst;
}

function refuseStopped(desk: Desk, line: readonly Held[], worst: Restriction): Decision {
  for (const held of line) {
    if (!held.restrictions.includes(worst)) continue;
    held.refused += 1;
    desk.refused.add(held);
    break;
  }
  return worst.decision;
}

/** Takes a call out of every throttle in the line; the first that is empty refuses it. */
function slow(
  line: readonly Held[],
  policy: Policy | null,
  agent: string,
  nowMs: number,
  agents: Agents,
): Decision | null {
  for (const held of line) {
    for (const restriction of held.restrictions) {
      if (restriction.action !== 'throttle' || !inForce(restriction, nowMs)) continue;
      if (!holds(restriction, held, policy, agent, agents)) continue;
      const refusal = throttle(held, restriction, nowMs);
      if (refusal !== null) return refusal;
    }
  }
  return null;
}

function throttle(held: Held, { callsPerMinute, decision }: Restriction, nowMs: number): Decision | null {
  if (callsPerMinute === null) return null;
  held.bucket ??= createBucket(callsPerMinute, nowMs);
  const waitMs = takeCall(held.bucket, callsPerMinute, nowMs);
  if (waitMs === 0) return null;
  return { allow: false, status: 'throttled', reason: decision.reason, retryAfterMs: waitMs, denial: 'throttled' };
}

/** Whether a restriction of this kind holds the agent now. */
function isUnder(
  action: Restriction['action'],
  line: readonly Held[],
  policy: Policy | null,
  agent: string,
  nowMs: number,
  agents: Agents,
): boolean {
  for (const held of line) {
    for (const one of held.restrictions) {
      if (one.action === action && inForce(one, nowMs) && holds(one, held, policy, agent, agents)) return true;
    }
  }
  return false;
}

/**
 * Holds the call to the limits in their order. The first that is enforced refuses it; one that is not is noted, and the
 * call goes on. null: nothing refuses it. Leave is used only once nothing else stands against the call.
 */
function judge(
  desk: Desk,
  standing: Standing,
  tenant: string,
  question: Question,
  nowMs: number,
  limits: readonly Limit[],
  enforces: boolean,
  allowed: Decision,
): Decision | null {
  let leave: string[] | null = null;
  for (let i = 0; i < limits.length; i++) {
    const limit = limits[i];
    if (!isBeyond(limit, question, nowMs, standing)) continue;
    const id = limit.part === 'approval' ? desk.leave.find(tenant, standing.agent, limit, question, nowMs) : null;
    if (id !== null) {
      leave ??= [];
      leave.push(id);
      continue;
    }
    const isEnforced = enforces && (limit.mode === null || limit.mode === 'enforce');
    note(desk, standing, tenant, question, limit.denial, isEnforced, limit.rule);
    if (isEnforced) return refuse(desk, standing, tenant, question, limit, allowed.status);
  }
  if (leave !== null) for (const id of leave) desk.leave.use(id);
  return null;
}

function refuse(
  desk: Desk,
  standing: Standing,
  tenant: string,
  question: Question,
  limit: Limit,
  status: Decision['status'],
): Decision {
  const reason = beyondText(limit, standing.agent, question);
  const refusal: Decision = { allow: false, status, reason, retryAfterMs: null, denial: limit.denial };
  return limit.part === 'approval' ? waiting(desk, standing.agent, tenant, question, limit, refusal) : refusal;
}

function waiting(
  desk: Desk,
  agent: string,
  tenant: string,
  question: Question,
  limit: ApprovalLimit,
  refusal: Decision,
): Decision {
  const approval = desk.leave.ask(tenant, agent, limit, question);
  return { ...refusal, reason: `${refusal.reason}; it waits as ${approval}`, approval };
}

function note(
  desk: Desk,
  standing: Standing,
  tenant: string,
  question: Question,
  denial: Denial,
  enforced: boolean,
  rule: string | null,
): void {
  const { agent } = standing;
  desk.denials.note({ tenant, agent, denial, enforced, rule, question }, () => standing.trail());
}
