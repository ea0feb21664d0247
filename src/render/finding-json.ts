/** A finding as plain JSON for programs: members in snake_case, times in ms. Write it with `inertJson`. */
import type { FindingState } from '../triage/triage.js';
import { type RenderContext, verdictOf } from './taken.js';

/** Everything that is known of the finding as it stands, and what was done. */
export function findingJson(
  state: FindingState,
  { taken = null, link = null }: RenderContext,
): Readonly<Record<string, unknown>> {
  const { finding, raisedMs, lastMs, lines, status, resolution, assignee, closedMs, quiet, suppressed } = state;
  const { id, tenant, agent, root, session, severity, kind, title, risk, p, bound } = finding;
  return {
    ...{ id, tenant, agent, root, session, severity, kind, title, risk, p, bound, quiet, suppressed },
    ...{ raised_ms: raisedMs, last_ms: lastMs, closed_ms: closedMs, lines },
    ...{ status, resolution, assignee, verdict: verdictOf(state), case: state.case },
    ...{ attribution: finding.attribution, evidence: finding.evidence },
    ...{ model: finding.model, config: finding.config, proposal: finding.proposal },
    taken: taken === null ? null : { action: taken.action, effect: taken.effect, until_ms: taken.untilMs },
    link,
  };
}
