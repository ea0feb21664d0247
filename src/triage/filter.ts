/** Which findings a list is of. */
import { SEVERITIES } from '../decide/finding.js';
import type { Group } from './cases.js';
import { type Row, wordsOf } from './row.js';
import type { TriageFilter } from './triage.js';

/** Whether a row is of the list; `group` is the case that the filter names, null where it names none that there is. */
export function matching(filter: TriageFilter, group: Group | null): (row: Row) => boolean {
  const { tenant, agent, detector, statuses, assignee, quiet, suppressed, fromMs, toMs, visible } = filter;
  const kinds = filter.kinds === undefined ? null : new Set<string>(filter.kinds);
  const rank = filter.severity === undefined ? 0 : SEVERITIES.indexOf(filter.severity);
  const words = filter.search === undefined ? [] : wordsOf(filter.search);
  return (row) => {
    const { standing } = row;
    if (row.rank < rank) return false;
    if (tenant !== undefined && row.tenant !== tenant) return false;
    if (agent !== undefined && row.agent !== agent && row.root !== agent) return false;
    if (kinds?.has(row.kind) === false) return false;
    if (detector !== undefined && row.detector !== detector) return false;
    if (statuses?.includes(standing.status) === false) return false;
    if (assignee !== undefined && standing.assignee !== assignee) return false;
    if (filter.case !== undefined && (group === null || row.group !== group)) return false;
    if (quiet !== undefined && row.quiet !== quiet) return false;
    if (suppressed !== undefined && row.suppressed !== suppressed) return false;
    if (fromMs !== undefined && row.raisedMs < fromMs) return false;
    if (toMs !== undefined && row.raisedMs >= toMs) return false;
    // What the asker may not see must not show in how long an answer takes either.
    if (visible !== undefined && !visible(row)) return false;
    return words.every((word) => row.text.includes(word));
  };
}
