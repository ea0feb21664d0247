/**
 * Explains one event or finding of a recording: runs the recording again up to it and reads every room's verdict off
 * the engine. Nothing is stored for this: the same records give the same verdicts.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Finding, Kind } from '../decide/finding.js';
import type { Outcome } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { EngineState } from '../engine/state.js';
import { KilldeerError } from '../errors.js';
import { isRejection, type Rejection } from '../event/event.js';
import type { Explanation } from './explanation.js';
import { openRecording } from './recording.js';
import { openScratchShelf, type ReplayOptions, replayerOptions } from './replay.js';
import type { ReplayDecision } from './replay-summary.js';
import { Replayer, type ReplayerHooks } from './replayer.js';
import { Witness } from './witness.js';

export type { Explanation } from './explanation.js';
export { renderExplanation } from './explanation-text.js';

export interface ExplainOptions
  extends Pick<
    ReplayOptions,
    'recording' | 'config' | 'policy' | 'startModel' | 'prices' | 'registry' | 'bound' | 'registryImport' | 'words'
  > {
  /** Id of an event or of a finding. */
  readonly id: string;
  /** The agent of the event: event ids are unique within an agent only. Left out: the first event of that id. */
  readonly agent?: string;
  /** Where findings were written: a finding is looked up there first, and may then be of another configuration. */
  readonly findingsPath?: string | null;
}

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

/** Kinds of findings that no event and no tick raises. */
const TOLD: ReadonlySet<Kind> = new Set(['breaker-open', 'stop-unverified', 'delivery-dead', 'halted']);

/** Watches a replay for what is looked for. */
class Search implements ReplayerHooks {
  found: Explanation | null = null;
  state: EngineState | null = null;
  private readonly witness: Witness;

  constructor(
    private readonly options: ExplainOptions,
    private readonly stored: Finding | null,
  ) {
    this.witness = new Witness({ id: options.id, stored, partition: null });
  }

  before(record: EngineRecord, offset: number): void {
    if (this.state !== null && this.found === null) this.witness.before(this.state, this.isWanted(record, offset));
  }

  after(record: EngineRecord, offset: number, outcome: Outcome): void {
    if (this.state === null || this.found !== null) return;
    const isRaised = outcome.findings.some((finding) => finding.id === this.options.id);
    if (isRaised || this.isWanted(record, offset)) {
      this.found = this.witness.explain(this.state, record, offset, outcome);
    }
  }

  decision(decision: ReplayDecision): void {
    const isAsked = this.found?.proposals.some((proposal) => proposal.key === decision.proposal);
    if (isAsked) this.witness.decisions.push(decision);
  }

  rejection(rejected: Rejection, text: string | null): void {
    if (this.found !== null || text === null) return;
    const wire = JSON.parse(text) as { id: string; agent: string };
    if (wire.id !== this.options.id || (this.options.agent ?? wire.agent) !== wire.agent) return;
    this.found = this.witness.explainRejection(rejected, rejected.position);
  }

  private isWanted(record: EngineRecord, offset: number): boolean {
    const { stored } = this;
    const { id, agent } = this.options;
    if (stored === null) {
      return record.type === 'event' && record.event.id === id && (agent ?? record.event.agent) === record.event.agent;
    }
    const { event, offset: place } = stored.evidence[0];
    if (record.type === 'event') return offset === place && record.event.id === event;
    // What the registry's side has to tell comes by a record of its own, at the time of some tick.
    if (record.type !== 'tick' || event !== null || TOLD.has(stored.kind)) return false;
    return record.timeMs === Date.parse(stored.time);
  }
}
