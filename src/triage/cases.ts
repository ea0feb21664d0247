/**
 * Which findings belong together. Made anew from all findings kept, so that the order in which they arrived cannot
 * matter. Every finding is in exactly one case, and a common cause goes before the tree: an outage must not drag
 * whatever else its agents did into one case without end.
 *
 * - fleet: a finding about many agents, with those whose titles name it, and what has one cause with them;
 * - cause: the same kind, measurement and endpoint, raised by at least AGENTS_MIN roots within a short time;
 * - tree: what is left of one root, as long as no pause is too long.
 */
import type { Cause } from './roots.js';
import type { Row } from './row.js';

/** Roots that make one cause of what each of them might have alone. */
const AGENTS_MIN = 3;

/** A case: its findings, oldest first. */
export interface Group {
  readonly reason: 'tree' | 'cause' | 'fleet';
  readonly rows: Row[];
}

/** Findings of one cause at one time. */
interface Cluster {
  fleet: Row | null;
  group: Group | null;
}

export interface GroupingOptions {
  readonly casePauseMs: number;
  readonly causeWithinMs: number;
}

/** Groups all findings; `newestFirst` is the list of them by when they were raised. */
export function groupRows(
  newestFirst: readonly Row[],
  get: (id: string) => Row | undefined,
  { casePauseMs, causeWithinMs }: GroupingOptions,
): void {
  const clusters = clusterRows(newestFirst, causeWithinMs);
  joinFleet(clusters, get);
  const fleets = new Map<Row, Group>();
  for (const { tree } of newestFirst) tree.running = null;
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const row = newestFirst[i];
    const cluster = clusters.get(row);
    const fleet = row.isFleet ? row : (cluster?.fleet ?? coveringOf(row, get));
    if (fleet !== null) row.group = groupOf(fleets, fleet);
    else if (cluster !== undefined) row.group = cluster.group ??= { reason: 'cause', rows: [] };
    else row.group = runOf(row, casePauseMs);
    row.group.rows.push(row);
  }
  for (const { tree } of newestFirst) tree.running = null;
}

function groupOf(fleets: Map<Row, Group>, fleet: Row): Group {
  let group = fleets.get(fleet);
  if (group === undefined) {
    group = { reason: 'fleet', rows: [] };
    fleets.set(fleet, group);
  }
  return group;
}

/** The case of the row's tree that goes on, or a new one. */
function runOf({ tree, raisedMs, lastMs }: Row, casePauseMs: number): Group {
  if (tree.running === null || raisedMs - tree.runningMs > casePauseMs) {
    tree.running = { reason: 'tree', rows: [] };
    tree.runningMs = lastMs;
  }
  tree.runningMs = Math.max(tree.runningMs, lastMs);
  return tree.running;
}

/** Rows that share their cause with enough others. */
function clusterRows(newestFirst: readonly Row[], causeWithinMs: number): Map<Row, Cluster> {
  const causes: Cause[] = [];
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const row = newestFirst[i];
    if (row.isFleet || row.cause.count < AGENTS_MIN) continue;
    if (row.cause.rows.length === 0) causes.push(row.cause);
    row.cause.rows.push(row);
  }
  const clusters = new Map<Row, Cluster>();
  for (const cause of causes) {
    if (cause.rows.length >= AGENTS_MIN) clusterCause(cause.rows, causeWithinMs, clusters);
    cause.rows = [];
  }
  return clusters;
}

/** Windows that hold enough roots; those that share a row are one. */
function clusterCause(rows: readonly Row[], causeWithinMs: number, clusters: Map<Row, Cluster>): void {
  const counts = new Map<string, number>();
  let end = 0;
  let joined = 0;
  let cluster: Cluster = { fleet: null, group: null };
  for (let start = 0; start < rows.length; start++) {
    for (; end < rows.length && rows[end].raisedMs - rows[start].raisedMs <= causeWithinMs; end++) {
      counts.set(rows[end].root, (counts.get(rows[end].root) ?? 0) + 1);
    }
    if (counts.size >= AGENTS_MIN) {
      if (start >= joined) cluster = { fleet: null, group: null };
      for (let i = Math.max(start, joined); i < end; i++) clusters.set(rows[i], cluster);
      joined = end;
    }
    const left = (counts.get(rows[start].root) ?? 1) - 1;
    if (left === 0) counts.delete(rows[start].root);
    else counts.set(rows[start].root, left);
  }
}

/** A cluster of which any row is explained by a finding about many is explained by it as a whole; by the first of several. */
function joinFleet(clusters: ReadonlyMap<Row, Cluster>, get: (id: string) => Row | undefined): void {
  for (const [row, cluster] of clusters) {
    const fleet = coveringOf(row, get);
    if (fleet === null) continue;
    if (cluster.fleet === null || isEarlier(fleet, cluster.fleet)) cluster.fleet = fleet;
  }
}

function isEarlier(a: Row, b: Row): boolean {
  return a.raisedMs < b.raisedMs || (a.raisedMs === b.raisedMs && a.id < b.id);
}

/** The finding about many that the row's title names. An agent that puts an id in a name gets no further than its tenant. */
function coveringOf({ covered, tenant }: Row, get: (id: string) => Row | undefined): Row | null {
  const fleet = covered === null ? undefined : get(covered);
  return fleet?.isFleet === true && fleet.tenant === tenant ? fleet : null;
}

/** `c-` and the id of the first finding without `f-`. */
export function caseIdOf({ rows }: Group): string {
  return `c-${rows[0].id.replace(/^f-/, '')}`;
}

/** The case that an id leads to: that of the finding that it names, wherever that is now. */
export function findGroup(id: string, get: (id: string) => Row | undefined): Group | null {
  if (!id.startsWith('c-')) return null;
  const rest = id.slice(2);
  return (get(`f-${rest}`) ?? get(rest))?.group ?? null;
}
