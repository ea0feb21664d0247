/** What people say of findings beside verdicts: judged here, kept by the board of triage, which reads the same log. */
import { isPerson } from './actor.js';
import { type FoldState, rememberKey } from './fold-state.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import { RESOLUTIONS, type RegistryRecord, TRIAGE_STATUSES, type TriageChange } from './registry.js';

/** Findings that one record may name. */
export const TRIAGE_FINDINGS_MAX = 500;
/** Characters of a comment. */
export const COMMENT_MAX = 2_000;

const FINDING = /^f-[0-9a-zA-Z-]{1,64}$/;
/** As a token's name, which is who people are. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,99}$/;
const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

/** Persons only; the same key counts once. What it names need not be known: lines and words come by two logs. */
export function judgeTriage(state: FoldState, record: Extract<RegistryRecord, { type: 'triage' }>): Judgement {
  const { actor, key, findings, change } = record;
  const no = (reason: string) => refuse('registry.refused', reason, undefined);
  if (!isPerson(actor)) return no(`${actor} may not speak of findings`);
  if (state.keys.has(`triage:${key}`)) return duplicate(undefined);
  if (findings.length < 1 || findings.length > TRIAGE_FINDINGS_MAX) {
    return no(`${findings.length} findings are named, it must be 1 to ${TRIAGE_FINDINGS_MAX}`);
  }
  const odd = findings.find((id) => !FINDING.test(id));
  if (odd !== undefined) return no(`'${odd.slice(0, 80)}' is no id of a finding`);
  const problem = problemOf(change);
  if (problem !== null) return no(problem);
  rememberKey(state, `triage:${key}`);
  return APPLIED;
}

function problemOf(change: TriageChange): string | null {
  switch (change.what) {
    case 'assign':
      return change.to === null || NAME.test(change.to) ? null : `'${change.to.slice(0, 80)}' is no name of a person`;
    case 'status':
      return statusProblem(change);
    case 'comment': {
      const { length } = change.text;
      return length >= 1 && length <= COMMENT_MAX ? null : `a comment of ${length} characters: 1 to ${COMMENT_MAX}`;
    }
    default:
      return 'nothing that is known is said of the findings';
  }
}

function statusProblem({ status, resolution }: Extract<TriageChange, { what: 'status' }>): string | null {
  if (!TRIAGE_STATUSES.includes(status)) return 'the status is none that is known';
  if (status === 'closed') {
    return resolution !== null && RESOLUTIONS.includes(resolution) ? null : 'what is closed needs a resolution';
  }
  return resolution === null ? null : 'only what is closed has a resolution';
}
