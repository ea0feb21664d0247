/**
 * A finding as the board keeps it: its line as text, and beside it the few fields that lists filter, sort and search
 * by. A line is parsed again only where it is shown.
 */
import { type Finding, isPage, type Kind, SEVERITIES } from '../decide/finding.js';
import type { Group } from './cases.js';
import type { Cause, Tree } from './roots.js';
import { NEW, type Standing, type Step } from './standing.js';
import type { Resolution, TriageStatus } from './triage.js';

/** Kinds that say that an agent does less than usual. */
const QUIET: ReadonlySet<Kind> = new Set(['quiet']);
/** Name in the place of an agent's where a finding is about many. */
export const FLEET = 'fleet';
const SOFTENED = /; so do others \((f-[0-9a-f]{1,32})\)$/;
const SPACE = /\s+/;

/** Mutable; owned by the board alone. */
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
  /** What a search looks at, in small letters. */
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
  /** As last grouped; null: not yet. */
  group: Group | null;
}

/** The first line of a finding. */
export function createRow(finding: Finding, tree: Tree, cause: Cause): Row {
  const { id, tenant, agent, root, kind } = finding;
  const timeMs = Date.parse(finding.time);
  const row: Row = {
    ...{ id, tenant, agent, root, kind, tree, cause },
    isFleet: agent === FLEET,
    quiet: QUIET.has(kind),
    raisedMs: timeMs,
    ...{ line: '', text: '', rank: 0, risk: 0, detector: '', lastMs: timeMs, lines: 0, suppressed: false },
    ...{ pageMs: -1, steps: null, covered: null, standing: NEW, group: null },
  };
  takeLine(row, finding);
  return row;
}

/** Takes the latest line of the finding. */
export function takeLine(row: Row, finding: Finding): void {
  const timeMs = Date.parse(finding.time);
  const rank = SEVERITIES.indexOf(finding.severity);
  if (row.lines > 0 && rank !== row.rank) {
    const before = row.steps ?? [stepOf(row.raisedMs, row.rank, row.risk, findingOf(row).title)];
    row.steps = [...before, stepOf(timeMs, rank, finding.risk, finding.title)];
  }
  row.line = pack(finding);
  row.text = textOf(finding);
  row.rank = rank;
  row.risk = finding.risk;
  row.detector = finding.attribution[0]?.detector ?? '';
  row.lastMs = Math.max(row.lastMs, timeMs);
  row.lines += 1;
  row.suppressed = finding.mutedBy !== undefined;
  if (row.pageMs === -1 && isPage(finding.severity)) row.pageMs = timeMs;
  row.covered = SOFTENED.exec(finding.title)?.[1] ?? row.covered;
}

function stepOf(timeMs: number, rank: number, risk: number, title: string): Step {
  return { timeMs, rank, risk, title };
}

/** The latest line. */
export function findingOf({ line }: Row): Finding {
  return JSON.parse(line) as Finding;
}

/** ASCII takes a byte a character; one character beyond Latin-1 would take two of each. */
function pack(finding: Finding): string {
  return JSON.stringify(finding).replace(/[\u0080-\uffff]/g, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function textOf({ id, title, agent, root, session, kind, attribution }: Finding): string {
  const features = attribution.map(({ feature }) => feature);
  const names = root === agent ? [agent] : [agent, root];
  return [id, title, ...names, session ?? '', kind, ...features].join('\n').toLowerCase();
}

/** The words of a search, in small letters. */
export function wordsOf(search: string): readonly string[] {
  return search
    .toLowerCase()
    .split(SPACE)
    .filter((word) => word !== '');
}

/** Whether it counts as open; as `status` says, but shorter. */
export function isOpen(status: TriageStatus): boolean {
  return status !== 'closed';
}

/** Whether people said that nothing was wrong. */
export function isCleared(resolution: Resolution | null): boolean {
  return resolution === 'expected' || resolution === 'false-positive';
}
