/**
 * The role `learn` of a process among several: one of them learns, the one that a group gave the only partition of the
 * models' topic to. The thread that learns fences the one before by its transactions, so that two never write.
 */
import type { Worker } from 'node:worker_threads';
import type { RestartLimits } from './kept-worker.js';
import { LiveLearning } from './live-learning.js';
import type { LiveReport } from './live-parts.js';
import type { Membership } from './score-role.js';

export interface LearnRoleParts {
  readonly limits: RestartLimits;
  readonly join: (onAssigned: (partitions: readonly number[]) => void) => Promise<Membership>;
  readonly spawn: () => Promise<Worker>;
  /** Resolves once the activation is durable in every partition. */
  readonly activate: (version: string, timeMs: number) => Promise<void>;
  readonly report: (report: LiveReport) => void;
}

export class LearnRole {
  private learning: LiveLearning | null = null;
  private membership: Membership | null = null;
  private ending: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(private readonly parts: LearnRoleParts) {}

  async start(): Promise<void> {
    this.membership = await this.parts.join((partitions) => this.assign(partitions.length > 0));
  }

  /** Why it is not ready, in words; null: it is, be it that another process learns. */
  notReady(): string | null {
    const state = this.learning?.status().state;
    return state === undefined || state === 'running' ? null : `learning is ${state}`;
  }

  /** null: another process learns. */
  status(): ReturnType<LiveLearning['status']> | null {
    return this.learning?.status() ?? null;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.assign(false);
    await this.ending;
    await this.membership?.leave();
  }

  private assign(isOurs: boolean): void {
    if (isOurs && this.learning === null && !this.isStopping) {
      const { limits, spawn, activate, report } = this.parts;
      this.learning = new LiveLearning({ limits, spawn, activate, onClosed: () => undefined, report });
    } else if (!isOurs && this.learning !== null) {
      const { learning } = this;
      this.learning = null;
      this.ending = this.ending.then(() => learning.stop());
    }
  }
}
