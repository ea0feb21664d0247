/**
 * Room pipeline/, the live side: one partition's batch loop. It reads records, steps the engine, writes what follows
 * from them, and now and then a checkpoint to go on from.
 *
 * Promises: each record is executed, or in the dead letter with a reason; a crash anywhere loses no finding and writes
 * none twice (output.ts); a checkpoint covers a record only once everything that follows from it is durable,
 * what the registry was told included. It may not drop anything: whoever cannot keep up makes it wait.
 */
import { rootOf } from '../agent/lineage.js';
import { clearOutcome, createOutcome, type Sighting } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { Rejection } from '../event/event.js';
import { isDiskFull } from '../log/files.js';
import { Execution } from './execution.js';
import { type Failpoint, failpoint } from './failpoint.js';
import { NumberedShelf, type ShelfMark } from './numbered-shelf.js';
import { type LogPlace, Output } from './output.js';
import type { Partition, PartitionParts, Progress } from './partition-parts.js';
import { belongsTo, firstHeader, type PartitionHeader, PartitionState } from './partition-state.js';
import { decodeRecord } from './record-line.js';
import { closedWindow, encodeSample } from './sample-line.js';

/** Records of one turn. */
const BATCH = 1_000;
/** Longest pause without a look at the clock, ms. */
const PAUSE_MS = 1_000;
/** Of a record in the dead letter; all of it stands in `log:events` at the offset named. */
const DEAD_LINE_MAX = 4_096;
/** Samples gathered before they are written; a window's end and a checkpoint write them sooner. */
const SAMPLES_HELD = 2_000;
/** Batches told to the registry and not acknowledged yet. */
const UNACKNOWLEDGED_MAX = 16;

/** Restores the partition from its checkpoint, or begins it. */
export async function createPartition(parts: PartitionParts): Promise<Partition> {
  const { partition } = parts.place;
  const state = new PartitionState(parts.state, belongsTo(partition), parts.pass);
  const kept = await state.read();
  const header = kept?.header ?? (await beginning(parts));
  const outputs = {
    findings: await Output.open(parts.findings, header.findings),
    deadLetter: await Output.open(parts.deadLetter, header.deadLetter),
    samples: parts.samples === null ? null : await Output.open(parts.samples.place, header.samples),
  };
  const shelf = new NumberedShelf(parts.shelf, header.shelf);
  try {
    const { place, models } = parts;
    const execution = new Execution({ place, models, shelf }, header, kept?.engine);
    return new Loop(parts, state, header, outputs, shelf, execution, kept !== null);
  } catch (error) {
    shelf.close();
    throw error;
  }
}

/** Before the first record that is left: an engine that met the first of all writes the lines that may be there again. */
async function beginning({ events, genesis, ...parts }: PartitionParts): Promise<PartitionHeader> {
  const first = firstHeader(genesis.settings, genesis.model);
  const offset = await events.log.begin(events.topic, events.partition);
  if (offset === 0) return first;
  const endOf = async (place: LogPlace | undefined): Promise<number> =>
    place === undefined ? 0 : place.log.end(place.topic, place.partition);
  return {
    ...first,
    offset,
    findings: await endOf(parts.findings),
    deadLetter: await endOf(parts.deadLetter),
    samples: await endOf(parts.samples?.place),
  };
}

interface Outputs {
  readonly findings: Output;
  readonly deadLetter: Output;
  readonly samples: Output | null;
}

class Loop implements Partition {
  private readonly outcome = createOutcome();
  private readonly pass: Failpoint;
  private offset: number;
  private nowMs: number;
  private deadLettered: number;
  private readonly deadLines: string[] = [];
  private sampleLines: string[] = [];
  private hasWindowEnd = false;
  private readonly told = new Set<Promise<void>>();
  private fault: unknown = null;
  private isStopping = false;
  private wake: () => void = () => {};
  private readonly woken: Promise<void>;
  private checkpointOffset: number;
  private checkpointAtMs: number;

  constructor(
    private readonly parts: PartitionParts,
    private readonly state: PartitionState,
    private readonly header: PartitionHeader,
    private readonly outputs: Outputs,
    private readonly shelf: NumberedShelf,
    private readonly execution: Execution,
    hasCheckpoint: boolean,
  ) {
    this.pass = parts.pass ?? failpoint;
    this.offset = header.offset;
    this.nowMs = header.nowMs;
    this.deadLettered = header.deadLettered;
    this.checkpointOffset = hasCheckpoint ? header.offset : -1;
    this.checkpointAtMs = parts.clock();
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  get progress(): Progress {
    const { findings, samples } = this.outputs;
    return {
      offset: this.offset,
      counts: { ...this.execution.engine.counts },
      deadLettered: this.deadLettered,
      findings: findings.at,
      samples: samples?.at ?? this.header.samples,
    };
  }

  async run(): Promise<void> {
    try {
      await this.work();
    } finally {
      this.shelf.close();
    }
  }

  stop(): void {
    this.isStopping = true;
    this.wake();
  }

  private async work(): Promise<void> {
    const { log, topic, partition } = this.parts.events;
    while (!this.isStopping) {
      const moved = await this.turn();
      const dueMs = this.checkpointAtMs + this.parts.checkpointEveryMs - this.parts.clock();
      if (dueMs <= 0) await this.checkpoint();
      else if (!moved)
        await Promise.race([log.wait(topic, partition, this.offset, Math.min(dueMs, PAUSE_MS)), this.woken]);
    }
    await this.checkpoint();
  }

  /** One batch; false where there was nothing to read. */
  private async turn(): Promise<boolean> {
    const { log, topic, partition } = this.parts.events;
    const { records, next } = await log.read(topic, partition, this.offset, BATCH);
    if (records.length === 0) return false;
    for (const { offset, value } of records)
      this.execute(decodeRecord(value, offset, this.parts.prices), value, offset);
    await this.tellRegistry();
    this.pass('findings-write');
    const findings = this.outcome.findings.map((finding) => JSON.stringify(finding));
    const stopping = (): boolean => this.isStopping;
    await Promise.all([
      this.outputs.findings.write(findings, stopping),
      this.outputs.deadLetter.write(this.deadLines, stopping),
    ]);
    this.pass('findings-written');
    this.deadLines.length = 0;
    this.gatherSamples();
    clearOutcome(this.outcome);
    if (this.hasWindowEnd || this.sampleLines.length >= SAMPLES_HELD) await this.writeSamples();
    this.offset = next;
    this.parts.emit.progress(this.progress);
    return true;
  }

  private execute(record: EngineRecord | Rejection, line: string, offset: number): void {
    if ('rejected' in record) {
      const { code, reason } = record;
      this.deadLines.push(JSON.stringify({ code, reason, offset, line: line.slice(0, DEAD_LINE_MAX) }));
      this.deadLettered += 1;
      return;
    }
    if (record.type === 'event') this.pass('event');
    const { sightings } = this.outcome;
    const first = sightings.length;
    this.execution.step(record, offset, this.outcome);
    const bound = record.type === 'event' && record.bound;
    for (let i = first; i < sightings.length; i++) sightings[i] = vouched(sightings[i], bound);
    if (record.type === 'tick') this.onTick(record.timeMs);
  }

  /** A tick's own samples (days that it closed) belong to the window that it closes. */
  private onTick(timeMs: number): void {
    const { samples } = this.parts;
    const endMs = samples === null ? null : closedWindow(this.nowMs, timeMs, samples.everyMs);
    this.nowMs = Math.max(this.nowMs, timeMs);
    if (endMs === null) return;
    this.gatherSamples();
    this.sampleLines.push(encodeSample({ kind: 'window', endMs }));
    this.hasWindowEnd = true;
  }

  private gatherSamples(): void {
    const { samples } = this.outcome;
    if (this.outputs.samples !== null) for (const sample of samples) this.sampleLines.push(encodeSample(sample));
    samples.length = 0;
  }

  private async writeSamples(): Promise<void> {
    const lines = this.sampleLines;
    this.sampleLines = [];
    this.hasWindowEnd = false;
    await this.outputs.samples?.write(lines, () => this.isStopping);
  }

  /** Does not wait for the answer, so that a stop waits for nothing; the next checkpoint does. */
  private async tellRegistry(): Promise<void> {
    if (this.fault !== null) throw this.fault;
    const { proposals, sightings } = this.outcome;
    if (proposals.length === 0 && sightings.length === 0) return;
    if (this.told.size >= UNACKNOWLEDGED_MAX) await this.acknowledged();
    const telling = this.parts.emit.registry([...proposals], [...sightings]).then(
      () => {
        this.told.delete(telling);
      },
      (error) => {
        this.fault = error;
      },
    );
    this.told.add(telling);
  }

  private async acknowledged(): Promise<void> {
    await Promise.all(this.told);
    if (this.fault !== null) throw this.fault;
  }

  private async checkpoint(): Promise<void> {
    try {
      if (this.offset !== this.checkpointOffset) await this.keep();
    } catch (error) {
      // The one before still stands, and the next may find space: what was executed meanwhile is executed again at worst.
      if (!isDiskFull(error) || this.isStopping) throw error;
    }
    this.checkpointAtMs = this.parts.clock();
  }

  private async keep(): Promise<void> {
    await this.writeSamples();
    await this.acknowledged();
    const { shelf, state } = this;
    const { emit } = this.parts;
    const { engine } = this.execution;
    shelf.rewrite(engine, this.pass);
    await state.write(this.headerNow(await shelf.mark()), engine.snapshot());
    shelf.settle(state.shelves, this.pass);
    this.checkpointOffset = this.offset;
    emit.progress(this.progress);
    emit.checkpointed(this.offset);
  }

  private headerNow(shelf: ShelfMark): PartitionHeader {
    const { findings, deadLetter, samples } = this.outputs;
    return {
      format: this.header.format,
      offset: this.offset,
      findings: findings.at,
      deadLetter: deadLetter.at,
      samples: samples?.at ?? this.header.samples,
      shelf,
      nowMs: this.nowMs,
      model: this.execution.model,
      settings: this.execution.settings,
      deadLettered: this.deadLettered,
    };
  }
}

/** A parent counts where the sender was bound to both: it was to the tree, so the parent must stand in it. */
function vouched(sighting: Sighting, bound: boolean): Sighting {
  const { agent, parent } = sighting;
  if (parent === null) return sighting;
  const root = rootOf(agent, parent);
  const inTree = parent === root || parent.startsWith(`${root}/`);
  return bound && inTree ? sighting : { ...sighting, parent: null };
}
