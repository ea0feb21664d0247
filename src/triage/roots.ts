/** What findings have in common, kept once for all of them: their delegation tree, their cause, what explains them. */
import type { Finding, Kind } from '../decide/finding.js';
import { type Cause, FLEET, type Row, type Tree } from './row.js';

/** What stands before the endpoint in the titles of a kind. */
const BEFORE_ENDPOINT: Readonly<Partial<Record<Kind, string>>> = {
  'retry-loop': ' is retrying ',
  'error-burst': ', lately ',
  'new-endpoint': ' uses ',
  'new-target': ' uses ',
  'recurring-target': ' uses ',
  'privilege-creep': ', lately ',
  'novelty-creep': ', lately ',
  exfiltration: ', lately ',
};
const BEHIND_ENDPOINT = / on |, |: |; |$/;

/** The indexes; what no finding needs any more is forgotten. */
export class Roots {
  private readonly trees = new Map<string, Tree>();
  private readonly causes = new Map<string, Cause>();
  /** Findings by the id of the one about many that their titles name. */
  private readonly explained = new Map<string, Set<Row>>();

  tree(tenant: string, root: string): Tree | null {
    return this.trees.get(keyOf(tenant, root)) ?? null;
  }

  treeOf({ tenant, root }: Finding): Tree {
    const key = keyOf(tenant, root);
    let tree = this.trees.get(key);
    if (tree === undefined) {
      tree = { tenant, root, rows: [], groupedAt: -1, checkedAt: -1 };
      this.trees.set(key, tree);
    }
    return tree;
  }

  causeOf(finding: Finding): Cause {
    const key = finding.agent === FLEET ? FLEET : causeKey(finding);
    let cause = this.causes.get(key);
    if (cause === undefined) {
      cause = { key, rows: [], isClustered: false, clusteredAt: -1 };
      this.causes.set(key, cause);
    }
    return cause;
  }

  /** Findings that the one of this id explains. */
  explainedBy(id: string): Iterable<Row> {
    return this.explained.get(id) ?? [];
  }

  /** A finding is new: everything that it may belong to is to be looked at again. */
  add(row: Row): void {
    row.tree.rows.push(row);
    row.cause.rows.push(row);
    this.touch(row, null);
    if (row.isFleet) for (const one of this.explainedBy(row.id)) disturb(one);
  }

  /** A finding has another line; `covered` is what explained it before. */
  touch(row: Row, covered: string | null): void {
    if (row.covered !== covered) this.explain(row, covered);
    row.tree.groupedAt = -1;
    row.cause.isClustered = false;
  }

  /** Forgets rows, many at once. */
  drop(gone: ReadonlySet<Row>): void {
    const trees = new Set<Tree>();
    const causes = new Set<Cause>();
    for (const row of gone) {
      trees.add(row.tree);
      causes.add(row.cause);
      if (row.isFleet) for (const one of this.explainedBy(row.id)) disturb(one);
      if (row.covered !== null) this.unexplain(row, row.covered);
    }
    for (const tree of trees) {
      tree.rows = tree.rows.filter((row) => !gone.has(row));
      tree.groupedAt = -1;
      if (tree.rows.length === 0) this.trees.delete(keyOf(tree.tenant, tree.root));
    }
    for (const cause of causes) {
      cause.rows = cause.rows.filter((row) => !gone.has(row));
      cause.isClustered = false;
      if (cause.rows.length === 0) this.causes.delete(cause.key);
    }
  }

  private explain(row: Row, before: string | null): void {
    if (before !== null) this.unexplain(row, before);
    if (row.covered === null) return;
    const rows = this.explained.get(row.covered) ?? new Set();
    rows.add(row);
    this.explained.set(row.covered, rows);
  }

  private unexplain(row: Row, by: string): void {
    const rows = this.explained.get(by);
    rows?.delete(row);
    if (rows?.size === 0) this.explained.delete(by);
  }
}

function disturb({ tree, cause }: Row): void {
  tree.groupedAt = -1;
  cause.isClustered = false;
}

function keyOf(tenant: string, root: string): string {
  return `${tenant}\u0000${root}`;
}

function causeKey(finding: Finding): string {
  const feature = finding.attribution[0]?.feature ?? '';
  return [finding.tenant, finding.kind, feature, endpointOf(finding) ?? ''].join('\u0000');
}

/** The endpoint that the title of a finding names; null: none. */
export function endpointOf({ kind, title, agent }: Finding): string | null {
  const mark = BEFORE_ENDPOINT[kind];
  if (mark === undefined) return null;
  // The agent's own name comes first, and may hold anything.
  const from = title.indexOf(mark, title.startsWith(agent) ? agent.length : 0);
  if (from === -1) return null;
  const rest = title.slice(from + mark.length);
  return rest.slice(0, rest.search(BEHIND_ENDPOINT)) || null;
}
