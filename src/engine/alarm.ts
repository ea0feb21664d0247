/** From a scored observation to a finding's line and, where the policy says so, a proposal. */
import { DETECTORS, F, STREAMS, WINDOW_COUNT } from '../agent/layout.js';
import { U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { slidingCount } from '../agent/window.js';
import type { Attribution, Finding, Kind, Severity } from '../decide/finding.js';
import { ERROR_RUN_FEATURE } from '../detect/errors.js';
import { isLoneNewTool } from '../detect/ledger.js';
import { isClockwork } from '../detect/ramp.js';
import { type AgentEvent, FLEET } from '../event/event.js';
import { BURN_DAYS } from '../score/calibrate.js';
import type { Breach } from './budgets.js';
import { causeOf, sessionOf, severityOf } from './cause.js';
import type { OpenFinding } from './findings.js';
import { holdPage, softenByFleet } from './fleet-hold.js';
import { answer, isAnswered, lineOf, makeId, notePage } from './line.js';
import { isBeyondCohort, isExplained } from './notice.js';
import type { Outcome } from './outcome.js';
import type { SourceStateRecord } from './record.js';
import { attribute, hasCause, leader, round } from './scoring.js';
import type { EngineState } from './state.js';
import { suppressing } from './suppressions.js';
import { type AgentKind, makeSourceTitle, makeTitle } from './title.js';
import { muting } from './verdicts.js';

const DAY_MS = 86_400_000;
/** A breach is certain and its projection nearly so: these p rank them with what else is open. */
const BREACH_P = 1e-9;
const PROJECTION_P = 1e-3;
const FLEET_KEY = `\u0000${FLEET}`;
/** A full table that turns newcomers away is certain, not probable; this p ranks it with what should be looked at. */
const FLOOD_P = 1e-3;
/** A refused source is as certain, and graver: what it sends is not watched at all. */
const SOURCE_P = 1e-4;

/** What stands behind a finding's line, whatever raised it. */
interface Cause {
  readonly kind: AgentKind;
  readonly cause: string;
  readonly severity: Severity;
  readonly p: number;
  /** Made only where a line or a proposal is due. */
  readonly attribution: () => readonly Attribution[];
  /** The severity of a page that waits for the fleet stage; left out: nothing waits. */
  readonly waiting?: Severity;
  /** See CauseEvidence. */
  readonly isSlight?: boolean;
  /** Added to the title: what else explains it. */
  readonly because?: string;
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
  const said = softenByFleet(state, kind, isNoticeOnly(state, kind, severity) ? 'low' : severity, bound);
  // That an agent falls quiet after a page is news.
  const isSlight = severity === 'low' && kind !== 'quiet';
  raise(
    state,
    { kind, cause: kind, ...said, p, isSlight, attribution: () => attribute(state) },
    bound,
    offset,
    outcome,
  );
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
  exfiltration: BURN_DAYS,
  'mixed-profile': BURN_DAYS,
  'new-source': BURN_DAYS,
  'new-environment': BURN_DAYS,
  'credential-after-task': BURN_DAYS,
  joint: BURN_DAYS,
  // Real clients differ most in how long their busy hours last: their own days must have told.
  'rate-drift': BURN_DAYS + 1,
};
const DAYS_BEFORE_OTHERS = 2;
/** Kinds that one harmless new tool raises as well as an attack does: alone it is a notice. */
const OF_NEW: ReadonlySet<Kind> = new Set(['new-endpoint', 'novelty-creep', 'privilege-creep']);
/** Calls from which an agent's rate is its own, however few its days. */
const CALLS_BEFORE_PAGE = 500;
const RATE = DETECTORS.indexOf('rate');
const ERRORS = DETECTORS.indexOf('errors');
/** First window of failures; theirs are the last of all. */
const ERROR_WINDOW = WINDOW_COUNT - STREAMS.errors.length;

/** Silence is told apart from attacks and wakes nobody; nor does an agent that nobody knows yet. */
function isNoticeOnly(state: EngineState, kind: Kind, severity: Severity): boolean {
  const p = state.observation.profile;
  if (OF_NEW.has(kind) && isLoneNewTool(state.observation)) return true;
  if (kind === 'quiet' || isExplained(state)) return true;
  if (kind === 'rate-burst' && p.f64[p.at8 + F.events] >= CALLS_BEFORE_PAGE && leader() === RATE) return false;
  if (kind === 'rate-drift' && isClockwork(p)) return false;
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
  const mutedBy = cause.kind === 'budget' ? null : mutingOf(state, cause);
  const severity = mutedBy === null ? cause.severity : 'low';
  const waiting = mutedBy === null ? cause.waiting : undefined;
  const said = { muted: mutedBy !== null, waits: waiting !== undefined };
  const evidence = { ...cause, ...said, severity, timeMs: o.timeMs, bound };
  const raised = state.findings.note(key, evidence, () => makeId([key, cause.cause, source, o.timeMs]));
  if (raised.isFace) return;
  const { finding: open, line } = raised;
  const asks = mutedBy === null && open.bound && isAnswered(settings.policy.rules, cause.kind, open, o.timeMs);
  if (cause.kind !== 'budget') noteLevel(state, open.id, line, cause);
  if (!line && !asks && waiting === undefined) return;
  const session = sessionOf(cause.kind, o);
  const finding = describe(
    state,
    cause,
    open,
    { tenant, agent: o.event?.agent ?? root, root, session, event: o.event },
    offset,
  );
  if (waiting !== undefined) holdPage(state, key, cause.cause, { ...finding, severity: waiting });
  const answered = asks ? answer(state, key, open, finding, offset, outcome) : finding;
  if (!line) return;
  outcome.findings.push(mutedBy === null ? answered : { ...answered, mutedBy });
  state.counts.findings++;
  notePage(o.profile, open.shown);
}

/** Id of the verdict, else of the suppression, that makes a notice of what is raised; null: none does. */
function mutingOf(state: EngineState, { kind, severity, waiting = severity, attribution }: Cause): string | null {
  const verdict = muting(state, kind, attribution);
  if (verdict !== null) return verdict;
  const suppression = suppressing(state, kind, waiting, attribution);
  // To whoever learns of this day it paged: what is suppressed is not called normal.
  if (suppression !== null) notePage(state.observation.profile, waiting);
  return suppression;
}

/** Remembers how high a finding's leading measurement stood, which says more of it than its lines alone. */
function noteLevel(state: EngineState, id: string, line: boolean, { attribution }: Cause): void {
  const { features, readings, observation: o, verdicts } = state;
  const detector = leader();
  if (detector === ERRORS) noteFailures(state, id);
  if (line) {
    const { detector, feature, observed } = attribution()[0];
    verdicts.note(id, detector, feature, observed, o.timeMs);
    return;
  }
  const name = DETECTORS[detector];
  const feature = features.get(name)?.[readings.feature[detector]];
  // Which feature leads the joint view is too dear to be asked for at every event.
  if (feature !== undefined && name !== 'joint')
    verdicts.note(id, name, feature, readings.observed[detector], o.timeMs);
}

/**
 * Failures in a row and failures in a window are two measurements of the same calls, and which of them leads changes
 * from call to call: both are remembered, or the same loop would not be covered when the other one leads.
 */
function noteFailures({ features, observation: o, verdicts }: EngineState, id: string): void {
  const names = features.get('errors') ?? [];
  for (let i = 0; i < STREAMS.errors.length; i++) {
    const count = slidingCount(o.profile, ERROR_WINDOW + i, o.timeMs);
    if (count > 0) verdicts.note(id, 'errors', names[i], count, o.timeMs);
  }
  const run = o.sessionCount(U.errorRun);
  if (run > 0) verdicts.note(id, 'errors', names[ERROR_RUN_FEATURE], run, o.timeMs);
}

/** The finding's line as it would be written now. */
function describe(state: EngineState, cause: Cause, open: OpenFinding, subject: Subject, offset: number): Finding {
  const { tenant, agent, root, session, event } = subject;
  const attribution = cause.attribution();
  const { timeMs, newVersion } = state.observation;
  const isOfAgent = cause.kind !== 'budget' && cause.kind !== 'agent-flood';
  const since = isOfAgent && event !== null ? newVersion : null;
  const title = `${makeTitle(cause.kind, agent, event, attribution[0], since)}${cause.because ?? ''}`;
  const evidence = { offset, event: event?.id ?? null };
  const { kind, p } = cause;
  return lineOf(state, open, { timeMs, tenant, agent, root, session, kind, title, p, attribution, evidence });
}
