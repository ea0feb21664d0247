/**
 * Replays a recording: every event of it through the same engine, learner and registry fold as live, on the
 * recording's own clock. The same recording and configuration give the same bytes, however often a run with a state
 * folder was killed and run again.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, settingsOf } from '../config.js';
import type { Finding } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel } from '../detect/model.js';
import type { Shelf } from '../engine/contract.js';
import type { Sample } from '../engine/outcome.js';
import { KilldeerError } from '../errors.js';
import { type AgentEvent, isRejection, type Rejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import type { DaySample } from '../learn/laws.js';
import { modelToJson } from '../learn/model-file.js';
import { type Files, nodeFiles } from '../log/files.js';
import { type Failpoint, failpoint } from './failpoint.js';
import { OutputFile } from './output-file.js';
import { openRecording, type Recording } from './recording.js';
import { openReplayState, type ReplayState, type Resumption } from './replay-state.js';
import type { ReplayDecision, ReplaySummary } from './replay-summary.js';
import type { ReplayWord } from './replay-verdicts.js';
import {
  type FoldSource,
  type RegistryImport,
  Replayer,
  type ReplayerHooks,
  type ReplayerOptions,
} from './replayer.js';
import { openFileShelf } from './shelf.js';

export interface ReplayProgress {
  readonly lines: number;
  readonly events: number;
  /** Bytes of the recording's file, read and in all. */
  readonly bytesRead: number;
  readonly bytes: number;
}

export interface ReplayOptions {
  /** FILE (.jsonl, .jsonl.gz) or a folder with one inside. */
  readonly recording: string;
  readonly config: Config;
  readonly policy: Policy;
  readonly startModel: CohortModel;
  readonly prices: PriceTable;
  /** Makes the registry's fold. */
  readonly registry: FoldSource;
  /** Findings as JSON Lines; null: not written. */
  readonly findingsPath: string | null;
  /** What became of proposals, as JSON Lines. */
  readonly decisionsPath?: string | null;
  /** Rejected lines with code, reason and position, as JSON Lines. */
  readonly deadLetterPath?: string | null;
  /** Folder of the checkpoint; null: nothing is kept and nothing can be resumed. One run at a time. */
  readonly stateDir?: string | null;
  /** Whether the recording's senders count as bound; default true. */
  readonly bound?: boolean;
  /** Agents that people have described. */
  readonly registryImport?: readonly RegistryImport[];
  /** What people say of its findings, at their time. Rejects with 'usage' where one of them was not raised by then. */
  readonly words?: readonly ReplayWord[];
  /**
   * Events between two checkpoints. Left out: 20,000, and more where the state is so large that writing it would
   * take a noticeable part of the run. Never changes a byte of the output.
   */
  readonly checkpointEvery?: number;
  readonly onFinding?: (finding: Finding) => void;
  /** After every event that was scored: its fused p, (0, 1]. */
  readonly onScored?: (event: AgentEvent, p: number) => void;
  /** After every closed day of a bound agent; with the model in force. */
  readonly onDay?: (day: DaySample, model: CohortModel) => void;
  readonly onDecision?: (decision: ReplayDecision) => void;
  readonly onRejection?: (rejected: Rejection, text: string | null) => void;
  /** After every batch of lines. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** File calls, for tests. */
  readonly files?: Files;
  /** For tests: a shelf of the state folder that is smaller is not worth rewriting, bytes. */
  readonly rewriteFromBytes?: number;
  /** For tests; the environment's by default. */
  readonly failpoint?: Failpoint;
}

const CHECKPOINT_EVENTS = 20_000;
/** Bytes of a checkpoint that an event pays for: keeps the writing below about a tenth of the run. */
const CHECKPOINT_BYTES_PER_EVENT = 400;
/** Characters that outputs hold before they are written. */
const WAITING_MAX = 1_048_576;
/** Characters of a rejected line that the dead letter keeps. */
const LINE_SHOWN_MAX = 500;

/** The files written, by what they hold; absent where not asked for. */
interface Outputs {
  readonly findings: OutputFile | null;
  readonly decisions: OutputFile | null;
  readonly deadLetter: OutputFile | null;
}
type OutputName = keyof Outputs;
const OUTPUTS: readonly OutputName[] = ['findings', 'decisions', 'deadLetter'];

/**
 * Runs to the end of the recording. With `stateDir` a run that was killed goes on from its last checkpoint when the
 * same call is made again, and ends with the same bytes in every output; after a run that finished, the next one
 * starts anew. Hooks are told again what lies behind the checkpoint.
 *
 * Rejects with 'recording.unreadable'; 'checkpoint.corrupt' or 'checkpoint.mismatch' where the state folder holds
 * something else; 'log.disk-full', 'log.write-failed' or 'log.fsync-failed' where an output cannot be written: the
 * findings file then holds whole lines up to some point, perhaps followed by a part of one.
 */
export async function replay(options: ReplayOptions): Promise<ReplaySummary> {
  const startedMs = performance.now();
  const recording = await openRecording(options.recording, options.prices);
  refuseOverwriting(options, recording);
  const files = options.files ?? nodeFiles;
  const pass = options.failpoint ?? failpoint;
  const belongs = belongsOf(options, recording);
  const stateDir = options.stateDir ?? null;
  const state =
    stateDir === null ? null : await openReplayState(files, stateDir, belongs, pass, options.rewriteFromBytes);
  const resumed = state?.resumption ?? null;
  const shelf = state === null ? await openScratchShelf() : { shelf: state.shelf, close: () => state.close() };
  const outputs: Partial<Record<OutputName, OutputFile>> = {};
  try {
    for (const name of OUTPUTS) {
      const path = pathOf(options, name);
      if (path !== null) outputs[name] = await OutputFile.open(files, path, resumed?.outputs[name] ?? null);
    }
    const all = { findings: null, decisions: null, deadLetter: null, ...outputs };
    const run = start(() => new Run(options, recording, all, shelf.shelf, state, resumed, pass), stateDir);
    return await run.go(startedMs);
  } finally {
    for (const output of Object.values(outputs)) await output.close();
    await shelf.close();
  }
}

class Run {
  private readonly replayer: Replayer;
  /** Lines taken so far: the next one's number. */
  private lines: number;
  private readonly eventsBefore: number;
  /** Count of events at which the next checkpoint is due. */
  private dueAt: number;

  constructor(
    private readonly options: ReplayOptions,
    private readonly recording: Recording,
    private readonly outputs: Outputs,
    shelf: Shelf,
    private readonly state: ReplayState | null,
    private readonly resumed: Resumption | null,
    private readonly pass: Failpoint,
  ) {
    this.replayer = new Replayer(replayerOptions(options, shelf), this.hooks(), resumed?.snapshot);
    this.lines = resumed?.lines ?? 0;
    this.eventsBefore = this.replayer.counts.events;
    this.dueAt = this.eventsBefore + (options.checkpointEvery ?? CHECKPOINT_EVENTS);
  }

  async go(startedMs: number): Promise<ReplaySummary> {
    const { replayer, recording, options, state } = this;
    for await (const { first, decoded, lines } of recording.batches(this.lines)) {
      for (let i = 0; i < decoded.length; i++) {
        const event = decoded[i];
        const line = lines[i];
        const text = typeof line === 'string' ? line : null;
        if (event !== null) {
          if (isRejection(event)) replayer.reject(event, text);
          else replayer.take(event, first + i, text ?? '');
        }
        this.lines = first + i + 1;
        if (state !== null && replayer.counts.events >= this.dueAt && !replayer.waits) await this.checkpoint(state);
      }
      if (this.waiting() > WAITING_MAX) await this.flush();
      const { events } = replayer.counts;
      options.onProgress?.({ lines: this.lines, events, bytesRead: recording.bytesRead(), bytes: recording.bytes });
    }
    replayer.finish();
    await this.sync();
    await state?.finish();
    const wallMs = performance.now() - startedMs;
    const eventsHere = replayer.counts.events - this.eventsBefore;
    return replayer.summary({ lines: this.lines, wallMs, eventsHere, resumedAt: this.resumed?.lines ?? 0 });
  }

  private hooks(): ReplayerHooks {
    const { findings, decisions, deadLetter } = this.outputs;
    const { onFinding, onDecision, onRejection, onScored, onDay } = this.options;
    let scored = 0;
    return {
      after: (record, _line, { samples }) => {
        if (onDay !== undefined) this.tellDays(samples, onDay);
        if (onScored === undefined || record.type !== 'event') return;
        const { counts, fused } = this.replayer.engine.inside;
        // A duplicate, or one that was not admitted, leaves what the event before it was given.
        if (counts.scored !== scored) onScored(record.event, fused);
        scored = counts.scored;
      },
      failpoint: this.pass,
      finding: (finding) => {
        findings?.add(JSON.stringify(finding));
        onFinding?.(finding);
      },
      decision: (decision) => {
        decisions?.add(JSON.stringify(decision));
        onDecision?.(decision);
      },
      rejection: ({ code, reason, position }, text) => {
        const line = text === null ? null : text.slice(0, LINE_SHOWN_MAX);
        deadLetter?.add(JSON.stringify({ position, code, reason, line }));
        onRejection?.({ rejected: true, code, reason, position }, text);
      },
    };
  }

  private tellDays(samples: readonly Sample[], onDay: NonNullable<ReplayOptions['onDay']>): void {
    for (const sample of samples) if (sample.kind === 'day') onDay(sample, this.replayer.engine.inside.model);
  }

  private waiting(): number {
    return OUTPUTS.reduce((sum, name) => sum + (this.outputs[name]?.waiting ?? 0), 0);
  }

  private async flush(): Promise<void> {
    this.pass('findings-write');
    for (const name of OUTPUTS) await this.outputs[name]?.flush();
    this.pass('findings-written');
  }

  private async sync(): Promise<void> {
    await this.flush();
    for (const name of OUTPUTS) await this.outputs[name]?.sync();
  }

  /** Outputs first: a checkpoint never names a byte that a crash could still take away. */
  private async checkpoint(state: ReplayState): Promise<void> {
    const { events } = this.replayer.counts;
    await this.sync();
    const outputs: Partial<Record<OutputName, number>> = {};
    for (const name of OUTPUTS) {
      const output = this.outputs[name];
      if (output !== null) outputs[name] = output.bytes;
    }
    state.shelf.rewrite(this.replayer.engine, this.pass);
    const bytes = await state.write({ lines: this.lines, outputs, snapshot: this.replayer.snapshot() });
    const paced = Math.max(CHECKPOINT_EVENTS, Math.ceil(bytes / CHECKPOINT_BYTES_PER_EVENT));
    this.dueAt = events + (this.options.checkpointEvery ?? paced);
  }
}

/** A checkpoint can be whole and yet be of another version: what it holds is then not what this one expects. */
function start(create: () => Run, stateDir: string | null): Run {
  try {
    return create();
  } catch (error) {
    if (error instanceof KilldeerError || stateDir === null) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('checkpoint.corrupt', `the checkpoint in ${stateDir} cannot be taken up: ${reason}`, error);
  }
}

/** The part of the options that decides what comes out. */
export function replayerOptions(
  options: Pick<ReplayOptions, 'config' | 'policy' | 'startModel' | 'registry' | 'bound' | 'registryImport' | 'words'>,
  shelf: Shelf,
): ReplayerOptions {
  const { config, policy, startModel, registry, bound = true, registryImport = [], words = [] } = options;
  return { config, policy, startModel, registry, bound, registryImport, shelf, words };
}

/** A shelf for a run that keeps nothing: on disk all the same, so that memory stays bounded. */
export async function openScratchShelf(): Promise<{ readonly shelf: Shelf; readonly close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'killdeer-shelf-'));
  const shelf = openFileShelf(join(folder, 'shelf.bin'));
  const remove = () => rm(folder, { recursive: true, force: true });
  // An open file without a name vanishes with the process, however it ends; Windows keeps names of open files.
  if (process.platform !== 'win32') await remove();
  return {
    shelf,
    close: async () => {
      shelf.close();
      await remove();
    },
  };
}

function pathOf(options: ReplayOptions, name: OutputName): string | null {
  const path = { findings: options.findingsPath, decisions: options.decisionsPath, deadLetter: options.deadLetterPath };
  return path[name] ?? null;
}

/** An output over the recording, or two outputs in one file, would destroy what cannot be made again. */
function refuseOverwriting(options: ReplayOptions, recording: Recording): void {
  const taken = new Set([resolve(recording.path)]);
  for (const name of OUTPUTS) {
    const path = pathOf(options, name);
    if (path === null) continue;
    if (taken.has(resolve(path))) throw new KilldeerError('usage', `${path} is named twice: as output and otherwise`);
    taken.add(resolve(path));
  }
}

function belongsOf(options: ReplayOptions, recording: Recording): Readonly<Record<string, string>> {
  const { config, policy, startModel, prices, bound = true, registryImport = [], words = [] } = options;
  const { inline, every } = config.learning;
  const settings = settingsOf(config, policy);
  const decides = { settings, inline, every, bound, registryImport, prices: [...prices.rates] };
  const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
  const paths = OUTPUTS.map((name) => pathOf(options, name)).map((path) => (path === null ? null : resolve(path)));
  return {
    'recording': recording.digest,
    'configuration': digest(decides),
    // Named only where there are any: what was begun without them goes on without them.
    ...(words.length === 0 ? {} : { 'set of verdicts': digest(words) }),
    'start model': digest(modelToJson(startModel)),
    'set of output files': digest(paths),
  };
}
