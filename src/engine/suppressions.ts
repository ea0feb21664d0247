/**
 * Suppressions at work: which of those that stand makes a notice of a finding. They begin and end by the partition's
 * own clock, so no sender can date an event into one; they teach nothing, and touch neither a threshold nor a profile.
 */
import type { Attribution, Kind, Severity } from '../decide/finding.js';
import { isSuppressed, type Suspect } from '../decide/suppression.js';
import type { SuppressionRecord } from './record.js';
import type { EngineState } from './state.js';
import { roleOf } from './verdicts.js';

/** Takes in a suppression; one that is over already does nothing. */
export function takeSuppression({ suppressions, nowMs }: EngineState, record: SuppressionRecord): void {
  if (record.untilMs > nowMs) suppressions.add(record);
}

/** Id of the suppression that mutes a finding of the event under test; null: none does. */
export function suppressing(
  state: EngineState,
  kind: Kind,
  severity: Severity,
  attribution: () => readonly Attribution[],
): string | null {
  if (state.suppressions.size === 0) return null;
  const { event, slot } = state.observation;
  const { tenant, name } = state.table.entry(slot);
  const suspect = { kind, severity, endpoint: event?.endpoint ?? null, target: event?.target ?? null };
  return suppressionOf(state, tenant, name, suspect, () => attribution()[0]);
}

/** The same of any finding about `root`. */
export function suppressionOf(
  state: EngineState,
  tenant: string,
  root: string,
  suspect: Suspect,
  top: () => Attribution | undefined,
): string | null {
  const { suppressions, nowMs } = state;
  for (const record of suppressions.all) {
    if (record.tenant !== tenant || nowMs < record.fromMs || nowMs >= record.untilMs) continue;
    if (reaches(state, record, root) && isSuppressed(record, suspect, top)) return record.id;
  }
  return null;
}

function reaches(state: EngineState, { tenant, scope }: SuppressionRecord, root: string): boolean {
  if ('agent' in scope) return scope.agent === root;
  return 'tenant' in scope || roleOf(state, tenant, root) === scope.role;
}
