/**
 * Which findings belong together. Made from all findings kept, not from the order in which they arrived; only what a
 * change touches is made anew, when somebody asks. Every finding is in exactly one case, and a common cause goes before
 * the tree: an outage must not drag whatever else its agents did into one case without end.
 *
 * - fleet: a finding about many agents, with those whose titles name it, and what has one cause with them;
 * - cause: the same kind, measurement and endpoint, raised by at least AGENTS_MIN roots within a short time;
 * - tree: what is left of one root, as long as no pause is too long.
 */
import type { Roots } from './roots.js';
import type { Cause, Cluster, Group, Row, Tree } from './row.js';

/** Roots that make one cause of what each of them might have alone. */
const AGENTS_MIN = 3;

/** As BoardOptions has them. */
export interface CasesOptions {
  readonly casePauseMs: number;
  readonly causeWithinMs: number;
}

/** The cases of all findings kept. */
export class Cases {
  /** Number of changes so far. */
  private changes = 0;
  /** By their finding about many; good for as long as nothing changes. */
  private fleets = new Map<Row, Group>();

  constructor(
    private readonly roots: Roots,
    private readonly get: (id: string) => Row | undefined,
    private readonly options: CasesOptions,
  ) {}

  /** To be called after findings came, went or had another line. */
  changed(): void {
    this.changes += 1;
    if (this.fleets.size > 0) this.fleets = new Map();
  }

  /** The case that an id leads to: that of the finding that it names, wherever that is now; null: it is not kept. */
  find(id: string): Group | null {
    if (!id.startsWith('c-')) return null;
    const rest = id.slice(2);
    const row = this.get(`f-${rest}`) ?? this.get(rest);
    return row === undefined ? null : this.groupOf(row);
  }

  /** The case of a finding; the same object until something changes. */
  groupOf(row: Row): Group {
    const cluster = this.clusterOf(row);
    const fleet = this.fleetOf(row, cluster);
    if (fleet !== null) return this.fleetGroup(fleet);
    if (cluster !== null) {
      cluster.group ??= { reason: 'cause', rows: cluster.rows };
      return cluster.group;
    }
    this.settleTree(row.tree);
    return row.run as Group;
  }

  private fleetOf(row: Row, cluster: Cluster | null): Row | null {
    return row.isFleet ? row : (cluster?.fleet ?? this.covering(row));
  }

  /** The finding about many that the title names. An agent that puts an id in a name gets no further than its tenant. */
  private covering({ covered, tenant }: Row): Row | null {
    const fleet = covered === null ? undefined : this.get(covered);
    return fleet?.isFleet === true && fleet.tenant === tenant ? fleet : null;
  }

  private fleetGroup(fleet: Row): Group {
    const known = this.fleets.get(fleet);
    if (known !== undefined) return known;
    const rows = new Set([fleet]);
    for (const row of this.roots.explainedBy(fleet.id)) {
      const cluster = this.clusterOf(row);
      if (this.fleetOf(row, cluster) === fleet) for (const one of cluster?.rows ?? [row]) rows.add(one);
    }
    const group: Group = { reason: 'fleet', rows: [...rows].sort(byRaised) };
    this.fleets.set(fleet, group);
    return group;
  }

  private clusterOf(row: Row): Cluster | null {
    if (!row.cause.isClustered) this.settleCause(row.cause);
    return row.cluster;
  }

  private settleCause(cause: Cause): void {
    cause.isClustered = true;
    cause.clusteredAt = this.changes;
    cause.rows.sort(byRaised);
    clusterRows(cause.rows, this.options.causeWithinMs);
    for (const row of cause.rows) {
      const fleet = row.cluster === null ? null : this.covering(row);
      if (row.cluster === null || fleet === null) continue;
      if (row.cluster.fleet === null || byRaised(fleet, row.cluster.fleet) < 0) row.cluster.fleet = fleet;
    }
  }

  private settleTree(tree: Tree): void {
    if (tree.checkedAt === this.changes && tree.groupedAt !== -1) return;
    tree.checkedAt = this.changes;
    for (const row of tree.rows) this.clusterOf(row);
    const isGood = tree.groupedAt !== -1 && tree.rows.every(({ cause }) => cause.clusteredAt <= tree.groupedAt);
    if (isGood) return;
    tree.groupedAt = this.changes;
    this.run(tree.rows.sort(byRaised));
  }

  /** Cuts what has no better reason to belong together into runs without a long pause. */
  private run(rows: readonly Row[]): void {
    let running: Row[] = [];
    let group: Group = { reason: 'tree', rows: running };
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const row of rows) {
      row.run = null;
      if (row.cluster !== null || this.fleetOf(row, null) !== null) continue;
      if (row.raisedMs - lastMs > this.options.casePauseMs) {
        running = [];
        group = { reason: 'tree', rows: running };
      }
      running.push(row);
      row.run = group;
      lastMs = Math.max(lastMs, row.lastMs);
    }
  }
}

function byRaised(a: Row, b: Row): number {
  return a.raisedMs - b.raisedMs || (a.id < b.id ? -1 : 1);
}

/** Windows of one cause that hold enough roots; those that share a row are one. */
function clusterRows(rows: readonly Row[], causeWithinMs: number): void {
  for (const row of rows) row.cluster = null;
  if (rows.length < AGENTS_MIN || rows[0].isFleet) return;
  const counts = new Map<string, number>();
  let end = 0;
  let joined = 0;
  let cluster: Cluster = { rows: [], fleet: null, group: null };
  for (let start = 0; start < rows.length; start++) {
    for (; end < rows.length && rows[end].raisedMs - rows[start].raisedMs <= causeWithinMs; end++) {
      counts.set(rows[end].root, (counts.get(rows[end].root) ?? 0) + 1);
    }
    if (counts.size >= AGENTS_MIN) {
      if (start >= joined) cluster = { rows: [], fleet: null, group: null };
      for (let i = Math.max(start, joined); i < end; i++) {
        cluster.rows.push(rows[i]);
        rows[i].cluster = cluster;
      }
      joined = end;
    }
    const left = (counts.get(rows[start].root) ?? 1) - 1;
    if (left === 0) counts.delete(rows[start].root);
    else counts.set(rows[start].root, left);
  }
}

/** `c-` and the id of the first finding without `f-`. */
export function caseIdOf({ rows }: Group): string {
  return `c-${rows[0].id.replace(/^f-/, '')}`;
}
