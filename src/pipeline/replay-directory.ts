/**
 * Replays what a server recorded: its log from the first record on, through an engine that obeys every record of it.
 * Models are put in force where their activations stand in the log, and nothing is learned anew; settings, roles and
 * resets come from the log as well. So the findings come out byte for byte as the server wrote them, one partition
 * after the other. Reads alone, so the server may go on meanwhile. A recording of events holds no activations: learning
 * inline is replay.ts.
 */
import { type Finding, isPage, type Proposal, type Severity } from '../decide/finding.js';
import { clearOutcome, createOutcome } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import type { PriceTable } from '../event/prices.js';
import { nodeFiles } from '../log/files.js';
import { Execution } from './execution.js';
import { EVENTS_TOPIC, layoutOf } from './layout.js';
import type { LiveAdapters, LiveLog, LiveRegistry } from './live-parts.js';
import { type LiveMemory, readLiveMemory } from './live-state.js';
import { loadModel } from './model-folder.js';
import { OutputFile } from './output-file.js';
import { firstHeader } from './partition-state.js';
import { decodeRecord } from './record-line.js';
import { openScratchShelf } from './replay.js';

export interface DirectoryReplay {
  readonly directory: string;
  /** Those of the server, or prices that it filled in come out otherwise. */
  readonly prices: PriceTable;
  /** Findings as JSON Lines; null: not written. */
  readonly findingsPath: string | null;
  readonly adapters: Pick<LiveAdapters<LiveRegistry>, 'openFileLog'> & {
    /** How many a topic has; null: there is no such topic. */
    partitionsOf(directory: string, topic: string): Promise<number | null>;
  };
  readonly onProgress?: (done: number, total: number) => void;
  /** What is to be otherwise than it was; left out: nothing. */
  readonly changed?: ReplayChange;
  /** Every finding's line that is counted. */
  readonly onFinding?: (finding: Finding) => void;
  readonly onProposal?: (proposal: Proposal) => void;
}

/** A replay that asks what would have been. Everything from the first record on is executed: what is known decides. */
export interface ReplayChange {
  /** Findings and proposals before it are not counted, ms; null: all are. */
  readonly fromMs: number | null;
  /** The partition's clock stops there, ms; null: at the end of the log. */
  readonly toMs: number | null;
  /** In the place of each that stood in force. */
  readonly settings: (settings: Settings) => Settings;
  /** Nobody said anything of findings. */
  readonly withoutVerdicts: boolean;
}

/** What stood in the log, and what came of it. */
export interface DirectorySummary {
  readonly partitions: number;
  readonly records: number;
  readonly events: number;
  readonly activations: number;
  readonly rejected: number;
  /** Findings by the severity of their last line. */
  readonly findings: number;
  readonly pages: number;
}

const READ_MAX = 1_000;

/** Whether a server keeps its data in a folder. */
export async function holdsServerData(directory: string): Promise<boolean> {
  return (await readLiveMemory(nodeFiles, layoutOf(directory).state).catch(() => null)) !== null;
}

/**
 * Rejects with 'usage' where no server kept data there, 'log.offset-out-of-range' where the log does not go back to its
 * first record, 'model.invalid' where a model that it activates is not kept any more.
 */
export async function replayDirectory(options: DirectoryReplay): Promise<DirectorySummary> {
  const { directory, adapters, findingsPath } = options;
  const layout = layoutOf(directory);
  const memory = await readLiveMemory(nodeFiles, layout.state);
  const partitions = await adapters.partitionsOf(layout.log, EVENTS_TOPIC);
  if (memory === null || partitions === null) throw new KilldeerError('usage', `${directory} holds no server's data`);
  const log = await adapters.openFileLog({
    directory: layout.log,
    topics: { [EVENTS_TOPIC]: partitions },
    readOnly: true,
  });
  const output = findingsPath === null ? null : await OutputFile.open(nodeFiles, findingsPath, null);
  try {
    const run = new Run(options, log, memory, output);
    const ends = await run.ends(partitions);
    for (const [partition, end] of ends.entries()) await run.replay(partition, end);
    await output?.sync();
    return run.summary(partitions);
  } finally {
    await output?.close();
    await log.close();
  }
}

class Run {
  private readonly outcome = createOutcome();
  private readonly shown = new Map<string, Severity>();
  private total = 0;
  private records = 0;
  private events = 0;
  private activations = 0;
  private rejected = 0;
  /** The partition's clock has come to where the replay ends. */
  private isOver = false;

  constructor(
    private readonly options: DirectoryReplay,
    private readonly log: LiveLog,
    private readonly memory: LiveMemory,
    private readonly output: OutputFile | null,
  ) {}

  /** Where each partition ends now; all of them must still begin at their first record. */
  async ends(partitions: number): Promise<number[]> {
    const ends: number[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const begin = await this.log.begin(EVENTS_TOPIC, partition);
      if (begin > 0) {
        const reason = `the log of partition ${partition} goes back to record ${begin}; what stood before it decides what comes out`;
        throw new KilldeerError('log.offset-out-of-range', reason);
      }
      ends.push(await this.log.end(EVENTS_TOPIC, partition));
      this.total += ends[partition];
    }
    return ends;
  }

  async replay(partition: number, end: number): Promise<void> {
    const { directory } = this.options;
    const { epoch, genesis } = this.memory;
    const scratch = await openScratchShelf();
    this.isOver = false;
    try {
      const models = (version: string) => loadModel(layoutOf(directory).models, version);
      const parts = { place: { partition, epoch }, shelf: scratch.shelf, models };
      const execution = new Execution(parts, firstHeader(this.settingsOf(genesis.settings), genesis.model));
      for (let at = 0; at < end; ) {
        const { records, next } = await this.log.read(EVENTS_TOPIC, partition, at, Math.min(READ_MAX, end - at));
        for (const { offset, value } of records) this.step(execution, offset, value);
        at = this.isOver ? end : next;
        await this.output?.flush();
        this.options.onProgress?.(this.records, this.total);
      }
    } finally {
      await scratch.close();
    }
  }

  summary(partitions: number): DirectorySummary {
    const { records, events, activations, rejected, shown } = this;
    const pages = [...shown.values()].filter(isPage).length;
    return { partitions, records, events, activations, rejected, findings: shown.size, pages };
  }

  private settingsOf(settings: Settings): Settings {
    return this.options.changed?.settings(settings) ?? settings;
  }

  /** The record as it is executed; null: it is left out. */
  private changed(record: EngineRecord): EngineRecord | null {
    const { changed } = this.options;
    if (changed === undefined) return record;
    if (record.type === 'tick' && changed.toMs !== null && record.timeMs > changed.toMs) this.isOver = true;
    if (this.isOver || (changed.withoutVerdicts && isWord(record))) return null;
    if (record.type !== 'config') return record;
    return { ...record, settings: this.settingsOf(record.settings as Settings) };
  }

  private isCounted(time: string): boolean {
    const from = this.options.changed?.fromMs ?? null;
    return from === null || Date.parse(time) >= from;
  }

  private step(execution: Execution, offset: number, line: string): void {
    if (this.isOver) return;
    this.records += 1;
    const decoded = decodeRecord(line, offset, this.options.prices);
    if ('rejected' in decoded) {
      this.rejected += 1;
      return;
    }
    const record = this.changed(decoded);
    if (record === null) return;
    if (record.type === 'event') this.events += 1;
    else if (record.type === 'model') this.activations += 1;
    execution.step(record, offset, this.outcome);
    for (const finding of this.outcome.findings) if (this.isCounted(finding.time)) this.write(finding);
    for (const one of this.outcome.proposals) if (this.isCounted(one.time)) this.options.onProposal?.(one);
    clearOutcome(this.outcome);
  }

  private write(finding: Finding): void {
    this.shown.set(finding.id, finding.severity);
    this.output?.add(JSON.stringify(finding));
    this.options.onFinding?.(finding);
  }
}

function isWord({ type }: EngineRecord): boolean {
  return type === 'verdict' || type === 'verdict-undo';
}
