/**
 * A partition's ledger on this machine's disk: three outputs that are logs of their own, checkpoints, a shelf. An
 * output knows how many lines it had at the checkpoint, so a line that is made again is counted and not written.
 */
import type { Engine } from '../engine/contract.js';
import type { Settings } from '../engine/settings.js';
import { isDiskFull } from '../log/files.js';
import { type Failpoint, failpoint } from './failpoint.js';
import type { Ledger, LedgerHost, Lines, Position } from './ledger.js';
import { NumberedShelf, type ShelfMark, type ShelfPlace } from './numbered-shelf.js';
import { type LogPlace, Output } from './output.js';
import {
  belongsTo,
  firstHeader,
  type PartitionFiles,
  type PartitionHeader,
  PartitionState,
} from './partition-state.js';

const BATCH = 1_000;
/** Samples gathered before they are written; a window's end and a checkpoint write them sooner. */
const SAMPLES_HELD = 2_000;

export interface FileLedgerParts {
  readonly partition: number;
  readonly events: LogPlace;
  readonly findings: LogPlace;
  readonly deadLetter: LogPlace;
  /** null: nothing is learned. */
  readonly samples: LogPlace | null;
  /** null: no fleet stage follows. */
  readonly signals?: LogPlace | null;
  /** What the partition began with, before its first record. */
  readonly genesis: { readonly settings: Settings; readonly model: string };
  readonly shelf: ShelfPlace;
  readonly state: PartitionFiles;
  readonly pass?: Failpoint;
}

interface Outputs {
  readonly findings: Output;
  readonly deadLetter: Output;
  readonly samples: Output | null;
  readonly signals: Output | null;
}

/** Rejects with 'checkpoint.corrupt' or 'checkpoint.mismatch'. */
export async function openFileLedger(parts: FileLedgerParts): Promise<Ledger> {
  const state = new PartitionState(parts.state, belongsTo(parts.partition), parts.pass);
  const kept = await state.read();
  const header = kept?.header ?? (await beginning(parts));
  const outputs: Outputs = {
    findings: await Output.open(parts.findings, header.findings),
    deadLetter: await Output.open(parts.deadLetter, header.deadLetter),
    samples: parts.samples === null ? null : await Output.open(parts.samples, header.samples),
    signals: parts.signals == null ? null : await Output.open(parts.signals, header.signals),
  };
  const shelf = new NumberedShelf(parts.shelf, header.shelf);
  return new FileLedger(state, header, kept?.engine, outputs, shelf, parts.pass ?? failpoint);
}

/** Before the first record that is left: an engine that met the first of all writes the lines that may be there again. */
async function beginning({ events, genesis, ...parts }: FileLedgerParts): Promise<PartitionHeader> {
  const first = firstHeader(genesis.settings, genesis.model);
  const offset = await events.log.begin(events.topic, events.partition);
  if (offset === 0) return first;
  const endOf = async (place: LogPlace | null): Promise<number> =>
    place === null ? 0 : place.log.end(place.topic, place.partition);
  return {
    ...first,
    offset,
    findings: await endOf(parts.findings),
    deadLetter: await endOf(parts.deadLetter),
    samples: await endOf(parts.samples),
    signals: await endOf(parts.signals ?? null),
  };
}

class FileLedger implements Ledger {
  readonly start: Ledger['start'];
  /** What is made again is muted line by line, by its outputs. */
  readonly committed = 0;
  readonly batchMax = BATCH;
  private sampleLines: string[] = [];
  /** Of the last checkpoint; -1: there is none. */
  private checkpointOffset: number;

  constructor(
    private readonly state: PartitionState,
    private readonly header: PartitionHeader,
    engine: Uint8Array | undefined,
    private readonly outputs: Outputs,
    readonly shelf: NumberedShelf,
    private readonly pass: Failpoint,
  ) {
    const { offset, nowMs, model, settings, deadLettered } = header;
    this.start = { position: { offset, nowMs, model, settings, deadLettered }, engine };
    this.checkpointOffset = engine === undefined ? -1 : offset;
  }

  get ends(): Ledger['ends'] {
    const { findings, samples, signals } = this.outputs;
    const { header } = this;
    return {
      findings: findings.at,
      samples: samples?.at ?? header.samples,
      signals: signals?.at ?? header.signals,
    };
  }

  async write(lines: Lines, _position: Position, host: LedgerHost): Promise<void> {
    this.pass('findings-write');
    const stopping = (): boolean => host.isStopping;
    await Promise.all([
      this.outputs.findings.write(lines.findings, stopping),
      this.outputs.deadLetter.write(lines.deadLetter, stopping),
      this.outputs.signals?.write(lines.signals, stopping),
    ]);
    this.pass('findings-written');
    if (this.outputs.samples === null) return;
    for (const line of lines.samples) this.sampleLines.push(line);
    if (lines.closesWindow || this.sampleLines.length >= SAMPLES_HELD) await this.settle(host);
  }

  async turn(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  async settle(host: LedgerHost): Promise<void> {
    const lines = this.sampleLines;
    this.sampleLines = [];
    await this.outputs.samples?.write(lines, () => host.isStopping);
  }

  async checkpoint(position: Position, engine: Engine, host: LedgerHost): Promise<number | null> {
    if (position.offset === this.checkpointOffset) return null;
    try {
      return await this.keep(position, engine, host);
    } catch (error) {
      // The one before still stands, and the next may find space: what was executed meanwhile is executed again at worst.
      if (!isDiskFull(error) || host.isStopping) throw error;
      return null;
    }
  }

  async close(): Promise<void> {
    this.shelf.close();
  }

  private async keep(position: Position, engine: Engine, host: LedgerHost): Promise<number> {
    await this.settle(host);
    await host.acknowledged();
    const { shelf, state } = this;
    shelf.rewrite(engine, this.pass);
    await state.write(this.headerNow(position, await shelf.mark()), engine.snapshot());
    shelf.settle(state.shelves, this.pass);
    this.checkpointOffset = position.offset;
    return position.offset;
  }

  private headerNow(position: Position, shelf: ShelfMark): PartitionHeader {
    const { findings, deadLetter, samples, signals } = this.outputs;
    return {
      format: this.header.format,
      ...position,
      findings: findings.at,
      deadLetter: deadLetter.at,
      samples: samples?.at ?? this.header.samples,
      signals: signals?.at ?? this.header.signals,
      shelf,
    };
  }
}
