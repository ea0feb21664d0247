/** Values of the other rooms in the wire's words; only what is named here gets out. */
import type { Finding, Proposal } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import type { BreakerOpening, Halt, RegistryEntry, Verdict } from '../registry/registry.js';
import type { RegistryPort, TokenEntry } from './contract.js';
import { registrationView } from './registration.js';
import type { BrakesAnswer, HaltAnswer } from './responder-schema.js';
import type { AgentAnswer, FindingAnswer, ProposalAnswer, TokenEntryAnswer, VerdictAnswer } from './schema.js';

export function agentView(entry: RegistryEntry): AgentAnswer {
  return {
    tenant: entry.tenant,
    agent: entry.agent,
    registered: entry.registered,
    version: entry.version,
    parent: entry.parent,
    owner: entry.owner,
    role: entry.role,
    labels: [...entry.labels],
    scopes: [...entry.scopes],
    budgets: { session_usd: entry.budgets.sessionUsd, day_usd: entry.budgets.dayUsd },
    protected: entry.protected,
    agent_versions: [...entry.agentVersions],
    status: entry.status,
    until_ms: entry.untilMs,
    calls_per_minute: entry.callsPerMinute,
    reason: entry.reason,
    attempts: entry.attempts,
    first_seen_ms: entry.firstSeenMs,
    last_change_ms: entry.lastChangeMs,
    ...registrationView(entry.registration),
  };
}

/** Throws the verdict's error where the record was refused. `key` is the idempotency key as the caller knows it. */
export function verdictAnswerOf(verdict: Verdict, key: string | null): VerdictAnswer {
  const { effect, reason, code, entry } = verdict;
  if (effect === 'refused') throw new KilldeerError(code ?? 'registry.refused', reason ?? 'the registry refused it');
  const agent = entry === null ? null : agentView(entry);
  return { effect, reason, key, agent, approval: verdict.approval ?? null };
}

/** `visible` says which agents the asker may read about. */
export function brakesView(registry: RegistryPort, visible: (tenant: string, agent: string) => boolean): BrakesAnswer {
  const { brakes, left, open, openings, skipped } = registry.brakes();
  const views = (proposals: readonly Proposal[]) =>
    proposals.filter((proposal) => visible(proposal.tenant, proposal.agent)).map(proposalView);
  return {
    mode: registry.mode(),
    stops_max: brakes.stopsMax,
    interval_ms: brakes.intervalMs,
    cooldown_ms: brakes.cooldownMs,
    left,
    open,
    openings: openings.map(openingView),
    skipped: views(skipped),
    recommended: views(registry.recommendations()),
    halts: registry.halts().map(haltView),
  };
}

export function haltView({ tenant, sinceMs, share, reason, actor }: Halt): HaltAnswer['halts'][number] {
  return { tenant, since_ms: sinceMs, share, reason, actor };
}

function openingView(opening: BreakerOpening): BrakesAnswer['openings'][number] {
  const { tenant, role, severity, sinceMs, untilMs, policy, rule, skipped } = opening;
  return { tenant, role, severity, since_ms: sinceMs, until_ms: untilMs, policy, rule, skipped };
}

export function proposalView(proposal: Proposal): ProposalAnswer {
  return {
    key: proposal.key,
    time: proposal.time,
    tenant: proposal.tenant,
    agent: proposal.agent,
    action: proposal.action,
    mode: proposal.mode,
    reason: proposal.reason,
    finding: proposal.finding,
    kind: proposal.kind,
    severity: proposal.severity,
    for_ms: proposal.forMs,
    calls_per_minute: proposal.callsPerMinute,
    policy: proposal.policy,
    rule: proposal.rule,
    hard_budget: proposal.hardBudget,
    evidence: proposal.evidence.map(({ offset, event }) => ({ offset, event })),
  };
}

export function tokenView(entry: TokenEntry): TokenEntryAnswer {
  const { tenants, agents } = entry.bindings;
  return {
    id: entry.id,
    actor: entry.actor,
    roles: [...entry.roles],
    tenants: tenants === null ? null : [...tenants],
    agents: agents === null ? null : [...agents],
    created_ms: entry.createdMs,
    expires_ms: entry.expiresMs,
    used_ms: entry.usedMs,
  };
}

export function findingView(finding: Finding): FindingAnswer {
  return {
    id: finding.id,
    time: finding.time,
    tenant: finding.tenant,
    agent: finding.agent,
    root: finding.root,
    session: finding.session,
    severity: finding.severity,
    kind: finding.kind,
    title: finding.title,
    p: finding.p,
    risk: finding.risk,
    attribution: finding.attribution.map((part) => ({ ...part })),
    evidence: finding.evidence.map(({ offset, event }) => ({ offset, event })),
    model: finding.model,
    config: finding.config,
    status: finding.status,
    bound: finding.bound,
    proposal: finding.proposal,
    muted_by: finding.mutedBy ?? null,
  };
}
