/** `killdeer run` on a folder, and what is asked of it over HTTP. It can be killed and started again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../src/api/contract.js';
import type { EngineCounts } from '../../src/engine/contract.js';
import { freshDirectory, Program, type ProgramOptions, until } from './program.js';

/** Between two questions of the same kind: a token has 600 of them a minute. */
const ASK_MS = 120;

export interface ServerOptions extends ProgramOptions {
  readonly data?: string;
  /** Where this process sees the data directory, if elsewhere than the server does. */
  readonly seenAt?: (pid: number) => string;
  /** Further words for `run`. */
  readonly words?: readonly string[];
  /** With the embedded history; off where it is left out. */
  readonly history?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it
  readonly body: any;
}

export interface Question {
  readonly method?: string;
  /** The token itself; that of an admin by default, null: none. */
  readonly token?: string | null;
  readonly json?: unknown;
  readonly bytes?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Status {
  readonly behind: number;
  readonly ingest: {
    readonly accepted: number;
    readonly duplicates: number;
    readonly rejected: number;
    readonly rejected_by: Readonly<Record<string, number>>;
  };
  readonly partitions: readonly {
    readonly state: string;
    readonly restarts: number;
    readonly fault: string | null;
    readonly behind: number;
    readonly dead_lettered: number;
    readonly counts: EngineCounts;
  }[];
}

export class Server {
  readonly data: string;
  program: Program;
  address = '';

  private constructor(private readonly options: ServerOptions) {
    this.data = options.data ?? freshDirectory();
    this.program = this.spawn();
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(options);
    await server.started();
    return server;
  }

  /** Starts the process again, without waiting for it. */
  respawn(): void {
    this.program = this.spawn();
  }

  async started(): Promise<void> {
    this.address = String((await this.program.said('started'))['address']);
  }

  async killAndRestart(): Promise<void> {
    await this.program.kill();
    this.respawn();
    await this.started();
  }

  /** Of the first start. */
  token(role: Role): string {
    const directory = this.options.seenAt?.(this.program.pid) ?? this.data;
    return (JSON.parse(readFileSync(join(directory, 'tokens.json'), 'utf8')) as Record<Role, string>)[role];
  }

  /** A new token; its secret. */
  async makeToken(name: string, roles: readonly Role[], agents: readonly string[] | null = null): Promise<string> {
    const { status, body } = await this.ask('/v1/tokens', { json: { name, roles, agents } });
    if (status !== 201) throw new Error(`a token was answered with ${status}: ${JSON.stringify(body)}`);
    return body.token as string;
  }

  /** Rejects where there is no answer. */
  async ask(path: string, question: Question = {}): Promise<Reply> {
    const { json, bytes, token = this.token('admin') } = question;
    const body = json === undefined ? bytes : JSON.stringify(json);
    const response = await fetch(`${this.address}${path}`, {
      method: question.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...question.headers,
      },
      ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  }

  send(lines: readonly (string | object)[], token = this.token('ingest')): Promise<Reply> {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    return this.post(texts.join('\n'), {}, token);
  }

  post(bytes: string | Uint8Array, headers: Record<string, string> = {}, token = this.token('ingest')): Promise<Reply> {
    return this.ask('/v1/events', { bytes, token, headers: { 'content-type': 'application/x-ndjson', ...headers } });
  }

  decide(agent: string, token = this.token('gateway')): Promise<Reply> {
    return this.ask('/v1/decide', { json: { agent }, token });
  }

  async status(): Promise<Status> {
    const { status, body } = await this.ask('/v1/status');
    if (status !== 200) throw new Error(`the status was answered with ${status}: ${JSON.stringify(body)}`);
    return body as Status;
  }

  /** Resolves once every durable record was executed, with the counts of all partitions together. */
  async settled(): Promise<Record<keyof EngineCounts, number>> {
    let now = await this.status();
    await this.until('everything is scored', async () => {
      now = await this.status();
      return now.behind === 0 && now.partitions.every(({ counts }) => counts !== null);
    });
    return totalsOf(now);
  }

  /** As `until`, for what is asked of the server: no faster than it lets anybody ask. */
  until(what: string, isMet: () => Promise<boolean>): Promise<void> {
    return until(what, isMet, ASK_MS);
  }

  private spawn(): Program {
    const { words = [], history = false } = this.options;
    const off = history ? [] : ['--no-history'];
    return new Program(['run', '--data', this.data, '--port', '0', ...off, ...words], this.options);
  }
}

function totalsOf({ partitions }: Status): Record<keyof EngineCounts, number> {
  const totals: Record<string, number> = {};
  for (const { counts } of partitions) {
    for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
  }
  return totals as Record<keyof EngineCounts, number>;
}
