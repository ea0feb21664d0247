/**
 * The embedded ClickHouse as its parent sees it: a child process that is kept running. When it dies it is started
 * again, at the same address and with the same password, after a pause that doubles; meanwhile the store is away, and
 * whoever uses it waits. The child ends when its parent does: the pipe between them closes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ERRORS, type ErrorCode, KilldeerError } from '../errors.js';
import type { Telemetry } from '../telemetry.js';
import type { StoreAccess } from './connection.js';

/** The variable that carries the password, and tells the child that a parent holds its standard input. */
export const PASSWORD_VARIABLE = 'KILLDEER_STORE_PASSWORD';
export const STORE_USER = 'killdeer';

export interface StoreChildParts {
  /** What starts the child but for its port: the program, its words, the data directory. */
  readonly command: readonly [file: string, ...words: string[]];
  readonly report: (report: { level: 'info' | 'warn' | 'error'; message: string; error?: unknown }) => void;
  readonly telemetry?: Telemetry;
  /** Pause before the first restart, doubling with each that follows soon; ms. */
  readonly pauseMs?: number;
  /** A child that lived this long is healthy: what came before is forgotten; ms. */
  readonly healthyMs?: number;
}

export interface StoreChild {
  /** The same for as long as it is kept. */
  readonly access: StoreAccess;
  readonly pid: number | null;
  readonly restarts: number;
  /** Asks it to end, and ends it where it does not. */
  stop(): Promise<void>;
}

const PAUSE_MS = 500;
const PAUSE_MAX_MS = 30_000;
const HEALTHY_MS = 60_000;
const STOP_MAX_MS = 20_000;

/** Resolves once it listens for the first time; rejects with what kept it from it, as 'store.absent' or 'log.locked'. */
export async function startStoreChild(parts: StoreChildParts): Promise<StoreChild> {
  const child = new KeptChild(parts);
  await child.first();
  return child;
}

interface Said {
  readonly type?: unknown;
  readonly url?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}

class KeptChild implements StoreChild {
  restarts = 0;
  private readonly password = randomBytes(24).toString('base64url');
  private url = '';
  private process: ChildProcess | null = null;
  private timer: NodeJS.Timeout | null = null;
  private inARow = 0;
  private isStopping = false;

  constructor(private readonly parts: StoreChildParts) {}

  get access(): StoreAccess {
    return { url: this.url, username: STORE_USER, password: this.password };
  }

  get pid(): number | null {
    return this.process?.pid ?? null;
  }

  async first(): Promise<void> {
    this.url = await this.start('0');
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    if (this.timer !== null) clearTimeout(this.timer);
    const running = this.process;
    if (running === null) return;
    const ended = once(running, 'exit');
    running.stdin?.end();
    running.kill('SIGTERM');
    const late = setTimeout(() => running.kill('SIGKILL'), STOP_MAX_MS);
    await ended;
    clearTimeout(late);
  }

  /** Resolves with its address once it listens; rejects where it ends before. */
  private start(port: string): Promise<string> {
    const [file, ...words] = this.parts.command;
    const running = spawn(file, [...words, '--port', port], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Statements run on the threads that also read and write files: some must be left for those.
      env: { ...process.env, [PASSWORD_VARIABLE]: this.password, UV_THREADPOOL_SIZE: '8' },
    });
    this.process = running;
    const startedAtMs = performance.now();
    // It may die before it reads: then the pipe breaks, which its exit tells better.
    running.stdin?.on('error', () => undefined);
    const complaint = lastOf(running);
    return new Promise((resolve, reject) => {
      let isListening = false;
      let failure: KilldeerError | null = null;
      createInterface({ input: running.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const said = parse(line);
        if (said.type === 'failed') failure = failureOf(said);
        if (said.type !== 'listening' || typeof said.url !== 'string') return;
        isListening = true;
        resolve(said.url);
      });
      running.on('error', (error) => {
        failure ??= new KilldeerError('store.absent', `the store cannot be started: ${error.message}`, error);
      });
      running.on('close', (code, signal) => {
        this.process = null;
        const words = `the store ended by itself, ${signal ?? `exit code ${code}`}${complaint()}`;
        const error = failure ?? new KilldeerError('store.unreachable', words);
        if (isListening && !this.isStopping) this.died(error, performance.now() - startedAtMs);
        else reject(error);
      });
    });
  }

  private died(error: KilldeerError, livedMs: number): void {
    if (livedMs >= (this.parts.healthyMs ?? HEALTHY_MS)) this.inARow = 0;
    const pauseMs = Math.min(PAUSE_MAX_MS, (this.parts.pauseMs ?? PAUSE_MS) * 2 ** Math.min(this.inARow, 10));
    this.inARow += 1;
    this.restarts += 1;
    this.parts.telemetry?.count('killdeer_store_child_restarts_total', {});
    this.parts.report({ level: 'warn', message: `the store is started again in ${pauseMs} ms`, error });
    this.timer = setTimeout(() => {
      const startedAtMs = performance.now();
      this.start(new URL(this.url).port).catch((again: unknown) => {
        if (!this.isStopping) this.died(again as KilldeerError, performance.now() - startedAtMs);
      });
    }, pauseMs);
  }
}

/** The end of what a process said on its standard error, for a message. */
function lastOf(running: ChildProcess): () => string {
  let text = '';
  running.stderr?.on('data', (piece) => {
    text = (text + String(piece)).slice(-2_000);
  });
  return () => {
    const line = text.trim().split('\n').at(-1) ?? '';
    return line === '' ? '' : `: ${line.slice(0, 300)}`;
  };
}

function failureOf({ code, message }: Said): KilldeerError {
  const known: ErrorCode = typeof code === 'string' && code in ERRORS ? (code as ErrorCode) : 'store.unreachable';
  return new KilldeerError(known, String(message));
}

function parse(line: string): Said {
  try {
    return (JSON.parse(line) as Said | null) ?? {};
  } catch {
    return {};
  }
}
