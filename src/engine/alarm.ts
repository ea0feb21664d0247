/** From a scored observation to a finding's line and, where the policy says so, a proposal. */
import { F } from '../agent/layout.js';
import { U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import {
  type Attribution,
  type Evidence,
  type Finding,
  isPage,
  type Kind,
  SEVERITIES,
  type Severity,
} from '../decide/finding.js';
import type { PolicyRule } from '../decide/policy.js';
import { propose } from '../decide/propose.js';
import { isLoneNewTool } from '../detect/ledger.js';
import { type AgentEvent, FLEET } from '../event/event.js';
import { hash64, hex64 } from '../math/hash.js';
import { BURN_DAYS } from '../score/calibrate.js';
import type { Breach } from './budgets.js';
import { causeOf, sessionOf, severityOf } from './cause.js';
import type { OpenFinding } from './findings.js';
import { isBeyondCohort, isExplained } from './notice.js';
import type { Outcome } from './outcome.js';
import type { SourceStateRecord } from './record.js';
import { attribute, hasCause, leader, round } from './scoring.js';
import type { EngineState } from './state.js';
import { type AgentKind, makeSourceTitle, makeTitle } from './title.js';

const DAY_MS = 86_400_000;
/** A breach is certain and its projection nearly so: these p rank them with what else is open. */
const BREACH_P = 1e-9;
const PROJECTION_P = 1e-3;
/** Bits of the profile's flags: paged at medium today, and above it. */
const PAGED = 1;
const ALARMED = 4;
const ID_SEED = 0x6b6c6472;
/** Natural logarithm of the p at which risk reaches 100: one day in a million. */
const RISK_FULL = Math.log(1e6);
const FLEET_KEY = `\u0000${FLEET}`;
/** A full table that turns newcomers away is certain, not probable; this p ranks it with what should be looked at. */
const FLOOD_P = 1e-3;
/** A refused source is as certain, and graver: what it sends is not watched at all. */
const SOURCE_P = 1e-4;
const id = new Uint32Array(2);
const NOBODY = { role: null, labels: [] } as const;

/** What stands behind a finding's line, whatever raised it. */
interface Cause {
  readonly kind: AgentKind;
  readonly cause: string;
  readonly severity: Severity;
  readonly p: number;
  /** Made only where a line or a proposal is due. */
  readonly attribution: () => readonly Attribution[];
}

/** Whom a finding is about, and the event that caused the line. */
interface Subject {
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
  readonly session: string | null;
  readonly event: AgentEvent | null;
}

/** Raises or worsens a finding of the event under test, by its fused probability. */
export function raiseScored(state: EngineState, p: number, bound: boolean, offset: number, outcome: Outcome): void {
  const { settings, observation: o } = state;
  const severity = severityOf(p, settings.pagesPerAgentDay, settings.noticesPerAgentDay);
  // Where no detector's tangent is positive there is nothing to say, whatever budget was set.
  if (severity === null || !hasCause()) return;
  const kind = causeOf(leader(), o, state.readings);
  const said = isNoticeOnly(state, kind, severity) ? 'low' : severity;
  raise(state, { kind, cause: kind, severity: said, p, attribution: () => attribute(state) }, bound, offset, outcome);
}

/**
 * Closed days that an agent must have before a cause may page: 0 where the cause speaks for itself, the days that
 * everything is new to a newcomer where it is about what is new, two elsewhere. Until then it is a notice.
 */
const DAYS_BEFORE_PAGE: Readonly<Partial<Record<Kind, number>>> = {
  'retry-loop': 0,
  'error-burst': 0,
  'fan-out': 2,
  'new-endpoint': BURN_DAYS,
  'new-target': BURN_DAYS,
  'novelty-creep': BURN_DAYS,
  'privilege-creep': BURN_DAYS,
  'recurring-target': BURN_DAYS,
  joint: BURN_DAYS,
};
const DAYS_BEFORE_OTHERS = 2;
/** Kinds that one harmless new tool raises as well as an attack does: alone it is a notice. */
const OF_NEW: ReadonlySet<Kind> = new Set(['new-endpoint', 'novelty-creep', 'privilege-creep']);

/** Silence is told apart from attacks and wakes nobody; nor does an agent that nobody knows yet. */
function isNoticeOnly(state: EngineState, kind: Kind, severity: Severity): boolean {
  const p = state.observation.profile;
  if (OF_NEW.has(kind) && isLoneNewTool(state.observation)) return true;
  if (kind === 'quiet' || isExplained(state)) return true;
  if (p.u32[p.at4 + F.days] >= (DAYS_BEFORE_PAGE[kind] ?? DAYS_BEFORE_OTHERS)) return false;
  return !isBeyondCohort(state, kind, severity);
}

/** Raises a budget's breach: certain, whatever the alert budget says. */
export function raiseBreach(
  state: EngineState,
  breach: Breach,
  bound: boolean,
  offset: number,
  outcome: Outcome,
): void {
  const { feature, observed, limit, hard } = breach;
  // Rounding must not make a limit reached that was not.
  const spent = round(observed) >= limit === hard ? round(observed) : observed;
  const part = { detector: 'budget', feature, observed: spent, expected: limit, share: 1 };
  // Each session has a budget of its own, and each day. What is foreseen is a cause of its own: had it been answered
  // already, and the answer been refused by the brakes, the limit itself could no longer ask to pass them.
  const o = state.observation;
  const which = feature === 'session budget' ? o.sessionCount(U.ordinal) : Math.floor(o.timeMs / DAY_MS);
  const cause: Cause = {
    kind: 'budget',
    cause: `${feature} ${which}${hard ? '' : ' foreseen'}`,
    severity: hard ? 'critical' : 'high',
    p: hard ? BREACH_P : PROJECTION_P,
    attribution: () => [part],
  };
  raise(state, cause, bound, offset, outcome);
}

/** A flood of unknown agents at a full table: nobody to stop, but somebody to tell. */
export function raiseFlood(
  state: EngineState,
  event: AgentEvent,
  bound: boolean,
  offset: number,
  outcome: Outcome,
): void {
  const key = FLEET_KEY;
  const kind = 'agent-flood';
  const evidence = { kind, cause: kind, severity: 'medium', timeMs: event.timeMs, bound } as const;
  const open = state.findings.note(key, evidence, () => makeId([key, kind, event.id, event.timeMs]));
  if (!open.line) return;
  const observed = state.refusedThisHour;
  const part = {
    detector: 'table',
    feature: 'events of unknown agents refused in 1 h',
    observed,
    expected: 0,
    share: 1,
  };
  const cause: Cause = { kind, cause: kind, severity: 'medium', p: FLOOD_P, attribution: () => [part] };
  outcome.findings.push({
    ...describe(state, cause, open.finding, { tenant: '', agent: FLEET, root: FLEET, session: null, event }, offset),
    time: new Date(event.timeMs).toISOString(),
  });
  state.counts.findings++;
}

/**
 * A source that is refused: nobody to stop, but somebody to tell, whatever else is open. Every failed trial is evidence
 * that it lasts, so one finding stays open until the source is accepted again.
 */
export function raiseSource(state: EngineState, record: SourceStateRecord, offset: number, outcome: Outcome): void {
  const { source, timeMs, rejections, of } = record;
  const key = `${FLEET_KEY}\u0000${source}`;
  if (record.state === 'accepted') {
    state.findings.forget(key);
    return;
  }
  const kind = 'source-refused';
  const evidence = { kind, cause: kind, severity: 'high', timeMs, bound: true } as const;
  const open = state.findings.note(key, evidence, () => makeId([key, kind, timeMs]));
  if (!open.line) return;
  const feature = `rejected of the last ${of} records`;
  const line = lineOf(state, open.finding, {
    timeMs,
    ...{ tenant: '', agent: FLEET, root: FLEET, session: null, kind, title: makeSourceTitle(record), p: SOURCE_P },
    attribution: [{ detector: 'intake', feature, observed: rejections, expected: 0, share: 1 }],
    evidence: { offset, event: null },
  });
  outcome.findings.push(line);
  state.counts.findings++;
}

function raise(state: EngineState, cause: Cause, bound: boolean, offset: number, outcome: Outcome): void {
  const { observation: o, table, settings } = state;
  const { tenant, name: root } = table.entry(o.slot);
  const key = agentKey(tenant, root, bound);
  const source = o.event?.id ?? `tick:${o.timeMs}`;
  const evidence = { ...cause, timeMs: o.timeMs, bound };
  const { finding: open, line } = state.findings.note(key, evidence, () =>
    makeId([key, cause.cause, source, o.timeMs]),
  );
  const asks = open.bound && isAnswered(settings.policy.rules, cause.kind, open);
  if (!line && !asks) return;
  const session = sessionOf(cause.kind, o);
  const finding = describe(
    state,
    cause,
    open,
    { tenant, agent: o.event?.agent ?? root, root, session, event: o.event },
    offset,
  );
  // The policy sees the severity that the evidence reached, not the one shown.
  const proposal = asks
    ? propose(settings.policy, { ...finding, severity: open.reached }, state.facts.get(key) ?? NOBODY, {
        ...state.place,
        offset,
      })
    : null;
  const isNew = proposal !== null && !open.proposed.includes(proposal.action);
  if (isNew) {
    open.proposed.push(proposal.action);
    outcome.proposals.push(proposal);
    state.counts.proposals++;
  }
  if (!line) return;
  outcome.findings.push(isNew ? { ...finding, proposal: proposal.key } : finding);
  state.counts.findings++;
  const flags = o.profile.at4 + F.flags;
  if (open.shown === 'medium') o.profile.u32[flags] |= PAGED;
  else if (isPage(open.shown)) o.profile.u32[flags] |= ALARMED;
}

/** Whether any rule may still answer this kind of finding at the severity it has reached. */
function isAnswered(rules: readonly PolicyRule[], kind: Kind, open: OpenFinding): boolean {
  for (const { kinds, severity, action } of rules) {
    if (kinds.length > 0 && !kinds.includes(kind)) continue;
    if (SEVERITIES.indexOf(open.reached) >= SEVERITIES.indexOf(severity) && !open.proposed.includes(action))
      return true;
  }
  return false;
}

/** The finding's line as it would be written now. */
function describe(state: EngineState, cause: Cause, open: OpenFinding, subject: Subject, offset: number): Finding {
  const { tenant, agent, root, session, event } = subject;
  const attribution = cause.attribution();
  const { timeMs, newVersion } = state.observation;
  const isOfAgent = cause.kind !== 'budget' && cause.kind !== 'agent-flood';
  const since = isOfAgent && event !== null ? newVersion : null;
  const title = makeTitle(cause.kind, agent, event, attribution[0], since);
  const evidence = { offset, event: event?.id ?? null };
  const { kind, p } = cause;
  return lineOf(state, open, { timeMs, tenant, agent, root, session, kind, title, p, attribution, evidence });
}

/** What a line says that neither the engine's state nor the book knows. */
interface Said extends Pick<Finding, 'tenant' | 'agent' | 'root' | 'session' | 'kind' | 'title' | 'p' | 'attribution'> {
  readonly timeMs: number;
  readonly evidence: Evidence;
}

/** All findings have their members in this one order. */
function lineOf(state: EngineState, open: OpenFinding, said: Said): Finding {
  return {
    id: open.id,
    time: new Date(said.timeMs).toISOString(),
    tenant: said.tenant,
    agent: said.agent,
    root: said.root,
    session: said.session,
    severity: open.shown,
    kind: said.kind,
    title: said.title,
    p: round(said.p),
    risk: Math.min(100, Math.round((100 * -Math.log(said.p)) / RISK_FULL)),
    attribution: said.attribution,
    evidence: [said.evidence],
    model: state.model.version,
    config: state.config,
    status: 'open',
    bound: open.bound,
    proposal: null,
  };
}

/** The same cause, record and time give the same id. */
function makeId(parts: readonly (string | number)[]): string {
  hash64(parts.join('\u0000'), ID_SEED, id);
  return `f-${hex64(id[0], id[1])}`;
}
