/** What the board keeps: findings, and what several of them have in common. Mutable; owned by the board alone. */
import type { Kind } from '../decide/finding.js';
import type { Standing, Step } from './standing.js';

/** Name in the place of an agent's where a finding is about many. */
export const FLEET = 'fleet';

/** A finding: its line as text, and the fields that lists filter, sort and search by. */
export interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
  readonly kind: Kind;
  readonly tree: Tree;
  /** What other agents' findings may have in common with it. */
  readonly cause: Cause;
  readonly isFleet: boolean;
  readonly quiet: boolean;
  readonly raisedMs: number;
  /** Its latest line as JSON, ASCII. */
  line: string;
  /** What a search looks at, in small letters and ASCII. */
  text: string;
  /** Place in SEVERITIES. */
  rank: number;
  risk: number;
  /** Of the leading attribution; '' where there is none. */
  detector: string;
  lastMs: number;
  lines: number;
  suppressed: boolean;
  /** When it became a page, ms; -1: it is none. */
  pageMs: number;
  /** Lines that changed its severity, the first included; null: there is one line. */
  steps: readonly Step[] | null;
  /** Id of the finding about many that its title names. */
  covered: string | null;
  standing: Standing;
  /** With findings of one cause at one time, as cases.ts found last. */
  cluster: Cluster | null;
  /** With others of its tree, likewise. */
  run: Group | null;
}

/** The findings of one root of a tenant. */
export interface Tree {
  readonly tenant: string;
  readonly root: string;
  rows: Row[];
  /** Number of the change after which its cases were made; -1: they are to be made anew. */
  groupedAt: number;
  /** Number of the change after which they were last found to be good. */
  checkedAt: number;
}

/** The same kind, measurement and endpoint in one tenant. */
export interface Cause {
  readonly key: string;
  rows: Row[];
  isClustered: boolean;
  /** Number of the change after which it was clustered. */
  clusteredAt: number;
}

/** Findings of one cause at one time, oldest first. */
export interface Cluster {
  readonly rows: Row[];
  /** The finding about many that explains any of them. */
  fleet: Row | null;
  group: Group | null;
}

/** A case: its findings, oldest first. */
export interface Group {
  readonly reason: 'tree' | 'cause' | 'fleet';
  readonly rows: readonly Row[];
}
