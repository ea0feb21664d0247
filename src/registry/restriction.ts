/**
 * One restriction of one agent and the order of actions. An agent may carry several at once, at most one per action:
 * when the stronger one ends, the weaker one beneath it is still there.
 */
import { ACTIONS, type Action } from '../decide/finding.js';
import type { AgentStatus, Decision } from './registry.js';

/** A restriction as stored. */
export interface RestrictionFields {
  readonly action: Action;
  /** ms on the registry's clock; null: until a person releases it. */
  readonly untilMs: number | null;
  /** For throttle; null otherwise. */
  readonly callsPerMinute: number | null;
  readonly reason: string;
  /** Made by an engine's proposal, not by a person. */
  readonly automatic: boolean;
}

/** A restriction with its standing answer. */
export interface Restriction extends RestrictionFields {
  readonly status: AgentStatus;
  /** Answer of the inline decision while it is in force, made once so that deciding allocates nothing. */
  readonly decision: Decision;
}

const STATUS: Readonly<Record<Action, AgentStatus>> = {
  throttle: 'throttled',
  restrict: 'restricted',
  'lower-trust': 'restricted',
  suspend: 'suspended',
  revoke: 'revoked',
};

/** Least rate of a throttle, and that of one that names none; who wants none at all suspends. */
const CALLS_PER_MINUTE_MIN = 1;

/** Largest instant of an ECMAScript Date. */
const DATE_MAX_MS = 8_640_000_000_000_000;

/** Order of escalation, weakest 0. */
export function rankOf(action: Action): number {
  return ACTIONS.indexOf(action);
}

/** Whether it refuses every call. */
export function isStop(action: Action): boolean {
  return action === 'suspend' || action === 'revoke';
}

/** Whether a restriction still holds. */
export function inForce(restriction: RestrictionFields, nowMs: number): boolean {
  return restriction.untilMs === null || nowMs < restriction.untilMs;
}

/** A restriction with its answer made once, for the hot path. */
export function createRestriction(agent: string, fields: RestrictionFields): Restriction {
  const { action, untilMs, callsPerMinute, reason, automatic } = fields;
  const status = STATUS[action];
  const until = untilMs === null ? 'until released' : `until ${new Date(untilMs).toISOString()}`;
  return {
    action,
    untilMs,
    callsPerMinute: action === 'throttle' ? Math.max(CALLS_PER_MINUTE_MIN, callsPerMinute ?? 0) : null,
    reason,
    automatic,
    status,
    decision: Object.freeze({
      allow: !isStop(action),
      status,
      reason: `${agent}: ${action}, ${until}: ${reason}`,
      retryAfterMs: null,
      denial: isStop(action) ? 'stopped' : null,
    }),
  };
}

/**
 * When a restriction made now ends. A revocation has no end: only an admin undoes it. An end beyond what a date can
 * say is none either.
 */
export function endOf(action: Action, forMs: number | null, nowMs: number): number | null {
  if (action === 'revoke' || forMs === null) return null;
  const untilMs = nowMs + Math.max(0, forMs);
  return Number.isFinite(untilMs) && untilMs <= DATE_MAX_MS ? untilMs : null;
}

/** Strongest of a list kept weakest first; undefined where there is none. */
export function strongest(restrictions: readonly Restriction[]): Restriction | undefined {
  return restrictions[restrictions.length - 1];
}

/** The list with one more, weakest first; one of the same action is replaced. */
export function withRestriction(list: readonly Restriction[], restriction: Restriction): Restriction[] {
  return [...list.filter((other) => other.action !== restriction.action), restriction].sort(
    (a, b) => rankOf(a.action) - rankOf(b.action),
  );
}
