/**
 * The role `learn` of a process among several: one of them learns, the one that a group gave the only partition of the
 * models' topic to. The thread that learns fences the one before by its transactions, so that two never write.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { KilldeerError } from '../errors.js';
import type { RestartLimits } from './kept-worker.js';
import { LiveLearning } from './live-learning.js';
import type { LiveReport } from './live-parts.js';
import type { Membership } from './score-role.js';

const RETRY_MS = 500;

export interface LearnRoleParts {
  readonly limits: RestartLimits;
  readonly join: (onAssigned: (partitions: readonly number[]) => void) => Promise<Membership>;
  readonly spawn: () => Promise<Worker>;
  /** Resolves once the activation is durable in every partition. Called again where it failed. */
  readonly activate: (version: string, timeMs: number) => Promise<void>;
  /** A window is closed. */
  readonly onClosed: () => void;
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

  setBudget(pagesPerAgentDay: number): void {
    this.learning?.setBudget(pagesPerAgentDay);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.assign(false);
    await this.ending;
    await this.membership?.leave();
  }

  private assign(isOurs: boolean): void {
    if (!isOurs) this.end();
    else if (this.learning === null && !this.isStopping) this.begin();
  }

  private begin(): void {
    const { limits, spawn, report } = this.parts;
    const learning: LiveLearning = new LiveLearning({
      ...{ limits, spawn, report },
      activate: (version, timeMs) => this.activate(learning, version, timeMs),
      onClosed: () => this.parts.onClosed(),
      onFenced: () => void this.beginAgain(learning),
    });
    this.learning = learning;
  }

  private end(): void {
    const { learning } = this;
    if (learning === null) return;
    this.learning = null;
    this.ending = this.ending.then(() => learning.stop());
  }

  /** Fenced, and the group still says, or says anew, that it is ours to learn. */
  private async beginAgain(learning: LiveLearning): Promise<void> {
    do await sleep(this.parts.limits.pauseMs * 4);
    while (this.learning === learning && !this.isMember());
    if (this.learning !== learning) return;
    this.end();
    this.assign(true);
  }

  /**
   * The thread waits for it, so it is repeated until it is done or no longer ours. A process that was cut off waits:
   * another may have activated a newer model, and an older one must not follow it.
   */
  private async activate(learning: LiveLearning, version: string, timeMs: number): Promise<void> {
    for (; this.learning === learning; await sleep(RETRY_MS)) {
      if (!this.isMember()) continue;
      try {
        return await this.parts.activate(version, timeMs);
      } catch (error) {
        this.parts.report({ level: 'warn', message: `activating model ${version} is tried again`, error });
      }
    }
    throw new KilldeerError('log.closed', 'it is no longer this process that learns');
  }

  private isMember(): boolean {
    return this.membership?.isMember() ?? false;
  }
}
