/** What a replay says about itself at its end, and the counting that leads there. Plain JSON, so that it resumes. */
import { type Finding, isPage, KINDS, type Kind, type Proposal, SEVERITIES, type Severity } from '../decide/finding.js';
import type { EngineCounts } from '../engine/contract.js';
import { isProlonged, type Verdict } from '../registry/registry.js';

/** Key of a proposal that was made before for the same finding. */
const RENEWED = /:\d+$/;

/** One proposal and what became of it, as the registry judged it. */
export interface ReplayDecision {
  /** ISO 8601 UTC, by the registry's clock: the last tick. */
  readonly time: string;
  readonly tenant: string;
  readonly agent: string;
  /** The action proposed; null for an expiry. */
  readonly action: string | null;
  /** 'prolonged': nobody new was stopped. 'expired': the restriction in force ended. 'refused': a brake, protection or a cooldown skipped it. */
  readonly effect: 'applied' | 'prolonged' | 'recommended' | 'observed' | 'duplicate' | 'refused' | 'none' | 'expired';
  /** Why it was proposed where it was applied or recommended, why not where it was not. */
  readonly reason: string;
  /** The agent's status after it. */
  readonly status: string;
  readonly finding: string | null;
  /** The proposal's idempotency key. */
  readonly proposal: string | null;
  readonly policy: string | null;
  readonly rule: string | null;
}

/** A proposal with what the registry made of it at `timeMs` of its clock. */
export function decisionOf(proposal: Proposal, verdict: Verdict, timeMs: number): ReplayDecision {
  const { reason, entry } = verdict;
  const effect = isProlonged(verdict) ? 'prolonged' : verdict.effect;
  return {
    time: new Date(timeMs).toISOString(),
    tenant: proposal.tenant,
    agent: proposal.agent,
    action: proposal.action,
    effect,
    reason: effect === 'applied' ? proposal.reason : (reason ?? proposal.reason),
    status: entry?.status ?? 'unknown',
    finding: proposal.finding,
    proposal: proposal.key,
    policy: proposal.policy,
    rule: proposal.rule,
  };
}

/** Decisions of one effect: how many, and the first of them. */
export interface DecisionList {
  readonly count: number;
  readonly first: readonly ReplayDecision[];
}

export interface ReplaySummary {
  /** Events that reached the engine. */
  readonly events: number;
  readonly lines: number;
  /** Rejected lines by error code. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly duplicates: number;
  /** Scored without windows, because their agent had moved on. */
  readonly late: number;
  /** Events of agents that found no place in the table. */
  readonly notAdmitted: number;
  /** Agents with events; sub-agents count as their root. */
  readonly agents: number;
  /** UTC days with events, summed over the agents. */
  readonly agentDays: number;
  /** Findings at the severity of their last line. */
  readonly findings: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  readonly byKind: Readonly<Partial<Record<Kind, number>>>;
  /** Findings of severity medium and above. */
  readonly pages: number;
  /** 0 where there is no agent-day. */
  readonly pagesPerAgentDay: number;
  /** What enforcement did, would have done, or skipped. */
  readonly applied: DecisionList;
  readonly recommended: DecisionList;
  readonly observed: DecisionList;
  readonly skipped: DecisionList;
  /** Events of agents that were suspended or revoked when they came; a recording cannot be stopped. */
  readonly eventsAfterStop: number;
  /** ISO 8601 UTC of the earliest and the latest event; null where there was none. */
  readonly from: string | null;
  readonly to: string | null;
  /** First and last version of the cohort model in force, and how many were activated between. */
  readonly models: { readonly first: string; readonly last: string; readonly activated: number };
  /** Of this process alone, where the run was resumed. */
  readonly wallMs: number;
  readonly eventsPerSecond: number;
  /** Line that this process went on from; 0: it began at the beginning. */
  readonly resumedAt: number;
}

/** Decisions listed of each effect; all are counted. */
const LISTED_MAX = 100;
const DAY_MS = 86_400_000;

/** Everything counted so far; a checkpoint holds it whole. */
export interface TallyJson {
  rejections: Record<string, number>;
  /** Id, kind and severity of every finding. */
  findings: [id: string, kind: Kind, severity: Severity][];
  decisions: Record<'applied' | 'recommended' | 'observed' | 'skipped', { count: number; first: ReplayDecision[] }>;
  /** Latest UTC day of each agent, days since the epoch. */
  agents: [key: string, day: number][];
  agentDays: number;
  eventsAfterStop: number;
  fromMs: number | null;
  toMs: number | null;
  activated: number;
}

export class Tally {
  private readonly json: TallyJson;
  private readonly findings: Map<string, { kind: Kind; severity: Severity }>;
  private readonly agents: Map<string, number>;

  constructor(json?: TallyJson) {
    const none = () => ({ count: 0, first: [] });
    this.json = json ?? {
      rejections: {},
      findings: [],
      decisions: { applied: none(), recommended: none(), observed: none(), skipped: none() },
      agents: [],
      agentDays: 0,
      eventsAfterStop: 0,
      fromMs: null,
      toMs: null,
      activated: 0,
    };
    this.findings = new Map(this.json.findings.map(([id, kind, severity]) => [id, { kind, severity }]));
    this.agents = new Map(this.json.agents);
  }

  snapshot(): TallyJson {
    const findings = Array.from(this.findings, ([id, { kind, severity }]): [string, Kind, Severity] => [
      id,
      kind,
      severity,
    ]);
    return { ...this.json, findings, agents: [...this.agents] };
  }

  rejection(code: string): void {
    this.json.rejections[code] = (this.json.rejections[code] ?? 0) + 1;
  }

  finding({ id, kind, severity }: Finding): void {
    this.findings.set(id, { kind, severity });
  }

  decision(decision: ReplayDecision): void {
    const { effect } = decision;
    if (effect === 'expired' || effect === 'duplicate' || effect === 'none' || effect === 'prolonged') return;
    // A finding that goes on asks again: what was not done is counted once.
    if (effect !== 'applied' && RENEWED.test(decision.proposal ?? '')) return;
    const list = this.json.decisions[effect === 'refused' ? 'skipped' : effect];
    list.count++;
    if (list.first.length < LISTED_MAX) list.first.push(decision);
  }

  /** `agent`: key of the acting agent's root. */
  event(timeMs: number, agent: string, afterStop: boolean): void {
    const { json, agents } = this;
    if (afterStop) json.eventsAfterStop++;
    if (json.fromMs === null || timeMs < json.fromMs) json.fromMs = timeMs;
    if (json.toMs === null || timeMs > json.toMs) json.toMs = timeMs;
    const day = Math.floor(timeMs / DAY_MS);
    const before = agents.get(agent);
    // An event of an earlier day belongs to one that was counted when it ran, but for the rarest latecomer.
    if (before !== undefined && day <= before) return;
    agents.set(agent, day);
    json.agentDays++;
  }

  activation(): void {
    this.json.activated++;
  }

  summary(counts: Readonly<EngineCounts>, end: Ending): ReplaySummary {
    const { json } = this;
    const bySeverity = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
    const byKind: Partial<Record<Kind, number>> = {};
    for (const kind of KINDS) {
      for (const finding of this.findings.values()) if (finding.kind === kind) byKind[kind] = (byKind[kind] ?? 0) + 1;
    }
    for (const { severity } of this.findings.values()) bySeverity[severity]++;
    const pages = SEVERITIES.filter(isPage).reduce((sum, severity) => sum + bySeverity[severity], 0);
    const { agentDays } = json;
    const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
    return {
      events: counts.events,
      lines: end.lines,
      rejections: { ...json.rejections },
      duplicates: counts.duplicates,
      late: counts.late,
      notAdmitted: counts.notAdmitted,
      agents: this.agents.size,
      agentDays,
      findings: this.findings.size,
      bySeverity,
      byKind,
      pages,
      pagesPerAgentDay: agentDays === 0 ? 0 : pages / agentDays,
      ...json.decisions,
      eventsAfterStop: json.eventsAfterStop,
      from: iso(json.fromMs),
      to: iso(json.toMs),
      models: { first: end.firstModel, last: end.lastModel, activated: json.activated },
      wallMs: end.wallMs,
      eventsPerSecond: end.wallMs > 0 ? (end.eventsHere * 1000) / end.wallMs : 0,
      resumedAt: end.resumedAt,
    };
  }
}

/** What only the end of a run knows. */
export interface Ending {
  readonly lines: number;
  readonly firstModel: string;
  readonly lastModel: string;
  readonly wallMs: number;
  /** Events stepped by this process. */
  readonly eventsHere: number;
  readonly resumedAt: number;
}
