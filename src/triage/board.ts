/** The board: takes lines and changes, and answers from memory. What is derived is made anew when it is asked for. */
import type { Finding } from '../decide/finding.js';
import type { RegistryRecord } from '../registry/registry.js';
import { AgentLog } from './agent-log.js';
import { Bell } from './bell.js';
import { type CaseSummary, caseStateOf, summaryOf } from './case-state.js';
import { Cases, caseIdOf } from './cases.js';
import { type Deed, deedsOf } from './change-words.js';
import { matching } from './filter.js';
import { comparing, pageOf } from './order.js';
import { pagesAt } from './pages.js';
import { PrecisionBook } from './precision.js';
import { riskAt } from './risk.js';
import type { Group, Row } from './row.js';
import { findingOf } from './row-line.js';
import { Shelf } from './shelf.js';
import { standingOf } from './standing.js';
import { timelineOf } from './timeline.js';
import type {
  BoardOptions,
  CaseState,
  DetectorPrecision,
  FindingSort,
  FindingState,
  PageBudgetState,
  TimelineEntry,
  TriageBoard,
  TriageEvent,
  TriageFilter,
  TriageInput,
  TriagePage,
  Visible,
  Whose,
} from './triage.js';
import { WordBook } from './word-book.js';

/** Timeline entries of agents, per finding kept. */
const DEEDS_PER_FINDING = 2;
/** Records that change nothing that is shown of an agent. */
const SILENT: ReadonlySet<RegistryRecord['type']> = new Set(['effect', 'attempt', 'denied']);

/** An empty board. */
export function createBoard(options: BoardOptions): TriageBoard {
  return new Board(options);
}

class Board implements TriageBoard {
  private readonly shelf: Shelf;
  private readonly words: WordBook;
  private readonly log: AgentLog;
  private readonly bell = new Bell();
  private readonly judged = new PrecisionBook();
  private readonly grouping: Cases;

  constructor(private readonly options: BoardOptions) {
    this.shelf = new Shelf(options.findingsMax);
    this.grouping = new Cases(this.shelf.roots, (id) => this.shelf.get(id), options);
    this.words = new WordBook(options.findingsMax);
    this.log = new AgentLog(DEEDS_PER_FINDING * options.findingsMax);
  }

  add(finding: Finding): void {
    const row = this.shelf.take(finding);
    this.stand(row);
    for (const { id } of this.shelf.trim()) this.words.forget(id);
    this.grouping.changed();
    this.bell.ring({ type: 'finding', tenant: row.tenant, agent: row.root, finding: row.id });
  }

  note(change: TriageInput): void {
    this.judged.take(change);
    const told: Row[] = [];
    for (const id of this.words.take(change)) {
      const row = this.shelf.get(id);
      if (row === undefined) continue;
      this.stand(row);
      told.push(row);
    }
    const deeds = deedsOf(change);
    for (const { tenant, agent, entry } of deeds) this.log.add(tenant, agent, entry);
    for (const { id, tenant, root } of told) this.bell.ring({ type: 'finding', tenant, agent: root, finding: id });
    this.ringAgents(change, deeds);
  }

  private ringAgents({ record, verdict }: TriageInput, deeds: readonly Deed[]): void {
    const ring = (tenant: string, agent: string) => this.bell.ring({ type: 'agent', tenant, agent, finding: null });
    if (record.type === 'register' && verdict.effect === 'applied') ring(record.tenant, record.agent);
    if (SILENT.has(record.type)) return;
    for (const { tenant, agent } of deeds) if (tenant !== null && agent !== null) ring(tenant, agent);
  }

  list(filter: TriageFilter, sort: FindingSort, limit: number, cursor: string | null): TriagePage<FindingState> {
    const rows = this.shelf.inOrder(sort).filter(this.matching(filter));
    return pageOf(rows, sort, limit, cursor, (row) => this.stateOf(row));
  }

  get(id: string): FindingState | null {
    const row = this.shelf.get(id);
    return row === undefined ? null : this.stateOf(row);
  }

  timeline(id: string): readonly TimelineEntry[] {
    const row = this.shelf.get(id);
    return row === undefined ? [] : timelineOf([row], this.words, this.log);
  }

  cases(filter: TriageFilter, sort: FindingSort, limit: number, cursor: string | null): TriagePage<CaseState> {
    // A case has a status of its own; all else is asked of its findings.
    const { statuses, ...rest } = filter;
    const groups = new Set<Group>();
    const matches = this.matching(rest);
    for (const row of this.shelf.all()) if (matches(row)) groups.add(this.grouping.groupOf(row));
    const summaries: CaseSummary[] = [];
    for (const group of groups) {
      const summary = summaryOf(group, filter.visible);
      if (summary !== null && statuses?.includes(summary.status) !== false) summaries.push(summary);
    }
    return pageOf(summaries.sort(comparing(sort)), sort, limit, cursor, caseStateOf);
  }

  case(id: string, visible?: Visible): CaseState | null {
    const summary = this.summary(id, visible);
    return summary === null ? null : caseStateOf(summary);
  }

  caseTimeline(id: string, visible?: Visible): readonly TimelineEntry[] {
    const summary = this.summary(id, visible);
    return summary === null ? [] : timelineOf(summary.rows, this.words, this.log);
  }

  risk(tenant: string, root: string, atMs: number): number {
    return riskAt(this.shelf.roots.tree(tenant, root)?.rows ?? [], atMs, this.options.decayMs);
  }

  eachOpen(take: (whose: Whose) => void): void {
    for (const row of this.shelf.all()) if (row.standing.status !== 'closed') take(row);
  }

  precision(visible?: Visible): readonly DetectorPrecision[] {
    const found = new Set<string>();
    for (const row of this.shelf.all()) {
      if (row.detector !== '' && !found.has(row.detector) && (visible === undefined || visible(row))) {
        found.add(row.detector);
      }
    }
    return this.judged.list(found, (id) => this.shelf.get(id) ?? null, visible);
  }

  pages(atMs: number): PageBudgetState {
    return pagesAt(this.shelf.all(), atMs, this.options.pagesPerDay);
  }

  since(seq: number, max: number): readonly TriageEvent[] | null {
    return this.bell.since(seq, max);
  }

  get seq(): number {
    return this.bell.seq;
  }

  subscribe(listener: () => void): () => void {
    return this.bell.subscribe(listener);
  }

  get size(): number {
    return this.shelf.size;
  }

  private matching(filter: TriageFilter): (row: Row) => boolean {
    if (filter.case === undefined) return matching(filter, null);
    return matching(filter, new Set(this.grouping.find(filter.case)?.rows));
  }

  private summary(id: string, visible: Visible | undefined): CaseSummary | null {
    const group = this.grouping.find(id);
    return group === null ? null : summaryOf(group, visible);
  }

  private stand(row: Row): void {
    const { raisedMs, rank, risk } = row;
    const steps = row.steps ?? [{ timeMs: raisedMs, rank, risk, title: '' }];
    row.standing = standingOf(steps, this.words.of(row.id));
  }

  private stateOf(row: Row): FindingState {
    const { status, resolution, assignee, closedMs, comments, verdicts } = row.standing;
    return {
      finding: findingOf(row),
      ...{ raisedMs: row.raisedMs, lastMs: row.lastMs, lines: row.lines },
      ...{ status, resolution, assignee, closedMs, comments, verdicts },
      case: caseIdOf(this.grouping.groupOf(row)),
      ...{ quiet: row.quiet, suppressed: row.suppressed },
    };
  }
}
