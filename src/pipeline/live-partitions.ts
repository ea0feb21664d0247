/** The partitions of a running process, seen from the main thread: their workers, how far each is, and what is left. */
import type { Worker } from 'node:worker_threads';
import type { Proposal } from '../decide/finding.js';
import type { Inspection } from '../engine/contract.js';
import type { Sighting, StopEffect } from '../engine/outcome.js';
import { away, Inquiries } from './inquiries.js';
import { KeptWorker, type RestartLimits, type WorkerState } from './kept-worker.js';
import type { LiveReport } from './live-parts.js';
import type { Progress } from './partition-parts.js';
import { type FromPartition, faultOf, type ToPartition } from './protocol.js';

export interface LivePartitionsParts {
  /** Ends of `log:events` by partition, as they are now. */
  readonly ends: readonly number[];
  readonly limits: RestartLimits;
  readonly spawn: (partition: number) => Promise<Worker>;
  /** Resolves once the registry has all of it. */
  readonly tellRegistry: (
    partition: number,
    proposals: readonly Proposal[],
    sightings: readonly Sighting[],
    effects: readonly StopEffect[],
  ) => Promise<void>;
  readonly onProgress: (partition: number, progress: Progress) => void;
  readonly onCheckpoint: (partition: number, offset: number) => void;
  readonly report: (report: LiveReport) => void;
}

type Link = KeptWorker<ToPartition, FromPartition>;

interface Member {
  readonly worker: Link;
  /** Of `log:events`. */
  end: number;
  /** The end was told to the worker, or is about to be. */
  isTold: boolean;
  progress: Progress | null;
  /** Batches that the registry has not acknowledged. */
  telling: number;
  /** Samples before it are learned; told to each new thread. */
  learned: number;
}

export interface PartitionStatus {
  readonly partition: number;
  readonly state: WorkerState;
  readonly restarts: number;
  readonly fault: string | null;
  /** Next record to be executed. */
  readonly offset: number;
  readonly behind: number;
  readonly dead_lettered: number;
  readonly counts: Progress['counts'] | null;
  /** Version in force; null: not known yet. */
  readonly model?: string | null;
}

export class LivePartitions {
  private readonly members: readonly Member[];
  private readonly inquiries = new Inquiries();

  constructor(private readonly parts: LivePartitionsParts) {
    this.members = parts.ends.map((end, partition) => ({
      worker: this.keep(partition),
      end,
      isTold: true,
      progress: null,
      telling: 0,
      learned: 0,
    }));
  }

  /** Resolves once every partition runs, or is down. */
  async started(): Promise<void> {
    await Promise.all(this.members.map(({ worker }) => worker.settled));
  }

  /** `log:events` became longer. */
  appended(partition: number, end: number): void {
    const member = this.members[partition];
    member.end = Math.max(member.end, end);
    if (!member.isTold) return;
    member.isTold = false;
    // Appends of one turn are told at once.
    setImmediate(() => {
      member.isTold = true;
      member.worker.post({ type: 'end', end: member.end });
    });
  }

  /** The learner has read up to here, by partition. */
  learned(positions: readonly number[]): void {
    for (const [partition, samples] of positions.entries()) {
      const member = this.members[partition];
      member.learned = samples;
      member.worker.post({ type: 'learned', samples });
    }
  }

  /** Records that are durable and not executed; those of a partition that is down wait for a person and do not count. */
  behind(): number {
    let behind = 0;
    for (const member of this.members) if (member.worker.state !== 'down') behind += behindOf(member);
    return behind;
  }

  /** Whether everything durable was executed and the registry knows what followed. */
  isIdle(): boolean {
    return this.behind() === 0 && this.members.every(({ telling }) => telling === 0);
  }

  /** Lowest partition that does not run, or null. */
  notRunning(): { readonly partition: number; readonly state: WorkerState } | null {
    const partition = this.members.findIndex(({ worker }) => worker.state !== 'running');
    return partition < 0 ? null : { partition, state: this.members[partition].worker.state };
  }

  /** Lowest partition that is down, or null. */
  down(): number | null {
    const partition = this.members.findIndex(({ worker }) => worker.state === 'down');
    return partition < 0 ? null : partition;
  }

  /** Progress of each partition; null before it ran. */
  progress(): readonly (Progress | null)[] {
    return this.members.map(({ progress }) => progress);
  }

  /** What a partition knows of an agent; null: it never met it. Rejects with 'partition.away'. */
  inspect(partition: number, tenant: string, agent: string): Promise<Inspection | null> {
    const { worker } = this.members[partition];
    if (worker.state !== 'running') return Promise.reject(away(`partition ${partition} is ${worker.state}`));
    return this.inquiries.ask((message) => worker.post(message), tenant, agent);
  }

  status(): PartitionStatus[] {
    return this.members.map((member, partition) => {
      const { worker, progress } = member;
      return {
        partition,
        state: worker.state,
        restarts: worker.restarts,
        fault: worker.fault === null ? null : faultOf(worker.fault).message,
        offset: progress?.offset ?? 0,
        behind: behindOf(member),
        dead_lettered: progress?.deadLettered ?? 0,
        counts: progress?.counts ?? null,
        model: progress?.model ?? null,
      };
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ worker }) => worker.stop({ type: 'stop' })));
  }

  private keep(partition: number): Link {
    return new KeptWorker<ToPartition, FromPartition>({
      limits: this.parts.limits,
      spawn: () => this.parts.spawn(partition),
      onMessage: (message, answer) => this.take(partition, message, answer),
      onDeath: (error, pauseMs) => {
        const next = pauseMs === null ? 'it is down' : `it is started again in ${pauseMs} ms`;
        const message = `partition ${partition} stopped, ${next}: ${faultOf(error).message}`;
        this.parts.report({ level: 'error', message, error });
      },
    });
  }

  private take(partition: number, message: FromPartition, answer: (message: ToPartition) => void): void {
    const member = this.members[partition];
    if (message.type === 'ready') {
      member.progress = message.progress;
      this.parts.onCheckpoint(partition, message.progress.offset);
      // Told to the dead thread, or to nobody, while this one was being made.
      answer({ type: 'end', end: member.end });
      answer({ type: 'learned', samples: member.learned });
    } else if (message.type === 'progress') {
      member.progress = message.progress;
      this.parts.onProgress(partition, message.progress);
    } else if (message.type === 'inspected') this.inquiries.answered(message);
    else if (message.type === 'checkpointed') this.parts.onCheckpoint(partition, message.offset);
    else if (message.type === 'registry') void this.tell(partition, message, answer);
  }

  private async tell(
    partition: number,
    { id, proposals, sightings, effects }: Extract<FromPartition, { type: 'registry' }>,
    answer: (message: ToPartition) => void,
  ): Promise<void> {
    const member = this.members[partition];
    member.telling += 1;
    try {
      await this.parts.tellRegistry(partition, proposals, sightings, effects);
      answer({ type: 'acknowledged', id, fault: null });
    } catch (error) {
      answer({ type: 'acknowledged', id, fault: faultOf(error) });
    } finally {
      member.telling -= 1;
    }
  }
}

function behindOf({ end, progress }: Member): number {
  return Math.max(0, end - (progress?.offset ?? 0));
}
