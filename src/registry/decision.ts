/**
 * The inline decision: may this agent make a call now? From memory alone, without I/O and, but for a throttled agent,
 * without allocating a reason. What a caller passes as `nowMs` only ends restrictions and fills throttles; it never
 * makes one.
 */
import type { Policy } from '../decide/policy.js';
import { type Held, type Inventory, isProtected, lineOf } from './inventory.js';
import type { Decision, Denial } from './registry.js';
import { inForce, isStop, type Restriction, rankOf } from './restriction.js';
import { createBucket, takeCall } from './throttle.js';

const answer = (denial: Denial | null, status: Decision['status'], reason: string): Decision =>
  Object.freeze({ allow: denial === null, status, reason, retryAfterMs: null, denial });

const ACTIVE = answer(null, 'active', 'no restriction in force');
const UNKNOWN = answer(null, 'unknown', 'never seen and not registered; such agents are allowed');
const UNREGISTERED = answer('unregistered', 'unknown', 'not registered; the policy refuses such agents');

/** Registered itself or by the name it works under. A parent that telemetry named does not vouch for anybody. */
function isRegistered(agents: ReadonlyMap<string, Held> | undefined, agent: string): boolean {
  if (agents === undefined) return false;
  for (let end = agent.length; end > 0; end = agent.lastIndexOf('/', end - 1)) {
    if (agents.get(agent.slice(0, end))?.entry.registered === true) return true;
  }
  return false;
}

/** Decides one call; `refused` learns of the stopped agent whose stop refused it. */
export function decideCall(
  inventory: Inventory,
  policy: Policy | null,
  tenant: string,
  agent: string,
  nowMs: number,
  refused: Set<Held>,
): Decision {
  const agents = inventory.of(tenant);
  if (policy?.mode === 'enforce' && policy.unregistered === 'deny' && !isRegistered(agents, agent)) return UNREGISTERED;
  if (agents === undefined) return UNKNOWN;
  const line = lineOf(agents, agent);
  if (line.length === 0) return UNKNOWN;
  if (inventory.restricted.size === 0) return ACTIVE;

  const throttles: Held[] = [];
  let worst: Restriction | null = null;
  let worstHeld: Held | null = null;
  for (const held of line) {
    for (const restriction of held.restrictions) {
      if (!inForce(restriction, nowMs)) continue;
      if (restriction.automatic && held.entry.agent !== agent && isProtectedIn(agents, policy, agent)) continue;
      if (restriction.action === 'throttle') throttles.push(held);
      if (worst === null || rankOf(restriction.action) > rankOf(worst.action)) {
        worst = restriction;
        worstHeld = held;
      }
    }
  }
  if (worst === null || worstHeld === null) return ACTIVE;
  if (isStop(worst.action)) {
    worstHeld.refused += 1;
    refused.add(worstHeld);
    return worst.decision;
  }
  // A throttle beneath a stronger restriction still counts its calls: escalating must not speed an agent up.
  for (const held of throttles) {
    const refusal = throttle(held, nowMs);
    if (refusal !== null) return refusal;
  }
  return worst.decision;
}

function isProtectedIn(agents: ReadonlyMap<string, Held>, policy: Policy | null, agent: string): boolean {
  return isProtected(policy, agent, agents.get(agent)?.entry);
}

function throttle(held: Held, nowMs: number): Decision | null {
  const restriction = held.restrictions.find((one) => one.action === 'throttle');
  const callsPerMinute = restriction?.callsPerMinute ?? null;
  if (restriction === undefined || callsPerMinute === null) return null;
  held.bucket ??= createBucket(callsPerMinute, nowMs);
  const waitMs = takeCall(held.bucket, callsPerMinute, nowMs);
  if (waitMs === 0) return null;
  return {
    allow: false,
    status: 'throttled',
    reason: restriction.decision.reason,
    retryAfterMs: waitMs,
    denial: 'throttled',
  };
}
