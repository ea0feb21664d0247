/** The built program as a process of its own (`npm test` builds it first); gone, with its folder, when the test is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = join(ROOT, 'dist/main.js');

const POLL_MS = 20;
/** A condition that has not come true by then never will, ms. */
const PATIENCE_MS = 50_000;

export interface ProgramOptions {
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What starts the program; its words follow. */
  readonly command?: readonly string[];
}

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** A folder of this test alone. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'killdeer-e2e-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Waits for a condition; throws, in its words, where it does not come true. */
export async function until(
  what: string,
  isMet: () => boolean | Promise<boolean>,
  everyMs: number = POLL_MS,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isMet())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await sleep(everyMs);
  }
}

export class Program {
  /** Lines of its standard output, as values. */
  readonly values: Record<string, unknown>[] = [];
  err = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private out = '';

  constructor(words: readonly string[], { env = {}, command = [process.execPath, MAIN] }: ProgramOptions = {}) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build makes it`);
    const [file, ...first] = command;
    const options = {
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    };
    const child = spawn(file, [...first, ...words], options);
    this.child = child;
    // 'close', not 'exit': by then everything it said has been read.
    this.ended = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(line));
    child.stderr.on('data', (text) => {
      this.err += String(text);
    });
    onTestFinished(() => this.kill());
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first value of a type, once it was said. */
  async said(type: string): Promise<Record<string, unknown>> {
    let found: Record<string, unknown> | undefined;
    await until(`'${type}' is said`, () => {
      found = this.values.find((value) => value['type'] === type);
      if (found === undefined && this.hasEnded) throw new Error(`it ended before '${type}': ${this.err}`);
      return found !== undefined;
    });
    return found as Record<string, unknown>;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async stop(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return await this.end();
  }

  async end(): Promise<Ended> {
    await this.ended;
    return { code: this.child.exitCode, signal: this.child.signalCode, out: this.out, err: this.err };
  }

  private hear(line: string): void {
    this.out += `${line}\n`;
    try {
      this.values.push(JSON.parse(line) as Record<string, unknown>);
    } catch {
      // Help and the like: kept as text.
    }
  }
}

/** Runs the program to its end. */
export function run(words: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return new Program(words, options).end();
}

/** Lines of JSON as values. */
export function valuesOf<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
