/** The learner's thread, seen from the main thread: it makes models, here they are activated in every partition. */
import type { Worker } from 'node:worker_threads';
import { KilldeerError } from '../errors.js';
import { isFenced, KeptWorker, type RestartLimits, type WorkerState } from './kept-worker.js';
import type { LiveReport } from './live-parts.js';
import { type ClosedWindow, type FromLearner, faultOf, type ToLearner } from './protocol.js';

export interface LiveLearningParts {
  readonly limits: RestartLimits;
  readonly spawn: () => Promise<Worker>;
  /** Resolves once the activation is durable in every partition. */
  readonly activate: (version: string, timeMs: number) => Promise<void>;
  readonly onClosed: (closed: ClosedWindow) => void;
  /** Another process learns now: the thread has ended and is not started again. */
  readonly onFenced?: () => void;
  readonly report: (report: LiveReport) => void;
}

interface Waiter {
  readonly endMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class LiveLearning {
  private readonly worker: KeptWorker<ToLearner, FromLearner>;
  /** End of the last window that was learned, ms; 0 before the first. */
  private closedMs = 0;
  private waiters: Waiter[] = [];

  constructor(private readonly parts: LiveLearningParts) {
    this.worker = new KeptWorker<ToLearner, FromLearner>({
      limits: parts.limits,
      spawn: parts.spawn,
      onMessage: (message, answer) => this.take(message, answer),
      onDeath: (error, pauseMs) => this.died(error, pauseMs),
    });
  }

  async started(): Promise<void> {
    await this.worker.settled;
  }

  /** Samples of a partition are durable up to `end`. */
  sampled(partition: number, end: number): void {
    this.worker.post({ type: 'end', partition, end });
  }

  /** Resolves once the window that ends at `endMs` is learned; rejects where it will not be. */
  learned(endMs: number): Promise<void> {
    if (this.closedMs >= endMs) return Promise.resolve();
    if (this.worker.state === 'down' || this.worker.state === 'stopped') return Promise.reject(this.ended());
    return new Promise((resolve, reject) => {
      this.waiters.push({ endMs, resolve, reject });
    });
  }

  setBudget(pagesPerAgentDay: number): void {
    this.worker.post({ type: 'budget', pagesPerAgentDay });
  }

  /** Nobody waits for a window any more. */
  abandon(error: unknown): void {
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  status(): { readonly state: WorkerState; readonly window_end: string | null; readonly fault: string | null } {
    const { state, fault } = this.worker;
    return {
      state,
      window_end: this.closedMs === 0 ? null : new Date(this.closedMs).toISOString(),
      fault: fault === null ? null : faultOf(fault).message,
    };
  }

  async stop(): Promise<void> {
    this.abandon(this.ended());
    await this.worker.stop({ type: 'stop' });
  }

  private died(error: unknown, pauseMs: number | null): void {
    const { report, onFenced } = this.parts;
    if (pauseMs === null) this.abandon(error);
    if (isFenced(error)) {
      report({ level: 'info', message: 'another process learns now' });
      onFenced?.();
      return;
    }
    const next = pauseMs === null ? 'the models stay as they are' : `it is started again in ${pauseMs} ms`;
    report({ level: 'error', message: `learning stopped, ${next}: ${faultOf(error).message}`, error });
  }

  private ended(): KilldeerError {
    return new KilldeerError('log.closed', 'learning has ended');
  }

  private take(message: FromLearner, answer: (message: ToLearner) => void): void {
    if (message.type === 'model') void this.activate(message.version, message.timeMs, answer);
    else if (message.type === 'note') this.parts.report({ level: message.level, message: message.message });
    else if (message.type !== 'fatal') this.close(message.closed);
  }

  private close(closed: ClosedWindow): void {
    this.closedMs = closed.endMs;
    this.parts.onClosed(closed);
    const met = this.waiters.filter(({ endMs }) => endMs <= closed.endMs);
    this.waiters = this.waiters.filter(({ endMs }) => endMs > closed.endMs);
    for (const { resolve } of met) resolve();
  }

  private async activate(version: string, timeMs: number, answer: (message: ToLearner) => void): Promise<void> {
    try {
      await this.parts.activate(version, timeMs);
      answer({ type: 'activated', version });
    } catch (error) {
      // The learner waits; the next life learns the window again and activates the same model.
      this.parts.report({ level: 'error', message: `model ${version} could not be activated`, error });
      this.abandon(error);
    }
  }
}
