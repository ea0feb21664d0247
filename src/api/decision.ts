/**
 * One question, one answer, whichever contract it comes by: the registry's decision, then the budget, then what follows
 * where the registry is out of reach. From memory, in one synchronous turn.
 */
import type { Decision, Denial, Question } from '../registry/registry.js';
import { requireCover } from './access.js';
import type { Contract, Grant, SpendPort } from './budget-port.js';
import type { Clock, Identity, MetricsParts, RegistryPort, Staleness } from './contract.js';

export interface DecisionParts {
  readonly registry: RegistryPort;
  readonly clock: Clock;
  readonly staleness?: Staleness;
  readonly metrics?: MetricsParts;
  /** Left out: budgets are not held here. */
  readonly spend?: SpendPort;
}

/** Whom a question is about, and what it says of the call. */
export interface Asked {
  readonly tenant: string;
  readonly agent: string;
  readonly question: Question;
  /** What the call will cost at most, as its caller says, USD; null: it does not say. */
  readonly estimateUsd: number | null;
}

/** A decision with what the contracts tell beside it. */
export interface Answer extends Decision {
  readonly grant: Grant | null;
  /** ms that the registry was out of reach; null: it is not stale. */
  readonly staleMs: number | null;
}

export type Decide = (identity: Identity, asked: Asked) => Answer;

/** A retry that soon makes sense where the registry is out of reach, or money is reserved for calls in flight, ms. */
const RETRY_MS = 1_000;

/** Throws 'api.forbidden' where the token is not bound to the agent, or to whom the caller says it works for. */
export function createDecide(
  { registry, clock, staleness, metrics, spend }: DecisionParts,
  contract: Contract,
): Decide {
  return (identity, { tenant, agent, question, estimateUsd }) => {
    requireCover(identity, tenant, agent);
    if (typeof question.parent === 'string') requireCover(identity, tenant, question.parent);
    const nowMs = clock();
    const decision = registry.decide(tenant, agent, nowMs, question);
    const sinceMs = staleness?.ms() ?? 0;
    const staleMs = staleness !== undefined && sinceMs > staleness.afterMs ? sinceMs : null;
    let answer: Answer = { ...decision, grant: null, staleMs };
    // A stop that is known holds in any case; it is the stops that may be unknown that the policy is about.
    if (staleMs !== null && decision.allow && deniesStale(staleness, contract)) answer = staleRefusal(answer, staleMs);
    else if (decision.allow && spend !== undefined) {
      answer = withGrant(answer, spend.reserve(tenant, agent, question, estimateUsd, nowMs));
      if (!answer.allow) spend.refused?.(tenant, agent, question, nowMs);
    }
    metrics?.telemetry.count('killdeer_decisions_total', { answer: wordOf(answer) });
    return answer;
  };
}

function deniesStale(staleness: Staleness | undefined, contract: Contract): boolean {
  return staleness?.contracts?.[contract] ?? staleness?.deny ?? false;
}

function staleRefusal(answer: Answer, staleMs: number): Answer {
  const reason = `the registry is out of reach since ${Math.round(staleMs / 1_000)} s`;
  return { ...answer, allow: false, denial: 'stale', reason, retryAfterMs: RETRY_MS };
}

/** Nothing is reserved for a call that is refused anyway; what is refused for want of money keeps the agent's status. */
function withGrant(answer: Answer, grant: Grant | null): Answer {
  if (grant === null || grant.id !== null) return { ...answer, grant };
  const denial: Denial = 'budget';
  const reason = grant.reason ?? 'the budget is used up';
  return { ...answer, allow: false, denial, reason, retryAfterMs: null, grant };
}

function wordOf({ allow, staleMs }: Answer) {
  if (staleMs !== null) return allow ? 'stale_allow' : 'stale_deny';
  return allow ? 'allow' : 'deny';
}
