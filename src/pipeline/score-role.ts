/**
 * The role `score` of a process among several: a group says which partitions are this process's now, and each of them
 * has a worker thread with its engine. A thread that comes up declares its epoch in the registry, is told what people
 * said of its agents meanwhile, and gets ticks; one whose partition went elsewhere ends. Between the two nothing is
 * assumed: a former owner that does not know it yet is fenced by the new one's transactions.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Inspection } from '../engine/contract.js';
import { partitionOf } from '../engine/partition.js';
import { placeOf } from '../engine/record-place.js';
import type { Settings } from '../engine/settings.js';
import type { Log } from '../log/log.js';
import { FactBook, type ToldRecord } from './fact-book.js';
import type { RestartLimits } from './kept-worker.js';
import { EVENTS_TOPIC } from './layout.js';
import type { PartitionStatus } from './live-partitions.js';
import type { LiveChange, LiveDraft, LiveReport } from './live-parts.js';
import { type OwnedObserver, OwnedPartition } from './owned-partition.js';
import { encodeRecord } from './record-line.js';
import type { RegistryWriter } from './registry-writer.js';

/** Between two looks at how long the partitions are. */
const LAG_EVERY_MS = 2_000;
const RETRY_MS = 500;

/** Membership of a group that shares partitions out. */
export interface Membership {
  /** Offsets for the tools that show a group's lag; nothing is restored from them. */
  commit(offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<void>;
  /** Whether the group counts it in, as far as it can know: one that does not may hand its share to others. */
  isMember(): boolean;
  leave(): Promise<void>;
}

export interface ScoreRoleParts {
  readonly partitions: number;
  readonly log: Pick<Log, 'append' | 'end'>;
  readonly spawn: (partition: number) => Promise<Worker>;
  /** Told all that is this process's at every change, from the first on. */
  readonly join: (onAssigned: (partitions: readonly number[]) => void) => Promise<Membership>;
  readonly writer: RegistryWriter;
  /** The settings of the configuration, for those that people change; left out: nobody is told of them. */
  readonly configured?: () => Settings;
  readonly writeRegistry: (draft: LiveDraft) => Promise<unknown>;
  /** Wall clock, ms; null: ticks stand in the log already. */
  readonly tick: { readonly everyMs: number; readonly now: () => number } | null;
  /** The clock of a partition has moved on, ms. */
  readonly onClock: (nowMs: number) => void;
  readonly limits: RestartLimits;
  readonly observer: OwnedObserver;
  readonly report: (report: LiveReport) => void;
}

export class ScoreRole {
  private readonly owned = new Map<number, OwnedPartition>();
  /** Of `log:events`, by partition, as last looked at. */
  private readonly ends = new Map<number, number>();
  private readonly facts: FactBook;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly ticking = new Set<number>();
  private readonly ending = new Set<Promise<void>>();
  private membership: Membership | null = null;
  private isAssigned = false;
  private isLooking = false;
  private isStopping = false;

  constructor(private readonly parts: ScoreRoleParts) {
    // Where ticks stand in the log, the events are a recording's: they never met the registry.
    this.facts = new FactBook(parts.tick !== null, parts.configured ?? null);
  }

  async start(): Promise<void> {
    const { tick, join } = this.parts;
    if (tick !== null) this.timers.push(setInterval(() => this.tickAll(tick.now()), tick.everyMs));
    this.timers.push(setInterval(() => void this.look(), LAG_EVERY_MS));
    this.membership = await join((partitions) => this.assign(partitions));
  }

  /** To be told every change of the registry, from the first one of its log. */
  noteChange(change: LiveChange): void {
    const records = this.facts.note(change);
    if (records.length === 0) return;
    for (const [partition, one] of this.owned) {
      const mine = records.filter((record) => this.isFor(partition, record));
      if (mine.length > 0) one.relay(mine, change.offset + 1);
    }
  }

  /** Why it is not ready, in words; null: it is. */
  notReady(): string | null {
    if (!this.isAssigned) return 'partitions are not assigned yet';
    for (const [partition, one] of this.owned) if (!one.isRunning) return `partition ${partition} is ${one.state}`;
    return null;
  }

  /** Records of this process's partitions that are durable and not executed, as last looked at. */
  behind(): number {
    let behind = 0;
    for (const [partition, one] of this.owned) behind += one.behind(this.ends.get(partition) ?? 0);
    return behind;
  }

  /** What is known of an agent of a partition of this process; undefined: it is another's. */
  inspect(tenant: string, agent: string): Promise<Inspection | null> | undefined {
    return this.owned.get(partitionOf(tenant, agent, this.parts.partitions))?.inspect(tenant, agent);
  }

  status(): PartitionStatus[] {
    return [...this.owned]
      .sort(([a], [b]) => a - b)
      .map(([partition, one]) => ({ partition, ...one.status(this.ends.get(partition) ?? 0) }));
  }

  /** Ends its threads in order, each with a last snapshot, then hands the partitions on. */
  async stop(): Promise<void> {
    this.isStopping = true;
    // No more retries: brokers that are away must not keep the process.
    this.parts.writer.stop();
    for (const timer of this.timers) clearInterval(timer);
    for (const [partition] of this.owned) this.release(partition);
    await Promise.all(this.ending);
    await this.membership?.leave();
  }

  private assign(partitions: readonly number[]): void {
    if (this.isStopping) return;
    this.isAssigned = true;
    for (const partition of this.owned.keys()) if (!partitions.includes(partition)) this.release(partition);
    for (const partition of partitions) if (!this.owned.has(partition)) this.take(partition);
    this.parts.observer.assigned(partitions);
  }

  private take(partition: number): void {
    const { spawn, limits, writer, report, observer, onClock } = this.parts;
    const one: OwnedPartition = new OwnedPartition({
      partition,
      limits,
      spawn: () => spawn(partition),
      tellRegistry: (proposals, sightings, nowMs, effects) => {
        onClock(nowMs);
        return writer.write(partition, proposals, sightings, effects);
      },
      onReady: (epoch, told) => void this.welcome(partition, one, epoch, told),
      onFenced: () => void this.takeAgain(partition, one),
      relay: (records, isWanted) => this.tell(partition, one, records, isWanted),
      observer,
      report,
    });
    this.owned.set(partition, one);
  }

  private release(partition: number): void {
    const one = this.owned.get(partition);
    if (one === undefined) return;
    this.owned.delete(partition);
    const ended = one.stop().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  /**
   * Fenced, and yet the group still says that it is ours: whoever fenced us has lost it again, or never had it. Not
   * before the group says so anew: a process that was cut off would fence the rightful owner, and be fenced in turn.
   */
  private async takeAgain(partition: number, one: OwnedPartition): Promise<void> {
    const isOurs = this.ours(partition, one);
    do await sleep(this.parts.limits.pauseMs * 4);
    while (isOurs() && !this.isMember());
    if (!isOurs()) return;
    this.release(partition);
    this.take(partition);
  }

  private async welcome(partition: number, one: OwnedPartition, epoch: number, told: number): Promise<void> {
    const by = { actor: `engine:${partition}`, authority: 'system', parent: null };
    const isTold = await this.untilDone(this.ours(partition, one), () =>
      this.parts.writeRegistry({ type: 'owner', partition, epoch, ...by }),
    );
    if (!isTold) return;
    const due = this.facts.since(told).filter((record) => this.isFor(partition, record));
    one.beginRelay(epoch, due, this.facts.next);
  }

  /** What people said of agents becomes records of the partition, at least once. */
  private tell(
    partition: number,
    one: OwnedPartition,
    records: readonly ToldRecord[],
    isWanted: () => boolean,
  ): Promise<boolean> {
    const lines = records.map(encodeRecord);
    const isOurs = this.ours(partition, one);
    return this.untilDone(
      () => isWanted() && isOurs(),
      () => this.parts.log.append(EVENTS_TOPIC, partition, lines),
    );
  }

  private isFor(partition: number, record: ToldRecord): boolean {
    const destination = placeOf(record, this.parts.partitions);
    return destination === null || destination === partition;
  }

  private isMember(): boolean {
    return this.membership?.isMember() ?? false;
  }

  private ours(partition: number, one: OwnedPartition): () => boolean {
    return () => !this.isStopping && this.owned.get(partition) === one;
  }

  /** false where it was not, since there is nobody to do it for. A member that was cut off waits: it may be too late. */
  private async untilDone(isOurs: () => boolean, work: () => Promise<unknown>): Promise<boolean> {
    for (; isOurs(); await sleep(RETRY_MS)) {
      if (!this.isMember()) continue;
      try {
        await work();
        return true;
      } catch (error) {
        this.parts.report({ level: 'warn', message: 'tried again', error });
      }
    }
    return false;
  }

  private tickAll(nowMs: number): void {
    for (const [partition, one] of this.owned) if (one.isRunning) void this.tick(partition, nowMs);
  }

  /** A late tick is as good as none: the next one says more. */
  private async tick(partition: number, timeMs: number): Promise<void> {
    if (this.ticking.has(partition)) return;
    this.ticking.add(partition);
    try {
      await this.parts.log.append(EVENTS_TOPIC, partition, [encodeRecord({ type: 'tick', timeMs })]);
      this.parts.observer.ticked(partition, timeMs);
    } catch (error) {
      this.parts.report({ level: 'warn', message: `partition ${partition} got no tick`, error });
    } finally {
      this.ticking.delete(partition);
    }
  }

  /** One at a time: while the brokers are away a look waits for them. */
  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    await this.lookAtEnds().finally(() => {
      this.isLooking = false;
    });
  }

  private async lookAtEnds(): Promise<void> {
    const offsets: { topic: string; partition: number; offset: number }[] = [];
    for (const [partition, one] of this.owned) {
      try {
        const end = await this.parts.log.end(EVENTS_TOPIC, partition);
        this.ends.set(partition, end);
        if (one.offset === null || this.owned.get(partition) !== one) continue;
        const behind = one.behind(end);
        this.parts.observer.lag(partition, behind, behind === 0 ? 0 : one.ageS(Date.now()));
        offsets.push({ topic: EVENTS_TOPIC, partition, offset: one.offset });
      } catch {
        // Looked at again soon.
      }
    }
    // For the eyes of tools alone.
    if (offsets.length > 0) await this.membership?.commit(offsets).catch(() => undefined);
  }
}
