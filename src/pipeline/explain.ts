/**
 * Explains one event or finding of a recording: runs the recording again up to it and reads every room's verdict off
 * the engine. Nothing is stored for this: the same records give the same verdicts.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { DETECTORS } from '../agent/layout.js';
import { rootOf } from '../agent/lineage.js';
import { agentKey } from '../agent/table.js';
import { type Finding, SEVERITIES } from '../decide/finding.js';
import { causeOf } from '../engine/cause.js';
import type { OpenFinding } from '../engine/findings.js';
import type { Outcome } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { EngineState } from '../engine/state.js';
import { KilldeerError } from '../errors.js';
import { type AgentEvent, isRejection, type Rejection } from '../event/event.js';
import type { Explanation, FindingVerdict, StepVerdict } from './explanation.js';
import { openRecording } from './recording.js';
import { openScratchShelf, type ReplayOptions, replayerOptions } from './replay.js';
import type { ReplayDecision } from './replay-summary.js';
import { Replayer, type ReplayerHooks } from './replayer.js';
import { readEventVerdict, readTickVerdict } from './step-verdict.js';

export type { Explanation } from './explanation.js';
export { renderExplanation } from './explanation-text.js';

export interface ExplainOptions
  extends Pick<
    ReplayOptions,
    'recording' | 'config' | 'policy' | 'startModel' | 'prices' | 'registry' | 'bound' | 'registryImport'
  > {
  /** Id of an event or of a finding. */
  readonly id: string;
  /** The agent of the event: event ids are unique within an agent only. Left out: the first event of that id. */
  readonly agent?: string;
  /** Where findings were written: a finding is looked up there first, and may then be of another configuration. */
  readonly findingsPath?: string | null;
}

const NOTHING: FindingVerdict = { outcome: 'none', lines: [], open: null, capped: false };

/**
 * Explains `id`; a finding by the record that raised it. null where neither an event nor a finding of that id comes
 * up. The options must be those of the run that is asked about. Rejects as replay does, and with 'recording.unreadable'
 * where the findings file cannot be read.
 */
export async function explainRecording(options: ExplainOptions): Promise<Explanation | null> {
  const { findingsPath = null, id } = options;
  const stored = findingsPath === null ? null : await lookUp(findingsPath, id);
  const recording = await openRecording(options.recording, options.prices);
  const scratch = await openScratchShelf();
  try {
    const search = new Search(options, stored);
    const replayer = new Replayer(replayerOptions(options, scratch.shelf), search);
    search.state = replayer.engine.inside;
    for await (const { first, decoded, lines } of recording.batches(0)) {
      for (let i = 0; i < decoded.length; i++) {
        const event = decoded[i];
        if (event === null) continue;
        if (isRejection(event)) replayer.reject(event, null);
        else replayer.take(event, first + i, String(lines[i]));
        if (search.found !== null) return search.found;
      }
    }
    replayer.finish();
    return search.found;
  } finally {
    await scratch.close();
  }
}

/** The first line of a finding; null where the file has none. */
async function lookUp(path: string, id: string): Promise<Finding | null> {
  const input = createReadStream(path);
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      // Only lines that name it are worth parsing.
      if (!line.includes(id)) continue;
      const finding = JSON.parse(line) as Finding;
      if (finding.id === id) return finding;
    }
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('recording.unreadable', `findings file ${path}: ${reason}`, error);
  } finally {
    input.destroy();
  }
}

/** Watches a replay for what is looked for. */
class Search implements ReplayerHooks {
  found: Explanation | null = null;
  state: EngineState | null = null;
  private readonly decisions: ReplayDecision[] = [];
  private late = 0;
  /** Ids of the findings that were open before the event looked for. */
  private open: ReadonlySet<string> = new Set();

  constructor(
    private readonly options: ExplainOptions,
    private readonly stored: Finding | null,
  ) {}

  before(record: EngineRecord, offset: number): void {
    const { state } = this;
    if (state === null || this.found !== null) return;
    this.late = state.counts.late;
    if (this.isWanted(record, offset)) {
      const books = state.findings.snapshot();
      this.open = new Set(books.flatMap(([, findings]) => findings.map((finding) => finding.id)));
    }
  }

  after(record: EngineRecord, offset: number, outcome: Outcome): void {
    const { state } = this;
    if (state === null || this.found !== null) return;
    const raised = outcome.findings.find((finding) => finding.id === this.options.id) ?? null;
    if (raised === null && !this.isWanted(record, offset)) return;
    if (record.type === 'event') this.found = this.explainEvent(state, record.event, offset, outcome);
    else if (record.type === 'tick') this.found = this.explainTick(state, record.timeMs, offset, outcome, raised);
  }

  decision(decision: ReplayDecision): void {
    if (this.found?.proposals.some((proposal) => proposal.key === decision.proposal)) this.decisions.push(decision);
  }

  rejection(rejected: Rejection, text: string | null): void {
    if (this.found !== null || text === null) return;
    const wire = JSON.parse(text) as { id: string; agent: string };
    if (wire.id !== this.options.id || (this.options.agent ?? wire.agent) !== wire.agent) return;
    const base = { event: null, time: '', fate: 'rejected', step: null, finding: NOTHING, proposals: [] } as const;
    this.found = { ...this.about(rejected.position), ...base, rejection: rejected };
  }

  private isWanted(record: EngineRecord, offset: number): boolean {
    const { stored } = this;
    const { id, agent } = this.options;
    if (stored === null) {
      return record.type === 'event' && record.event.id === id && (agent ?? record.event.agent) === record.event.agent;
    }
    const { event, offset: place } = stored.evidence[0];
    if (record.type === 'event') return offset === place && record.event.id === event;
    return record.type === 'tick' && event === null && record.timeMs === Date.parse(stored.time);
  }

  private about(offset: number): Pick<Explanation, 'id' | 'offset' | 'stored' | 'decisions'> {
    return { id: this.options.id, offset, stored: this.stored, decisions: this.decisions };
  }

  private explainEvent(state: EngineState, event: AgentEvent, offset: number, outcome: Outcome): Explanation {
    const { bound = true } = this.options;
    const isScored = state.observation.event === event;
    const step = isScored ? readEventVerdict(state, event, bound) : null;
    const admitted = state.table.find(event.tenant, rootOf(event.agent, event.parent), bound) !== -1;
    const missed = admitted ? 'duplicate' : 'not-admitted';
    const scored = state.counts.late > this.late ? 'late' : 'scored';
    return {
      ...this.about(offset),
      time: new Date(event.timeMs).toISOString(),
      event,
      fate: isScored ? scored : missed,
      rejection: null,
      step,
      finding: step === null ? NOTHING : this.findingOf(state, step, outcome),
      proposals: [...outcome.proposals],
    };
  }

  private explainTick(
    state: EngineState,
    timeMs: number,
    offset: number,
    outcome: Outcome,
    raised: Finding | null,
  ): Explanation {
    const finding = raised ?? this.stored;
    const { bound = true } = this.options;
    const step = finding === null ? null : readTickVerdict(state, finding.tenant, finding.root, bound, timeMs);
    const mine = { ...outcome, findings: outcome.findings.filter((line) => line.id === finding?.id) };
    return {
      ...this.about(offset),
      time: new Date(timeMs).toISOString(),
      event: null,
      fate: 'tick',
      rejection: null,
      step,
      finding: step === null ? NOTHING : this.findingOf(state, step, mine),
      proposals: outcome.proposals.filter((proposal) => proposal.finding === finding?.id),
    };
  }

  private findingOf(state: EngineState, step: StepVerdict, outcome: Outcome): FindingVerdict {
    const { tenant, root, bound } = step.identity;
    const key = agentKey(tenant, root, bound);
    const books = new Map<string, OpenFinding[]>(state.findings.snapshot());
    const lines = [...outcome.findings];
    const kind = this.kindOf(state, step);
    const open = (books.get(key) ?? []).find((one) => (lines.length > 0 ? one.id === lines[0].id : one.kind === kind));
    if (open === undefined || (lines.length === 0 && step.severity === null)) return { ...NOTHING, lines };
    const written = this.open.has(open.id) ? 'rose' : 'raised';
    const capped = SEVERITIES.indexOf(open.shown) < SEVERITIES.indexOf(open.reached);
    return { outcome: lines.length > 0 ? written : 'absorbed', lines, open, capped };
  }

  private kindOf(state: EngineState, step: StepVerdict): string {
    if (step.session === null) return 'quiet';
    const top = step.detectors.reduce((most, one) => (one.share > most.share ? one : most));
    return causeOf(DETECTORS.indexOf(top.name), state.observation, state.readings);
  }
}
