/** Looks on while an engine takes one record, and then says what every room made of it. Changes nothing. */
import { DETECTORS } from '../agent/layout.js';
import { agentKey } from '../agent/table.js';
import { type Finding, SEVERITIES } from '../decide/finding.js';
import { causeOf } from '../engine/cause.js';
import type { OpenFinding } from '../engine/findings.js';
import type { Outcome } from '../engine/outcome.js';
import type { EngineRecord, EventRecord, ResponderRecord, SourceStateRecord } from '../engine/record.js';
import type { EngineState } from '../engine/state.js';
import type { Rejection } from '../event/event.js';
import type { Explanation, FindingVerdict, StepVerdict } from './explanation.js';
import type { ReplayDecision } from './replay-summary.js';
import { readEventVerdict, readTickVerdict } from './step-verdict.js';

const NOTHING: FindingVerdict = { outcome: 'none', lines: [], open: null, capped: false };

/** What is asked about. */
export interface Asked {
  /** Of an event or of a finding. */
  readonly id: string;
  /** The finding's line as it was written; null where none is known, or the id is an event's. */
  readonly stored: Finding | null;
  /** Partition of the log; null: a recording. */
  readonly partition: number | null;
}

export class Witness {
  /** What the registry made of the proposals; whoever knows adds to it. */
  readonly decisions: ReplayDecision[] = [];
  private late = 0;
  private duplicates = 0;
  /** Ids of the findings that were open before the record. */
  private open: ReadonlySet<string> = new Set();

  constructor(private readonly asked: Asked) {}

  /** Before each record; `isWanted`: it is the one that is asked about. */
  before({ counts, findings }: EngineState, isWanted: boolean): void {
    this.late = counts.late;
    this.duplicates = counts.duplicates;
    if (isWanted) this.open = new Set(findings.snapshot().flatMap(([, open]) => open.map(({ id }) => id)));
  }

  /** Right after the record; null for one that nobody asks about: a model, a configuration, facts of an agent. */
  explain(state: EngineState, record: EngineRecord, offset: number, outcome: Outcome): Explanation | null {
    if (record.type === 'event') return this.explainEvent(state, record, offset, outcome);
    if (record.type === 'source' || record.type === 'responder') return this.explainTold(record, offset, outcome);
    return record.type === 'tick' ? this.explainTick(state, record.timeMs, offset, outcome) : null;
  }

  /** A line that did not become a record. */
  explainRejection(rejection: Rejection, offset: number): Explanation {
    const base = { event: null, time: '', fate: 'rejected', step: null, finding: NOTHING, proposals: [] } as const;
    return { ...this.about(offset), ...base, rejection };
  }

  private about(offset: number): Pick<Explanation, 'id' | 'partition' | 'offset' | 'stored' | 'decisions'> {
    const { decisions } = this;
    return { ...this.asked, offset, decisions };
  }

  private explainEvent(state: EngineState, { event }: EventRecord, offset: number, outcome: Outcome): Explanation {
    const { counts, observation } = state;
    const step = observation.event === event ? readEventVerdict(state, event) : null;
    const missed = counts.duplicates > this.duplicates ? 'duplicate' : 'not-admitted';
    const scored = counts.late > this.late ? 'late' : 'scored';
    return {
      ...this.about(offset),
      time: new Date(event.timeMs).toISOString(),
      event,
      fate: step === null ? missed : scored,
      rejection: null,
      step,
      finding: this.findingOf(state, step, outcome.findings),
      proposals: [...outcome.proposals],
    };
  }

  /** Nothing is scored: the record itself says what happened. */
  private explainTold(record: SourceStateRecord | ResponderRecord, offset: number, outcome: Outcome): Explanation {
    const time = new Date(record.timeMs).toISOString();
    const finding = { ...NOTHING, lines: [...outcome.findings] };
    return {
      ...this.about(offset),
      time,
      event: null,
      fate: record.type,
      rejection: null,
      step: null,
      finding,
      proposals: [],
    };
  }

  private explainTick(state: EngineState, timeMs: number, offset: number, outcome: Outcome): Explanation {
    const { id, stored } = this.asked;
    const finding = outcome.findings.find((line) => line.id === id) ?? stored;
    const step = finding === null ? null : readTickVerdict(state, finding, timeMs);
    const mine = outcome.findings.filter((line) => line.id === finding?.id);
    return {
      ...this.about(offset),
      time: new Date(timeMs).toISOString(),
      event: null,
      fate: 'tick',
      rejection: null,
      step,
      finding: this.findingOf(state, step, mine),
      proposals: outcome.proposals.filter((proposal) => proposal.finding === finding?.id),
    };
  }

  private findingOf(state: EngineState, step: StepVerdict | null, written: readonly Finding[]): FindingVerdict {
    const lines = [...written];
    if (step === null) return { ...NOTHING, lines };
    const { tenant, root, bound } = step.identity;
    const books = new Map<string, OpenFinding[]>(state.findings.snapshot());
    const kind = kindOf(state, step);
    const open = (books.get(agentKey(tenant, root, bound)) ?? []).find((one) =>
      lines.length > 0 ? one.id === lines[0].id : one.kind === kind,
    );
    if (open === undefined || (lines.length === 0 && step.severity === null)) return { ...NOTHING, lines };
    const fresh = this.open.has(open.id) ? 'rose' : 'raised';
    const capped = SEVERITIES.indexOf(open.shown) < SEVERITIES.indexOf(open.reached);
    return { outcome: lines.length > 0 ? fresh : 'absorbed', lines, open, capped };
  }
}

function kindOf(state: EngineState, step: StepVerdict): string {
  if (step.session === null) return 'quiet';
  const top = step.detectors.reduce((most, one) => (one.share > most.share ? one : most));
  return causeOf(DETECTORS.indexOf(top.name), state.observation, state.readings);
}
