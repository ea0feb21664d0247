/** From a scored observation to a finding's line and, where the policy says so, a proposal. */
import { DETECTORS, F } from '../agent/layout.js';
import { agentKey } from '../agent/table.js';
import { type Attribution, type Finding, isPage, type Kind, type Severity } from '../decide/finding.js';
import { propose } from '../decide/propose.js';
import { hash64, hex64 } from '../math/hash.js';
import type { Breach } from './budgets.js';
import { causeOf, sessionOf, severityOf } from './cause.js';
import type { Raised } from './findings.js';
import type { Outcome } from './outcome.js';
import { attribute, round } from './scoring.js';
import type { EngineState } from './state.js';
import { makeTitle } from './title.js';

/** Bits of the profile's flags: paged at medium today, and above it. */
const PAGED = 1;
const ALARMED = 4;
const ID_SEED = 0x6b6c6472;
/** Natural logarithm of the p at which risk reaches 100: one day in a million. */
const RISK_FULL = Math.log(1e6);
const id = new Uint32Array(2);
const NOBODY = { role: null, labels: [] } as const;

/** What stands behind a finding's line, whatever raised it. */
interface Cause {
  readonly kind: Kind;
  readonly severity: Severity;
  readonly p: number;
  readonly attribution: readonly Attribution[];
}

/** Raises or worsens a finding of the event under test, by its fused probability. */
export function raiseScored(state: EngineState, p: number, bound: boolean, offset: number, outcome: Outcome): void {
  const { settings, observation: o } = state;
  const severity = severityOf(p, settings.pagesPerAgentDay, settings.noticesPerAgentDay);
  if (severity === null) return;
  const attribution = attribute(state);
  const top = DETECTORS.indexOf(attribution[0].detector as (typeof DETECTORS)[number]);
  const kind = causeOf(top, o, state.readings);
  // Silence is told apart from attacks and wakes nobody.
  const said = kind === 'quiet' ? 'low' : severity;
  raise(state, { kind, severity: said, p, attribution }, bound, offset, outcome);
}

/** Raises a budget's breach: certain, whatever the alert budget says. */
export function raiseBreach(
  state: EngineState,
  breach: Breach,
  bound: boolean,
  offset: number,
  outcome: Outcome,
): void {
  const attribution: Attribution = {
    detector: 'budget',
    feature: breach.feature,
    observed: round(breach.observed),
    expected: round(breach.limit),
    share: 1,
  };
  const severity: Severity = breach.hard ? 'critical' : 'high';
  raise(
    state,
    { kind: 'budget', severity, p: breach.hard ? 1e-9 : 1e-3, attribution: [attribution] },
    bound,
    offset,
    outcome,
  );
}

function raise(state: EngineState, cause: Cause, bound: boolean, offset: number, outcome: Outcome): void {
  const { observation: o, table } = state;
  const event = o.event;
  const { tenant, name: root } = table.entry(o.slot);
  const acting = event?.agent ?? root;
  const key = agentKey(tenant, root, bound);
  const source = event?.id ?? `tick:${o.timeMs}`;
  const raised = state.findings.note(key, cause.kind, cause.severity, o.timeMs, bound, () =>
    makeId(`${key}\u0000${cause.kind}\u0000${source}`),
  );
  if (!raised.line && !raised.worse) return;
  const finding: Finding = {
    id: raised.finding.id,
    time: new Date(o.timeMs).toISOString(),
    tenant,
    agent: acting,
    root,
    session: sessionOf(cause.kind, o),
    severity: raised.finding.shown,
    kind: cause.kind,
    title: makeTitle(cause.kind, acting, event, cause.attribution[0]),
    p: round(cause.p),
    risk: Math.min(100, Math.round((100 * -Math.log(cause.p)) / RISK_FULL)),
    attribution: cause.attribution,
    evidence: [{ offset, event: event?.id ?? null }],
    model: state.model.version,
    config: state.config,
    status: 'open',
    bound: raised.finding.bound,
    proposal: null,
  };
  const flags = o.profile.at4 + F.flags;
  if (raised.finding.shown === 'medium') o.profile.u32[flags] |= PAGED;
  else if (isPage(raised.finding.shown)) o.profile.u32[flags] |= ALARMED;
  emit(state, finding, raised, offset, outcome);
}

/** Writes the line where one is due; the policy sees the severity that the evidence reached, not the one shown. */
function emit(state: EngineState, finding: Finding, raised: Raised, offset: number, outcome: Outcome): void {
  const key = agentKey(finding.tenant, finding.root, true);
  const judged: Finding = { ...finding, severity: raised.finding.reached };
  const position = { ...state.place, offset };
  const proposal = raised.worse
    ? propose(state.settings.policy, judged, state.facts.get(key) ?? NOBODY, position)
    : null;
  if (proposal !== null) {
    outcome.proposals.push(proposal);
    state.counts.proposals++;
  }
  if (raised.line) {
    outcome.findings.push(proposal === null ? finding : { ...finding, proposal: proposal.key });
    state.counts.findings++;
  }
}

function makeId(text: string): string {
  hash64(text, ID_SEED, id);
  return `f-${hex64(id[0], id[1])}`;
}
