/**
 * A worker thread that is kept running: when it dies it is started again, from what it left on disk, after a pause
 * that doubles, and a bounded number of times in a row; then it is down, and says so. One that died of what passes (a
 * full disk, brokers out of reach) is started again until it is over: nobody should have to restart the process after.
 * One that was fenced is down at once: another process does its work.
 */
import type { Worker } from 'node:worker_threads';
import { KilldeerError } from '../errors.js';
import { isDiskFull } from '../log/files.js';
import { errorOf, type Fault } from './protocol.js';

export interface RestartLimits {
  /** Restarts in a row before it is down. */
  readonly restartsMax: number;
  /** Pause before the first restart; doubles with each. */
  readonly pauseMs: number;
  /** A worker that lived this long is healthy: what came before is forgotten. */
  readonly healthyMs: number;
}

export const RESTART_LIMITS: RestartLimits = { restartsMax: 5, pauseMs: 250, healthyMs: 60_000 };

export type WorkerState = 'starting' | 'running' | 'restarting' | 'down' | 'stopped';

const PASSING_PAUSE_MS = 2_000;
/** Longest a worker may take for its last checkpoint, ms. */
const STOP_MAX_MS = 60_000;

/** Whether it died because another owner took over. */
export function isFenced(error: unknown): boolean {
  return error instanceof KilldeerError && error.code === 'kafka.fenced';
}

type Message = { readonly type: string; readonly fault?: unknown };

export interface KeptWorkerParts<To, From extends Message> {
  readonly limits: RestartLimits;
  /** Between two starts while what it died of lasts, ms. */
  readonly passingPauseMs?: number;
  /** Starts a thread; rejects where that cannot be. */
  readonly spawn: () => Promise<Worker>;
  /** Not called for 'fatal'. `answer` reaches the very thread that spoke, and nobody once it is gone. */
  readonly onMessage: (message: From, answer: (message: To) => void) => void;
  /** It died of this; `pauseMs` until it is started again, null: it is down. */
  readonly onDeath: (error: unknown, pauseMs: number | null) => void;
}

export class KeptWorker<To, From extends Message> {
  state: WorkerState = 'starting';
  /** Of the last death; null: none yet. */
  fault: unknown = null;
  restarts = 0;
  private inARow = 0;
  private worker: Worker | null = null;
  private startedAtMs = 0;
  private timer: NodeJS.Timeout | null = null;
  private isStopping = false;
  /** Resolves when it runs, or is down, for the first time. */
  readonly settled: Promise<void>;
  private settle: () => void = () => {};
  private readonly ended: Promise<void>;
  private end: () => void = () => {};

  constructor(private readonly parts: KeptWorkerParts<To, From>) {
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    void this.start();
  }

  /** Lost where no thread runs: whatever starts next reads what it needs from disk. */
  post(message: To): void {
    this.worker?.postMessage(message);
  }

  /** Asks it to end in order, with its last checkpoint; ends it otherwise. */
  async stop(message: To): Promise<void> {
    this.isStopping = true;
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.worker === null && this.state !== 'starting') this.finish('stopped');
    this.post(message);
    const late = setTimeout(() => void this.worker?.terminate(), STOP_MAX_MS);
    await this.ended;
    clearTimeout(late);
  }

  private async start(): Promise<void> {
    this.state = 'starting';
    let worker: Worker;
    try {
      worker = await this.parts.spawn();
    } catch (error) {
      this.died(error);
      return;
    }
    if (this.isStopping) {
      // What it still fails of is nobody's business, and must not end the process.
      worker.on('error', () => undefined);
      await worker.terminate();
      this.finish('stopped');
      return;
    }
    this.worker = worker;
    this.startedAtMs = performance.now();
    let cause: unknown = null;
    const answer = (message: To): void => worker.postMessage(message);
    worker.on('message', (message: From) => {
      if (message.type === 'fatal') cause = errorOf(message.fault as Fault);
      else this.take(message, answer);
    });
    worker.on('error', (error) => {
      cause ??= error;
    });
    worker.on('exit', (code) => {
      this.worker = null;
      if (this.isStopping && cause === null) this.finish('stopped');
      else this.died(cause ?? new KilldeerError('partition.fault', `the thread ended by itself, exit code ${code}`));
    });
  }

  private take(message: From, answer: (message: To) => void): void {
    if (message.type === 'ready') {
      this.state = 'running';
      this.settle();
    }
    this.parts.onMessage(message, answer);
  }

  private died(error: unknown): void {
    this.fault = error;
    if (performance.now() - this.startedAtMs >= this.parts.limits.healthyMs) this.inARow = 0;
    const isPassing = isDiskFull(error) || (error instanceof KilldeerError && error.retry);
    const isOver = this.isStopping || isFenced(error);
    if (isOver || (!isPassing && this.inARow >= this.parts.limits.restartsMax)) {
      this.parts.onDeath(error, null);
      this.finish('down');
      return;
    }
    const pause = isPassing ? (this.parts.passingPauseMs ?? PASSING_PAUSE_MS) : this.nextPause();
    this.restarts += 1;
    this.state = 'restarting';
    this.parts.onDeath(error, pause);
    // Whoever waits for the first start must not wait for that.
    if (isPassing) this.settle();
    this.timer = setTimeout(() => void this.start(), pause);
  }

  private nextPause(): number {
    let pause = this.parts.limits.pauseMs;
    for (let i = 0; i < this.inARow; i++) pause *= 2;
    this.inARow += 1;
    return pause;
  }

  private finish(state: WorkerState): void {
    this.state = state;
    this.settle();
    this.end();
  }
}
