/**
 * Replays that people asked for: one at a time, each in a child process of low priority, the others wait. What came of
 * them is kept in the data directory, the newest ones. A server that is killed leaves nothing half done: its child ends
 * with it, and at the next start a replay that had not ended is one that failed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplayJob, ReplaysPort, ReplayWish } from '../api/replay-contract.js';
import type { Config } from '../config.js';
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import type { PriceTable } from '../event/prices.js';
import { writeAtomic } from '../log/atomic-file.js';
import { nodeFiles } from '../log/files.js';
import { readLinesAt } from './line-page.js';
import type { FromReplay, ReplayTask } from './replay-task.js';

export interface ReplayQueueOptions {
  /** Data directory of the server. */
  readonly dir: string;
  readonly config: Config;
  readonly prices: PriceTable;
  readonly clock: () => number;
  /** Compiled entry of the child; for tests. */
  readonly entry?: URL;
}

/** Replays that wait, beside the one that runs. */
const WAITING_MAX = 5;
const KEPT_MAX = 20;
const JOB_FILE = 'job.json';
const FINDINGS_FILE = 'findings.jsonl';
const ID = /^r-[0-9a-f]{16}$/;

export async function openReplayQueue(options: ReplayQueueOptions): Promise<ReplayQueue> {
  const queue = new ReplayQueue(options);
  await queue.open();
  return queue;
}

export class ReplayQueue implements ReplaysPort {
  private readonly directory: string;
  /** In the order in which they were asked for. */
  private readonly jobs = new Map<string, ReplayJob>();
  private running: { readonly id: string; readonly child: ChildProcess; readonly ended: Promise<void> } | null = null;
  private isStopping = false;
  /** A file has one writer at a time. */
  private saving: Promise<void> = Promise.resolve();

  constructor(private readonly options: ReplayQueueOptions) {
    this.directory = join(options.dir, 'replays');
  }

  /** What earlier lives left; whatever had not ended has failed. */
  async open(): Promise<void> {
    const names = await readdir(this.directory).catch(() => []);
    const kept: ReplayJob[] = [];
    for (const name of names.filter((one) => ID.test(one))) {
      const job = await readJob(this.pathOf(name, JOB_FILE));
      if (job === null) await rm(join(this.directory, name), { recursive: true, force: true });
      else kept.push(job);
    }
    for (const job of kept.sort((a, b) => a.askedMs - b.askedMs)) {
      this.jobs.set(job.id, job);
      const hasEnded = job.state !== 'queued' && job.state !== 'running';
      if (!hasEnded) await this.fail(job.id, 'interrupted: the server ended before it did');
    }
  }

  async start(id: string, wish: ReplayWish, actor: string): Promise<ReplayJob> {
    const known = this.jobs.get(id);
    if (known !== undefined) return known;
    const waiting = [...this.jobs.values()].filter(({ state }) => state === 'queued').length;
    if (waiting >= WAITING_MAX) {
      throw new KilldeerError('registry.refused', `${waiting} replays wait already: cancel one, or wait`);
    }
    const job: ReplayJob = {
      ...{ id, wish, actor, state: 'queued', askedMs: this.options.clock(), startedMs: null, endedMs: null },
      ...{ progress: 0, reason: null, result: null },
    };
    this.jobs.set(id, job);
    await mkdir(join(this.directory, id), { recursive: true });
    await this.save(job);
    await this.forgetOldest();
    this.next();
    return this.jobs.get(id) ?? job;
  }

  list(): readonly ReplayJob[] {
    return [...this.jobs.values()].reverse();
  }

  get(id: string): ReplayJob | null {
    return this.jobs.get(id) ?? null;
  }

  async findings(id: string, limit: number, cursor: number): ReturnType<ReplaysPort['findings']> {
    if (this.jobs.get(id)?.state !== 'done') return null;
    const { lines, next } = await readLinesAt(this.pathOf(id, FINDINGS_FILE), cursor, limit);
    return { findings: lines.map(findingOf), cursor: next };
  }

  async remove(id: string): Promise<ReplayJob | null> {
    const job = this.jobs.get(id);
    if (job === undefined) return null;
    if (job.state === 'queued' || job.state === 'running') {
      const cancelled = await this.change(id, { state: 'cancelled', endedMs: this.options.clock() });
      if (this.running?.id === id) this.running.child.kill('SIGKILL');
      return cancelled;
    }
    this.jobs.delete(id);
    await this.inTurn(() => rm(join(this.directory, id), { recursive: true, force: true }));
    return job;
  }

  /** The one that runs ends; it is shown as interrupted in the next life. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const { running } = this;
    running?.child.kill('SIGKILL');
    await running?.ended;
  }

  private next(): void {
    if (this.running !== null || this.isStopping) return;
    const job = [...this.jobs.values()].find(({ state }) => state === 'queued');
    if (job === undefined) return;
    const child = this.spawn();
    const ended = this.run(job, child).then(() => {
      this.running = null;
      this.next();
    });
    this.running = { id: job.id, child, ended };
  }

  /** It needs nothing of the environment, where secrets stand. */
  private spawn(): ChildProcess {
    const entry = this.options.entry ?? new URL('./replay-child.js', import.meta.url);
    return fork(entry, [], {
      env: {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
  }

  private async run({ id, wish }: ReplayJob, child: ChildProcess): Promise<void> {
    const { dir, config, prices, clock } = this.options;
    const task: ReplayTask = { directory: dir, wish, config, prices, findingsPath: this.pathOf(id, FINDINGS_FILE) };
    let last: Exclude<FromReplay, { type: 'progress' }> | null = null;
    child.on('message', (message: FromReplay) => {
      if (message.type === 'progress') this.advance(id, message.done, message.total);
      else last = message;
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const began = this.change(id, { state: 'running', startedMs: clock() });
    child.send(task, () => undefined);
    await Promise.all([began.catch(() => undefined), exited]);
    await this.ended(id, last).catch(() => undefined);
  }

  private async ended(id: string, last: Exclude<FromReplay, { type: 'progress' }> | null): Promise<void> {
    // Cancelled, or taken away; or the server ends, and the next life says what became of it.
    if (this.jobs.get(id)?.state !== 'running' || this.isStopping) return;
    if (last === null) return this.fail(id, 'its process ended before it did');
    if (last.type === 'failed') return this.fail(id, last.reason);
    await this.change(id, { state: 'done', progress: 1, endedMs: this.options.clock(), result: last.result });
  }

  private advance(id: string, done: number, total: number): void {
    const job = this.jobs.get(id);
    // In memory alone: a restart shows it as interrupted anyway.
    if (job !== undefined) this.jobs.set(id, { ...job, progress: Math.min(1, done / Math.max(1, total)) });
  }

  private async fail(id: string, reason: string): Promise<void> {
    await this.change(id, { state: 'failed', endedMs: this.options.clock(), reason });
  }

  private async change(id: string, change: Partial<ReplayJob>): Promise<ReplayJob> {
    const job = { ...(this.jobs.get(id) as ReplayJob), ...change };
    this.jobs.set(id, job);
    await this.save(job);
    return job;
  }

  private save(job: ReplayJob): Promise<void> {
    return this.inTurn(() =>
      writeAtomic(nodeFiles, this.pathOf(job.id, JOB_FILE), Buffer.from(`${JSON.stringify(job)}\n`)),
    );
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.saving.then(work);
    this.saving = turn.catch(() => undefined);
    return turn;
  }

  private async forgetOldest(): Promise<void> {
    const ended = [...this.jobs.values()].filter(({ state }) => state !== 'queued' && state !== 'running');
    for (const { id } of ended.slice(0, Math.max(0, this.jobs.size - KEPT_MAX))) await this.remove(id);
  }

  private pathOf(id: string, file: string): string {
    return join(this.directory, id, file);
  }
}

/** A place in the middle of a line is nobody's cursor. */
function findingOf(line: string): Finding {
  try {
    return JSON.parse(line) as Finding;
  } catch (error) {
    throw new KilldeerError('api.invalid', 'cursor: it is none of this replay', error);
  }
}

async function readJob(path: string): Promise<ReplayJob | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ReplayJob;
  } catch {
    return null;
  }
}
