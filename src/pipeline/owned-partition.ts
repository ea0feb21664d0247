/** One partition that a process owns for now, seen from the main thread: its worker thread and what that says. */
import type { Worker } from 'node:worker_threads';
import type { Proposal } from '../decide/finding.js';
import type { Inspection } from '../engine/contract.js';
import type { Sighting, StopEffect } from '../engine/outcome.js';
import type { ToldRecord } from './fact-book.js';
import { away, Inquiries } from './inquiries.js';
import { isFenced, KeptWorker, type RestartLimits, type WorkerState } from './kept-worker.js';
import type { CommitFacts } from './ledger.js';
import type { PartitionStatus } from './live-partitions.js';
import type { LiveReport } from './live-parts.js';
import type { Progress } from './partition-parts.js';
import { type FromPartition, faultOf, type Restored, type ToPartition } from './protocol.js';

/** Whoever measures. */
export interface OwnedObserver {
  assigned(partitions: readonly number[]): void;
  restoring(partition: number, bytes: number): void;
  restored(partition: number, restored: Restored): void;
  progress(partition: number, before: Progress | null, now: Progress): void;
  batch(partition: number, records: number, ms: number): void;
  committed(partition: number, facts: CommitFacts): void;
  /** `isOver`: it is not started again. */
  died(partition: number, error: unknown, isOver: boolean): void;
  ticked(partition: number, timeMs: number): void;
  /** `seconds`: age of the partition's clock, 0 where nothing waits. */
  lag(partition: number, records: number, seconds: number): void;
}

export interface OwnedPartitionParts {
  readonly partition: number;
  readonly limits: RestartLimits;
  readonly spawn: () => Promise<Worker>;
  readonly tellRegistry: (
    proposals: readonly Proposal[],
    sightings: readonly Sighting[],
    nowMs: number,
    effects: readonly StopEffect[],
  ) => Promise<void>;
  readonly onReady: (epoch: number, told: number) => void;
  readonly onFenced: () => void;
  /** Resolves with true once the records stand in the partition, with false where it ended before, or is not ours. */
  readonly relay: (records: readonly ToldRecord[], isWanted: () => boolean) => Promise<boolean>;
  readonly observer: OwnedObserver;
  readonly report: (report: LiveReport) => void;
}

export class OwnedPartition {
  private readonly worker: KeptWorker<ToPartition, FromPartition>;
  private readonly inquiries = new Inquiries();
  private progress: Progress | null = null;
  /** Of the thread that runs; null: none is up. */
  private epoch: number | null = null;
  /** What went out before it is executed again, muted, and was counted by whoever executed it first. */
  private committed = 0;
  /** The epoch to whose thread changes are told; null: what it missed is not told yet, or a part of it is lost. */
  private told: number | null = null;
  /** One batch of facts after the other, whatever thread runs, so that an older one never overtakes. */
  private relaying: Promise<void> = Promise.resolve();

  constructor(private readonly parts: OwnedPartitionParts) {
    this.worker = new KeptWorker<ToPartition, FromPartition>({
      limits: parts.limits,
      spawn: parts.spawn,
      onMessage: (message, answer) => this.take(message, answer),
      onDeath: (error, pauseMs) => this.died(error, pauseMs),
    });
  }

  get state(): WorkerState {
    return this.worker.state;
  }

  get isRunning(): boolean {
    return this.worker.state === 'running';
  }

  /** Next record to be executed; null before it ran. */
  get offset(): number | null {
    return this.progress?.offset ?? null;
  }

  /** 0 before it ran: how much was left by whoever had it before is not known. */
  behind(end: number): number {
    return this.progress === null ? 0 : Math.max(0, end - this.progress.offset);
  }

  /** Of the partition's clock against `nowMs`, seconds. */
  ageS(nowMs: number): number {
    const at = this.progress?.nowMs ?? 0;
    return at === 0 ? 0 : Math.max(0, (nowMs - at) / 1_000);
  }

  /** What the thread of that epoch missed is `due`; from now on changes follow. Nothing where it is gone. */
  beginRelay(epoch: number, due: readonly ToldRecord[], told: number): void {
    if (epoch !== this.epoch) return;
    this.told = epoch;
    this.relay(due, told);
  }

  /** Before the thread is up: nothing, since what it missed is told then. */
  relay(records: readonly ToldRecord[], told: number): void {
    const { told: epoch } = this;
    if (epoch === null) return;
    const isWanted = (): boolean => this.told === epoch;
    this.relaying = this.relaying.then(async () => {
      if (!isWanted()) return;
      // The thread must not remember as told what is not in the log, nor anything that came after it.
      if (records.length > 0 && !(await this.parts.relay(records, isWanted))) this.told = null;
      else if (isWanted()) this.worker.post({ type: 'told', told });
    });
  }

  /** What the partition knows of an agent; null: it never met it. Rejects with 'partition.away'. */
  inspect(tenant: string, agent: string): Promise<Inspection | null> {
    if (!this.isRunning) return Promise.reject(away(`partition ${this.parts.partition} is ${this.state}`));
    return this.inquiries.ask((message) => this.worker.post(message), tenant, agent);
  }

  stop(): Promise<void> {
    return this.worker.stop({ type: 'stop' });
  }

  status(end: number): Omit<PartitionStatus, 'partition'> {
    const { worker, progress } = this;
    return {
      state: worker.state,
      restarts: worker.restarts,
      fault: worker.fault === null ? null : faultOf(worker.fault).message,
      offset: progress?.offset ?? 0,
      behind: this.behind(end),
      dead_lettered: progress?.deadLettered ?? 0,
      counts: progress?.counts ?? null,
      model: progress?.model ?? null,
    };
  }

  private take(message: FromPartition, answer: (message: ToPartition) => void): void {
    const { partition, observer, onReady } = this.parts;
    if (message.type === 'progress') {
      this.advance(message.progress);
    } else if (message.type === 'inspected') this.inquiries.answered(message);
    else if (message.type === 'batch') observer.batch(partition, message.records, message.ms);
    else if (message.type === 'committed') observer.committed(partition, message.facts);
    else if (message.type === 'restoring') observer.restoring(partition, message.bytes);
    else if (message.type === 'note') this.parts.report({ level: message.level, message: message.message });
    else if (message.type === 'registry') void this.tell(message, answer);
    else if (message.type === 'ready') {
      const { restored } = message;
      this.committed = restored?.committed ?? 0;
      this.advance(message.progress);
      if (restored === undefined) return;
      this.epoch = restored.epoch;
      observer.restored(partition, restored);
      onReady(restored.epoch, restored.told);
    }
  }

  private advance(next: Progress): void {
    const before = this.progress;
    this.progress = next;
    if (next.offset >= this.committed) this.parts.observer.progress(this.parts.partition, before, next);
  }

  private async tell(
    { id, proposals, sightings, nowMs, effects }: Extract<FromPartition, { type: 'registry' }>,
    answer: (message: ToPartition) => void,
  ): Promise<void> {
    try {
      await this.parts.tellRegistry(proposals, sightings, nowMs, effects);
      answer({ type: 'acknowledged', id, fault: null });
    } catch (error) {
      answer({ type: 'acknowledged', id, fault: faultOf(error) });
    }
  }

  private died(error: unknown, pauseMs: number | null): void {
    const { partition, report, observer, onFenced } = this.parts;
    // The next thread says how much it was told.
    this.epoch = null;
    this.told = null;
    observer.died(partition, error, pauseMs === null);
    if (isFenced(error)) {
      report({ level: 'info', message: `partition ${partition} has another owner now` });
      onFenced();
      return;
    }
    const next = pauseMs === null ? 'it is down' : `it is started again in ${pauseMs} ms`;
    report({ level: 'error', message: `partition ${partition} stopped, ${next}: ${faultOf(error).message}`, error });
  }
}
