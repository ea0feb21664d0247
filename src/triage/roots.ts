/** What findings have in common, kept once for all of them: their delegation tree, and what they say. */
import type { Finding, Kind } from '../decide/finding.js';
import type { Group } from './cases.js';
import type { Row } from './row.js';

/** The findings of one root of a tenant. */
export interface Tree {
  readonly tenant: string;
  readonly root: string;
  /** In order of arrival. */
  rows: Row[];
  /** Scratch of the grouping: its case that may go on. */
  running: Group | null;
  runningMs: number;
}

/** The same kind, measurement and endpoint in one tenant. */
export interface Cause {
  readonly key: string;
  /** Findings of it that are kept. */
  count: number;
  /** Scratch of the grouping. */
  rows: Row[];
}

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

/** Both indexes; what no finding needs any more is forgotten. */
export class Roots {
  private readonly trees = new Map<string, Tree>();
  private readonly causes = new Map<string, Cause>();

  tree(tenant: string, root: string): Tree | null {
    return this.trees.get(keyOf(tenant, root)) ?? null;
  }

  treeOf({ tenant, root }: Finding): Tree {
    const key = keyOf(tenant, root);
    let tree = this.trees.get(key);
    if (tree === undefined) {
      tree = { tenant, root, rows: [], running: null, runningMs: 0 };
      this.trees.set(key, tree);
    }
    return tree;
  }

  causeOf(finding: Finding): Cause {
    const key = causeKey(finding);
    let cause = this.causes.get(key);
    if (cause === undefined) {
      cause = { key, count: 0, rows: [] };
      this.causes.set(key, cause);
    }
    return cause;
  }

  add(row: Row): void {
    row.tree.rows.push(row);
    row.cause.count += 1;
  }

  /** Forgets rows, many at once. */
  drop(gone: ReadonlySet<Row>): void {
    const trees = new Set<Tree>();
    for (const row of gone) {
      trees.add(row.tree);
      row.cause.count -= 1;
      if (row.cause.count === 0) this.causes.delete(row.cause.key);
    }
    for (const tree of trees) {
      tree.rows = tree.rows.filter((row) => !gone.has(row));
      if (tree.rows.length === 0) this.trees.delete(keyOf(tree.tenant, tree.root));
    }
  }
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
