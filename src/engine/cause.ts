/** Which cause a finding names: the detector with the largest share, told apart by what it measured. */
import { DETECTORS } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { S, U } from '../agent/sessions.js';
import type { Kind, Severity } from '../decide/finding.js';
import { NEW_ENDPOINT_FEATURE } from '../detect/novelty.js';
import { isRateLimited } from '../event/rate-limit.js';
import type { AgentKind } from './title.js';

/** Failures in a row from which a burst of errors is called a retry loop. */
const RETRY_RUN = 5;
/** The same where the last of them said that the calls come too fast: to call again is to retry. */
const RETRY_RUN_LIMITED = 3;
/** The same where it is the number of calls that stands out: the failures must be most of the story. */
const RETRY_RUN_OF_BURST = 15;
/** Sub-agents of one session from which it fans out; spread over more sessions they are a busy hour. */
const FAN_OUT_SESSION = 4;

/** By feature of the detector of origins. */
const ORIGIN_KINDS: readonly AgentKind[] = ['new-source', 'mixed-profile', 'new-environment', 'credential-after-task'];

/** The cause that the leading detector stands for. */
export function causeOf(detector: number, o: Observation, readings: Readings): AgentKind {
  switch (DETECTORS[detector]) {
    case 'rate':
    case 'starts':
      return o.failed && o.sessionCount(U.errorRun) >= RETRY_RUN_OF_BURST ? 'retry-loop' : 'rate-burst';
    case 'delegation':
      return o.sessionCount(U.spawns) >= FAN_OUT_SESSION ? 'fan-out' : 'rate-burst';
    case 'errors':
      return o.sessionCount(U.errorRun) >= leastRun(o) ? 'retry-loop' : 'error-burst';
    case 'novelty':
      return readings.feature[detector] === NEW_ENDPOINT_FEATURE ? 'new-endpoint' : 'new-target';
    case 'stray':
      return 'new-target';
    case 'creep':
      return 'novelty-creep';
    case 'session':
      return 'session-spend';
    case 'spend':
      return o.sessionNumber(S.costUsd) * 2 >= readings.observed[detector] ? 'session-spend' : 'spend';
    case 'drift':
      return 'cost-drift';
    case 'wake':
      return 'dormant-wakes';
    case 'recurrence':
      return 'recurring-target';
    case 'egress':
      return 'exfiltration';
    case 'mixing':
      return 'mixed-profile';
    case 'origin':
      return ORIGIN_KINDS[readings.feature[detector]];
    case 'ledger':
      return 'privilege-creep';
    case 'ramp':
      return 'rate-drift';
    case 'joint':
      return 'joint';
    case 'silence':
    case 'fused':
      return 'quiet';
  }
}

function leastRun(o: Observation): number {
  return isRateLimited(o.event?.errorType ?? null) ? RETRY_RUN_LIMITED : RETRY_RUN;
}

/** Causes whose evidence lies inside one session: their findings name it. */
const IN_SESSION: ReadonlySet<Kind> = new Set(['retry-loop', 'new-endpoint', 'new-target', 'session-spend']);

/** The session that a finding names; null where its evidence is spread over several. */
export function sessionOf(kind: Kind, o: Observation): string | null {
  return IN_SESSION.has(kind) && o.sessionNumber(S.events) > 0 ? (o.event?.session ?? null) : null;
}

/** Severity of a fused probability under the operator's budgets; null: nothing to say. */
export function severityOf(p: number, pages: number, notices: number): Severity | null {
  if (p <= pages / 100) return 'critical';
  if (p <= pages / 10) return 'high';
  if (p <= pages) return 'medium';
  return p <= notices ? 'low' : null;
}
