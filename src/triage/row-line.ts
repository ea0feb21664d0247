/** Lines of findings into rows and back. A line is parsed again only where it is shown. */
import { type Finding, isPage, type Kind, SEVERITIES } from '../decide/finding.js';
import { type Cause, FLEET, type Row, type Tree } from './row.js';
import { NEW, type Step } from './standing.js';
import type { Resolution, TriageStatus } from './triage.js';

/** Kinds that say that an agent does less than usual. */
const QUIET: ReadonlySet<Kind> = new Set(['quiet']);
const SOFTENED = /; so do others \((f-[0-9a-f]{1,32})\)$/;
const SPACE = /\s+/;
const BEYOND_ASCII = /[\u0080-\uffff]/;
const BEYOND_ASCII_ALL = /[\u0080-\uffff]/g;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The first line of a finding. */
export function createRow(finding: Finding, tree: Tree, cause: Cause): Row {
  const { id, kind } = finding;
  // One copy of a name for all findings of its tree.
  const { tenant, root } = tree;
  const agent = finding.agent === root ? root : finding.agent;
  const timeMs = Date.parse(finding.time);
  const row: Row = {
    ...{ id, tenant, agent, root, kind, tree, cause },
    isFleet: agent === FLEET,
    quiet: QUIET.has(kind),
    raisedMs: timeMs,
    ...{ line: '', text: '', rank: 0, risk: 0, detector: '', lastMs: timeMs, lines: 0, suppressed: false },
    ...{ pageMs: -1, steps: null, covered: null, standing: NEW, cluster: null, run: null },
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
  return ascii(JSON.stringify(finding));
}

/** What replacing gives still takes two bytes; only what is decoded anew does not. */
function ascii(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  return decoder.decode(encoder.encode(text.replace(BEYOND_ASCII_ALL, escaped)));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function textOf({ id, title, agent, root, session, kind, attribution }: Finding): string {
  const features = attribution.map(({ feature }) => feature);
  const names = root === agent ? [agent] : [agent, root];
  return ascii([id, title, ...names, session ?? '', kind, ...features].join('\n').toLowerCase());
}

/** The words of a search, as `text` has them. */
export function wordsOf(search: string): readonly string[] {
  return ascii(search.toLowerCase())
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
