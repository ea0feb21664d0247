/**
 * Room triage/: findings as people work on them. A pure fold over the lines of `log:findings` and the changes of
 * `log:registry`: who has which finding, what was said of it, which belong together as a case, how much risk an agent
 * carries, how often each detector is right, and how many pages a day the people who are paged can bear.
 *
 * Promises: everything here follows from the two logs, so every process that reads them shows the same, also after a
 * restart, and in whatever order lines of several partitions arrive. It writes nothing and decides nothing about
 * agents; memory is bounded by the number of findings kept.
 */
import type { Finding, Severity } from '../decide/finding.js';
import type { RegistryRecord, Resolution, TriageStatus, Verdict } from '../registry/registry.js';

export {
  RESOLUTIONS,
  type Resolution,
  TRIAGE_STATUSES,
  type TriageChange,
  type TriageStatus,
} from '../registry/registry.js';

/** A record of the registry with what the fold made of it. */
export interface TriageInput {
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

/** A finding as it stands now. */
export interface FindingState {
  /** Its latest line. */
  readonly finding: Finding;
  /** When it was raised (the oldest of its lines that was read), ms. */
  readonly raisedMs: number;
  /** Time of its latest line, ms. */
  readonly lastMs: number;
  readonly lines: number;
  readonly status: TriageStatus;
  readonly resolution: Resolution | null;
  /** Name of the person who has it; null: nobody. */
  readonly assignee: string | null;
  readonly closedMs: number | null;
  readonly comments: number;
  /** Verdicts on it, oldest first: id and word. */
  readonly verdicts: readonly { readonly id: string; readonly verdict: string; readonly undone: boolean }[];
  /** Id of its case. */
  readonly case: string;
  /** Kinds that say that an agent does less than usual: shown apart, because silence is no attack. */
  readonly quiet: boolean;
  /** A verdict or a suppression made a notice of it. */
  readonly suppressed: boolean;
}

/** One thing that happened to a finding or a case, for its timeline. */
export interface TimelineEntry {
  readonly timeMs: number;
  readonly what:
    | 'raised'
    | 'risen'
    | 'proposed'
    | 'recommended'
    | 'stopped'
    | 'released'
    | 'effect'
    | 'attempt'
    | 'denied'
    | 'verdict'
    | 'verdict-undone'
    | 'assigned'
    | 'status'
    | 'comment'
    | 'approval';
  /** 'engine', 'system', or 'person:NAME'. */
  readonly actor: string;
  /** A sentence; text of people stands in it as they wrote it. */
  readonly words: string;
  /** Finding that it is about; null: the agent. */
  readonly finding: string | null;
}

/** Whose a finding is: all that is needed to say who may see it. */
export type Whose = Pick<Finding, 'tenant' | 'agent' | 'root'>;
/** What an asker may see. */
export type Visible = (whose: Whose) => boolean;

/** Which findings a list is of. What is left out does not filter. */
export interface TriageFilter {
  readonly tenant?: string | undefined;
  /** The acting agent or the root of its tree. */
  readonly agent?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly detector?: string | undefined;
  /** This severity or worse. */
  readonly severity?: Severity | undefined;
  readonly statuses?: readonly TriageStatus[] | undefined;
  /** null: nobody's. */
  readonly assignee?: string | null | undefined;
  readonly case?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly suppressed?: boolean | undefined;
  /** Raised at or after, ms. */
  readonly fromMs?: number | undefined;
  /** Raised before, ms. */
  readonly toMs?: number | undefined;
  /** Words that must all stand in its id, title, agent, root, session, kind or features; case does not matter. */
  readonly search?: string | undefined;
  /** What the asker may see. */
  readonly visible?: Visible | undefined;
}

/** By latest line, when raised, risk, or severity. */
export const FINDING_SORTS = ['last', 'raised', 'risk', 'severity'] as const;
/** Newest, or worst, first. */
export type FindingSort = (typeof FINDING_SORTS)[number];

/** A page; the cursor goes on behind its last row even where rows came or went meanwhile. */
export interface TriagePage<T> {
  readonly rows: readonly T[];
  /** Opaque, URL-safe, at most 200 characters; null: this was the last. */
  readonly cursor: string | null;
  /** Rows that match in all. */
  readonly total: number;
}

/** Findings that belong together: of one delegation tree without a long pause, or of one cause over several agents at one time. */
export interface CaseState {
  /** `c-` and the id of its first finding without `f-`; ids of cases that it grew together with still lead to it. */
  readonly id: string;
  readonly tenant: string;
  /** Roots, worst first. */
  readonly agents: readonly string[];
  /** A sentence. */
  readonly title: string;
  /** Why they are one: 'tree', 'cause', or 'fleet'. */
  readonly reason: 'tree' | 'cause' | 'fleet';
  readonly severity: Severity;
  readonly risk: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Ids, oldest first. */
  readonly findings: readonly string[];
  readonly open: number;
  /** 'closed' where all are; 'in-progress' where any is, or some are closed. */
  readonly status: TriageStatus;
  /** Assignees of its open findings. */
  readonly assignees: readonly string[];
  readonly quiet: boolean;
}

/** How often people found a detector right. Counts are findings that it led, by their latest verdict in force or run out. */
export interface DetectorPrecision {
  readonly detector: string;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly expected: number;
  /** truePositives / all judged; null: none was judged. */
  readonly precision: number | null;
  /** Wilson interval at 95 %. */
  readonly low: number;
  readonly high: number;
}

/** How the pages of the fleet stand against what people said they can bear. */
export interface PageBudgetState {
  /** Pages a day for all agents together; null: nobody said. */
  readonly perDay: number | null;
  /** Raised in the 24 h before, by hour, oldest first. */
  readonly hours: readonly number[];
  /** Raised in the UTC day so far. */
  readonly today: number;
  /** Findings of medium severity that a budget of the UTC day has no room for, worst first. */
  readonly held: readonly string[];
}

/** Something changed; for whoever follows. */
export interface TriageEvent {
  /** Grows by one; of this process alone. */
  readonly seq: number;
  readonly type: 'finding' | 'agent';
  readonly tenant: string;
  /** Root. */
  readonly agent: string;
  /** Id of the finding; null where type is 'agent' (a stop, a release, a register record). */
  readonly finding: string | null;
}

/** Limits and times of a board; all memory is bounded by `findingsMax`. */
export interface BoardOptions {
  /** Findings kept; those whose latest line is oldest go first. */
  readonly findingsMax: number;
  /** Findings of one tree with a longer pause between them are of two cases, ms. */
  readonly casePauseMs: number;
  /** Findings of one cause on several agents are of one case where they were raised within this, ms. */
  readonly causeWithinMs: number;
  /** Halves what is left of a closed finding's risk, ms. */
  readonly decayMs: number;
  /** Pages a day that the people who are paged can bear, for all agents together; null: nobody said. */
  readonly pagesPerDay: number | null;
}

/** The fold, and what can be asked of it. */
export interface TriageBoard {
  /** Takes a line of `log:findings`. */
  add(finding: Finding): void;
  /** Takes a change of the registry, from the first one on. */
  note(change: TriageInput): void;
  /** Throws 'api.invalid' where the cursor is none of a list of this sort; `cases` likewise. */
  list(filter: TriageFilter, sort: FindingSort, limit: number, cursor: string | null): TriagePage<FindingState>;
  get(id: string): FindingState | null;
  /** Oldest first, at most 1,000; of a finding with what was done to its agent from it on until it closed. */
  timeline(id: string): readonly TimelineEntry[];
  cases(filter: TriageFilter, sort: FindingSort, limit: number, cursor: string | null): TriagePage<CaseState>;
  /** Made of what is visible alone; null: there is none, or nothing of it is. */
  case(id: string, visible?: Visible): CaseState | null;
  caseTimeline(id: string, visible?: Visible): readonly TimelineEntry[];
  /**
   * 0 to 100 at a time: the worst open page of the tree, or what is left of closed ones and of notices, halved every
   * `decay`. What was expected, false, suppressed or mere silence leaves nothing.
   */
  risk(tenant: string, root: string, atMs: number): number;
  /** Whose the findings are that are not closed: each of them once, in any order, without a look at its line. */
  eachOpen(take: (whose: Whose) => void): void;
  /** By detector name; counts of findings whose agents `visible` admits. */
  precision(visible?: Visible): readonly DetectorPrecision[];
  pages(atMs: number): PageBudgetState;
  /** Events behind `seq`, at most `max`; null: some of them are forgotten. */
  since(seq: number, max: number): readonly TriageEvent[] | null;
  /** The last event's number. */
  readonly seq: number;
  /** Called after each event until the function returned is called. */
  subscribe(listener: () => void): () => void;
  readonly size: number;
}
