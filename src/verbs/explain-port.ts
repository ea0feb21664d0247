/**
 * Explains findings of a running server, one at a time and off its main thread. What was found is remembered; whoever
 * asks meanwhile is told how far it is. Whatever goes wrong, the finding's stored part remains, and why.
 */
import { Worker } from 'node:worker_threads';
import type { Explained, ExplainPort } from '../api/insight-contract.js';
import type { PriceTable } from '../event/prices.js';
import type { ExplainTask, FromExplainer } from './explain-worker.js';

export interface ExplainOptions {
  /** Data directory; null: the log is not on this machine. */
  readonly directory: string | null;
  readonly prices: PriceTable;
  /** Longest for one finding, and longest that a caller waits, ms. */
  readonly limitMs?: number;
  readonly patienceMs?: number;
  /** Compiled entry of the thread. */
  readonly url?: URL;
}

export interface OpenedExplain {
  readonly port: ExplainPort;
  close(): Promise<void>;
}

const LIMIT_MS = 30_000;
const PATIENCE_MS = 10_000;
const REMEMBERED_MAX = 200;
const WAITING_MAX = 20;
const NOT_HERE: Explained = { state: 'stored', why: "executing again needs the log's files on this machine" };
const TOO_MANY: Explained = { state: 'stored', why: 'too many findings wait to be explained, ask again later' };

interface Job {
  readonly id: string;
  readonly answer: Promise<Explained>;
  readonly settle: (answer: Explained) => void;
  done: number;
  total: number;
}

export function openExplain(options: ExplainOptions): OpenedExplain {
  const explainer = new Explainer(options);
  return {
    port: { explain: (id) => (options.directory === null ? Promise.resolve(NOT_HERE) : explainer.explain(id)) },
    close: () => explainer.close(),
  };
}

class Explainer {
  private readonly found = new Map<string, Explained>();
  private readonly jobs = new Map<string, Job>();
  private worker: Worker | null = null;
  private isClosed = false;

  constructor(private readonly options: ExplainOptions) {}

  async explain(id: string): Promise<Explained> {
    const known = this.found.get(id);
    if (known !== undefined) return known;
    const job = this.jobs.get(id) ?? this.begin(id);
    if (job === null) return TOO_MANY;
    const late = Symbol('late');
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<typeof late>((resolve) => {
      timer = setTimeout(resolve, this.options.patienceMs ?? PATIENCE_MS, late);
      timer.unref();
    });
    const first = await Promise.race([job.answer, patience]);
    clearTimeout(timer);
    return first === late ? { state: 'running', done: job.done, total: job.total } : first;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const job of [...this.jobs.values()]) this.end(job, { state: 'stored', why: 'the server stops' });
    await this.worker?.terminate();
  }

  /** null: too many wait already. */
  private begin(id: string): Job | null {
    if (this.isClosed || this.jobs.size >= WAITING_MAX) return null;
    let settle: (answer: Explained) => void = () => undefined;
    const answer = new Promise<Explained>((resolve) => {
      settle = resolve;
    });
    const job: Job = { id, answer, settle, done: 0, total: 0 };
    this.jobs.set(id, job);
    if (this.jobs.size === 1) this.run(job);
    return job;
  }

  private run(job: Job): void {
    const { directory, prices, limitMs = LIMIT_MS, url } = this.options;
    const workerData: ExplainTask = { directory: directory as string, id: job.id, prices };
    let answer: Explained = { state: 'stored', why: 'it could not be executed again' };
    const worker = new Worker(url ?? new URL('./explain-worker.js', import.meta.url), { workerData, name: 'explain' });
    this.worker = worker;
    const limit = setTimeout(() => {
      answer = { state: 'stored', why: `executing again took longer than ${limitMs / 1_000} s` };
      void worker.terminate();
    }, limitMs);
    worker.on('message', (message: FromExplainer) => {
      if (message.kind === 'progress') Object.assign(job, { done: message.done, total: message.total });
      else answer = answerOf(message);
    });
    worker.on('error', (error) => {
      answer = { state: 'stored', why: `it could not be executed again: ${error.message}` };
    });
    worker.on('exit', () => {
      clearTimeout(limit);
      this.worker = null;
      this.end(job, answer);
    });
  }

  /** The next one begins as this one ends. */
  private end(job: Job, answer: Explained): void {
    if (!this.jobs.delete(job.id)) return;
    this.remember(job.id, answer);
    job.settle(answer);
    const [next] = this.jobs.values();
    if (next !== undefined && !this.isClosed) this.run(next);
  }

  private remember(id: string, answer: Explained): void {
    this.found.set(id, answer);
    const [oldest] = this.found.keys();
    if (this.found.size > REMEMBERED_MAX && oldest !== undefined) this.found.delete(oldest);
  }
}

function answerOf(message: Exclude<FromExplainer, { kind: 'progress' }>): Explained {
  if (message.kind === 'stored') return { state: 'stored', why: message.why };
  return { state: 'exact', explanation: message.explanation };
}
