/**
 * What a fleet's trouble makes of an agent's: while a model is out, findings that rest on its failing are notices, and
 * before anybody can know, a page that rests on a failing model waits a while, as a notice. A page that is out cannot be
 * taken back. Failing tools never wait, nor does a run of failures as long as no outage needs to be waited for.
 */
import { U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { type Finding, isPage, type Kind, type Severity } from '../decide/finding.js';
import { answer, isAnswered, notePage } from './line.js';
import type { Outcome } from './outcome.js';
import { isModelCall } from './pulse.js';
import type { EngineState } from './state.js';
import { suppressionOf } from './suppressions.js';

/** How long the fleet stage has to speak, ms of the partition's time. */
export const HOLD_MS = 120_000;
/** Failures in a row from which nothing waits. */
const LONG_RUN = 12;
const OF_FAILURES: ReadonlySet<Kind> = new Set(['error-burst', 'retry-loop']);

/** What is said of the event under test; see Cause in alarm.ts. */
export interface Softened {
  readonly severity: Severity;
  readonly waiting?: Severity;
  readonly because?: string;
}

/** The severity that a finding of the event under test is given for now. */
export function softenByFleet(state: EngineState, kind: Kind, severity: Severity, bound: boolean): Softened {
  const { observation: o, table, fleet } = state;
  const { event } = o;
  if (!OF_FAILURES.has(kind) || event === null || !o.failed || !isModelCall(event)) return { severity };
  const { tenant, name } = table.entry(o.slot);
  const key = agentKey(tenant, name, bound);
  const outage = fleet.outageOf(tenant, event.endpoint);
  if (outage !== null) return { severity: isPage(severity) ? 'low' : severity, because: `; so do others (${outage})` };
  if (!isPage(severity)) return { severity };
  const open = state.findings.find(key, kind, o.timeMs);
  const isOut = open !== null && isPage(open.shown);
  if (!isOut && o.sessionCount(U.errorRun) < LONG_RUN && fleet.hasRoom(key, kind)) {
    return { severity: 'low', waiting: severity };
  }
  fleet.drop(key, kind);
  return { severity };
}

/** Keeps a page back; `finding` is its line with the severity reached. */
export function holdPage(state: EngineState, key: string, cause: string, finding: Finding): void {
  const { event, timeMs } = state.observation;
  state.fleet.hold({ finding, key, cause, endpoint: event?.endpoint ?? '', untilMs: timeMs + HOLD_MS });
}

/** Raises, at a tick, the pages that have waited long enough and are explained by no outage. */
export function releasePages(state: EngineState, timeMs: number, offset: number, outcome: Outcome): void {
  for (const { finding, key, cause, endpoint } of state.fleet.due(timeMs)) {
    const { tenant, root, kind, severity, bound } = finding;
    if (state.fleet.outageOf(tenant, endpoint) !== null) continue;
    // Somebody said meanwhile that it was expected; the notice is out already.
    const suspect = { kind, severity, endpoint, target: null };
    if (suppressionOf(state, tenant, root, suspect, () => finding.attribution[0]) !== null) continue;
    const evidence = { kind, cause, severity, timeMs, bound };
    const { finding: open, line } = state.findings.note(key, evidence, () => finding.id);
    const said: Finding = { ...finding, time: new Date(timeMs).toISOString(), severity: open.shown, bound: open.bound };
    const asks = open.bound && isAnswered(state.settings.policy.rules, kind, open, timeMs);
    const answered = asks ? answer(state, key, open, said, offset, outcome) : said;
    if (!line) continue;
    outcome.findings.push(answered);
    state.counts.findings++;
    const slot = state.table.find(tenant, root, bound);
    if (slot === -1) continue;
    state.table.aim(state.observation.profile, slot);
    notePage(state.observation.profile, open.shown);
  }
}
