/**
 * The queue as it is shown. What is in it may change where it stands; nothing comes in between and nothing goes while a
 * person looks, so that the row under the cursor is always the one that a key was meant for. What is new waits.
 */
import type { FindingStateAnswer, FindingStatesAnswer } from '../api/triage-schema.js';

export type QueueRow = FindingStateAnswer;

/** A finding as it is now, as far as a list needs it. */
export type FindingSummary = Pick<
  FindingStateAnswer,
  | ('id' | 'tenant' | 'agent' | 'root' | 'title' | 'kind' | 'severity' | 'risk')
  | ('status' | 'resolution' | 'assignee' | 'case' | 'raised_ms' | 'last_ms' | 'quiet' | 'suppressed')
>;

export interface QueueList {
  readonly rows: readonly QueueRow[];
  readonly cursor: string | null;
  readonly total: number;
  /** Ids of what came since. */
  readonly waiting: ReadonlySet<string>;
  /** More happened than was told: only reading anew helps. */
  readonly isStale: boolean;
}

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'];

/** Filters that an address may hold: those of GET /v1/findings. */
export const FILTERS = [
  ...['tenant', 'agent', 'kinds', 'detector', 'severity', 'statuses', 'assignee', 'case', 'quiet', 'suppressed'],
  ...['from_ms', 'to_ms', 'search', 'sort'],
] as const;

/** What is asked for where the address says nothing else: open pages, the latest first; quiet agents apart. */
const USUAL: Readonly<Record<string, string>> = {
  severity: 'medium',
  statuses: 'new,in-progress',
  quiet: 'false',
  sort: 'last',
};

export type QueueFilter = Readonly<Record<string, string>>;

export function filterOf(query: URLSearchParams): QueueFilter {
  const filter: Record<string, string> = { ...USUAL };
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value !== null) filter[name] = value;
  }
  return filter;
}

/** The address of the queue with some of its filters set; null takes one out, so that the usual holds. */
export function queueLink(query: URLSearchParams, change: Readonly<Record<string, string | null>>): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || USUAL[name] === value) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString().replaceAll('%2C', ',');
  return text === '' ? '#/queue' : `#/queue?${text}`;
}

export function listOf({ findings, cursor, total }: FindingStatesAnswer): QueueList {
  return { rows: findings, cursor, total, waiting: new Set(), isStale: false };
}

/** A further page, behind what is there. */
export function extended(list: QueueList, { findings, cursor, total }: FindingStatesAnswer): QueueList {
  const known = new Set(list.rows.map(({ id }) => id));
  return { ...list, rows: [...list.rows, ...findings.filter(({ id }) => !known.has(id))], cursor, total };
}

/** With one finding as it is now: in its row where it has one; else it waits, if the list would hold it. */
export function updated(list: QueueList, finding: FindingSummary, filter: QueueFilter, me: string): QueueList {
  if (list.rows.some(({ id }) => id === finding.id)) {
    return { ...list, rows: list.rows.map((row) => (row.id === finding.id ? { ...row, ...finding } : row)) };
  }
  if (list.waiting.has(finding.id) || !belongs(finding, filter, me)) return list;
  return { ...list, waiting: new Set([...list.waiting, finding.id]) };
}

/** As far as can be told without asking: of a search, the words in what is shown. */
export function belongs(finding: FindingSummary, filter: QueueFilter, me: string): boolean {
  const { severity = 'info', statuses, assignee, quiet, suppressed, agent, tenant, search, kinds } = filter;
  const wanted = assignee === 'me' ? me : assignee;
  return (
    SEVERITIES.indexOf(finding.severity) >= SEVERITIES.indexOf(severity) &&
    (statuses === undefined || statuses.split(',').includes(finding.status)) &&
    (kinds === undefined || kinds.split(',').includes(finding.kind)) &&
    (quiet === undefined || String(finding.quiet) === quiet) &&
    (suppressed === undefined || String(finding.suppressed) === suppressed) &&
    (tenant === undefined || finding.tenant === tenant) &&
    (agent === undefined || finding.agent === agent || finding.root === agent) &&
    (filter['case'] === undefined || finding.case === filter['case']) &&
    (wanted === undefined || (finding.assignee ?? '') === wanted) &&
    (search === undefined || holds(finding, search))
  );
}

function holds({ id, title, agent, kind }: FindingSummary, search: string): boolean {
  const text = `${id} ${title} ${agent} ${kind}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
