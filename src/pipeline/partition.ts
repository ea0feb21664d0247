/**
 * Room pipeline/, the live side: one partition's batch loop. It reads records, steps the engine, hands what follows
 * from them to its ledger, and now and then has the ledger take a snapshot to go on from.
 *
 * Promises: each record is executed, or in the dead letter with a reason; a crash anywhere loses no finding and writes
 * none twice (ledger.ts); a checkpoint covers a record only once everything that follows from it is durable,
 * what the registry was told included. It may not drop anything: whoever cannot keep up makes it wait.
 */
import { rootOf } from '../agent/lineage.js';
import type { Inspection } from '../engine/contract.js';
import { clearOutcome, createOutcome, type Sighting } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { Rejection } from '../event/event.js';
import type { LogBatch, LogRecord } from '../log/log.js';
import { Execution } from './execution.js';
import { type Failpoint, failpoint } from './failpoint.js';
import type { LedgerHost, Position } from './ledger.js';
import type { Partition, PartitionParts, Progress } from './partition-parts.js';
import { decodeRecord } from './record-line.js';
import { closedWindow, encodeSample } from './sample-line.js';

/** Longest pause without a look at the clock, ms. */
const PAUSE_MS = 1_000;
/** Of a record in the dead letter; all of it stands in `log:events` at the offset named. */
const DEAD_LINE_MAX = 4_096;
/** Batches told to the registry and not acknowledged yet. */
const UNACKNOWLEDGED_MAX = 16;
/** As encodeRecord begins the line of an activation. */
const MODEL = '{"type":"model"';

/** A partition that goes on from what its ledger kept. Throws 'model.invalid' where the model in force is not there. */
export function createPartition(parts: PartitionParts): Partition {
  const { place, models, ledger } = parts;
  const { position, engine } = ledger.start;
  return new Loop(parts, new Execution({ place, models, shelf: ledger.shelf }, position, engine));
}

class Loop implements Partition, LedgerHost {
  private readonly outcome = createOutcome();
  private readonly pass: Failpoint;
  private offset: number;
  private nowMs: number;
  private deadLettered: number;
  private deadLines: string[] = [];
  private sampleLines: string[] = [];
  private hasWindowEnd = false;
  private readonly told = new Set<Promise<void>>();
  private fault: unknown = null;
  private stopping = false;
  private wake: () => void = () => {};
  private readonly woken: Promise<void>;
  private checkpointAtMs: number;

  constructor(
    private readonly parts: PartitionParts,
    private readonly execution: Execution,
  ) {
    const { position } = parts.ledger.start;
    this.pass = parts.pass ?? failpoint;
    this.offset = position.offset;
    this.nowMs = position.nowMs;
    this.deadLettered = position.deadLettered;
    this.checkpointAtMs = parts.clock();
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  get progress(): Progress {
    return {
      offset: this.offset,
      nowMs: this.nowMs,
      model: this.execution.model,
      counts: { ...this.execution.engine.counts },
      deadLettered: this.deadLettered,
      ...this.parts.ledger.ends,
    };
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  async run(): Promise<void> {
    try {
      await this.work();
    } finally {
      await this.parts.ledger.close();
    }
  }

  inspect(tenant: string, agent: string): Inspection | null {
    return this.execution.engine.inspect(tenant, agent);
  }

  stop(): void {
    this.stopping = true;
    this.wake();
  }

  async acknowledged(): Promise<void> {
    await Promise.all(this.told);
    if (this.fault !== null) throw this.fault;
  }

  private async work(): Promise<void> {
    const { log, topic, partition } = this.parts.events;
    const { ledger } = this.parts;
    while (!this.stopping) {
      const moved = await this.turn();
      const ledgerMs = await ledger.turn(this);
      const dueMs = this.checkpointAtMs + this.parts.checkpointEveryMs - this.parts.clock();
      if (dueMs <= 0) await this.checkpoint();
      else if (!moved) {
        const pauseMs = Math.max(1, Math.min(dueMs, ledgerMs, PAUSE_MS));
        await Promise.race([log.wait(topic, partition, this.offset, pauseMs), this.woken]);
      }
    }
    await this.checkpoint();
    await ledger.settle(this);
  }

  /** One batch; false where there was nothing to read. */
  private async turn(): Promise<boolean> {
    const { ledger, events } = this.parts;
    const isAgain = this.offset < ledger.committed;
    // A batch ends where an earlier life ended, so that it is muted as a whole or not at all.
    const max = isAgain ? Math.min(ledger.batchMax, ledger.committed - this.offset) : ledger.batchMax;
    const read = await events.log.read(events.topic, events.partition, this.offset, max);
    const { records, next } = isAgain ? upTo(ledger.committed, read) : read;
    if (next === this.offset) return false;
    const { batch } = this.parts.emit;
    const startedMs = batch === undefined ? 0 : this.parts.clock();
    await this.fetchModels(records);
    for (const { offset, value } of records)
      this.execute(decodeRecord(value, offset, this.parts.prices), value, offset);
    this.offset = next;
    if (isAgain) this.forget();
    else await this.handOn();
    this.parts.emit.progress(this.progress);
    batch?.(records.length, this.parts.clock() - startedMs);
    return true;
  }

  /** An engine takes a model between two records, so it has to be here before. */
  private async fetchModels(records: readonly LogRecord[]): Promise<void> {
    const { fetchModel } = this.parts;
    if (fetchModel === undefined) return;
    for (const { value, offset } of records) {
      if (!value.startsWith(MODEL)) continue;
      const record = decodeRecord(value, offset, this.parts.prices);
      if ('type' in record && record.type === 'model') await fetchModel(record.version);
    }
  }

  private async handOn(): Promise<void> {
    await this.tellRegistry();
    this.gatherSamples();
    const lines = {
      findings: this.outcome.findings.map((finding) => JSON.stringify(finding)),
      deadLetter: this.deadLines,
      samples: this.sampleLines,
      signals: this.outcome.signals.map((signal) => JSON.stringify(signal)),
      closesWindow: this.hasWindowEnd,
    };
    this.forget();
    await this.parts.ledger.write(lines, this.position, this);
  }

  private forget(): void {
    this.deadLines = [];
    this.sampleLines = [];
    this.hasWindowEnd = false;
    clearOutcome(this.outcome);
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
    const { samplesEveryMs } = this.parts;
    const endMs = samplesEveryMs === null ? null : closedWindow(this.nowMs, timeMs, samplesEveryMs);
    this.nowMs = Math.max(this.nowMs, timeMs);
    if (endMs === null) return;
    this.gatherSamples();
    this.sampleLines.push(encodeSample({ kind: 'window', endMs }));
    this.hasWindowEnd = true;
  }

  private gatherSamples(): void {
    const { samples } = this.outcome;
    if (this.parts.samplesEveryMs !== null) for (const sample of samples) this.sampleLines.push(encodeSample(sample));
    samples.length = 0;
  }

  /** Does not wait for the answer, so that a stop waits for nothing; the next checkpoint does. */
  private async tellRegistry(): Promise<void> {
    if (this.fault !== null) throw this.fault;
    const { proposals, sightings, effects } = this.outcome;
    if (proposals.length === 0 && sightings.length === 0 && effects.length === 0) return;
    if (this.told.size >= UNACKNOWLEDGED_MAX) await this.acknowledged();
    const telling = this.parts.emit.registry([...proposals], [...sightings], this.nowMs, [...effects]).then(
      () => {
        this.told.delete(telling);
      },
      (error) => {
        this.fault = error;
      },
    );
    this.told.add(telling);
  }

  private async checkpoint(): Promise<void> {
    const { ledger, emit } = this.parts;
    const needed = await ledger.checkpoint(this.position, this.execution.engine, this);
    this.checkpointAtMs = this.parts.clock();
    if (needed === null) return;
    emit.progress(this.progress);
    emit.checkpointed(needed);
  }

  private get position(): Position {
    const { model, settings } = this.execution;
    return { offset: this.offset, nowMs: this.nowMs, model, settings, deadLettered: this.deadLettered };
  }
}

/** Where offsets have gaps, so many records may reach further. */
function upTo(end: number, { records, next }: LogBatch): LogBatch {
  if (next <= end) return { records, next };
  return { records: records.filter(({ offset }) => offset < end), next: end };
}

/** A parent counts where the sender was bound to both: it was to the tree, so the parent must stand in it. */
function vouched(sighting: Sighting, bound: boolean): Sighting {
  const { agent, parent } = sighting;
  if (parent === null) return sighting;
  const root = rootOf(agent, parent);
  const inTree = parent === root || parent.startsWith(`${root}/`);
  return bound && inTree ? sighting : { ...sighting, parent: null };
}
