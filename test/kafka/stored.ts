/**
 * A history beside an installation on a broker: the ClickHouse that stands for a server, the processes that carry the
 * log there, and what the tables must hold in the end, whatever became of either.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { StoreConfig } from '../../src/config.js';
import { isRejection } from '../../src/event/event.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import { STORE_USER } from '../../src/store/child.js';
import type { StoreAccess } from '../../src/store/connection.js';
import { createStore, type Store } from '../../src/store/store.js';
import { freshDirectory, Program, until } from '../e2e/program.js';
import { NO_PRICES } from '../event/wire.js';
import { childCommand, storeConfig } from '../store/world.js';
import type { Cluster } from './cluster.js';
import { type Kept, readKept } from './judgement.js';

const PASSWORD = 'of-a-test';
const PASSWORD_ENV = 'KILLDEER_TEST_STORE_PASSWORD';
const ASK_MS = 250;

/** A store that can be killed, hung, and started again at the same address with what it had. */
export class StoreServer {
  private child: ChildProcess | null = null;
  private port = '0';
  private readonly data = freshDirectory();

  static async start(): Promise<StoreServer> {
    const server = new StoreServer();
    onTestFinished(() => server.kill());
    await server.start();
    process.env[PASSWORD_ENV] = PASSWORD;
    return server;
  }

  get access(): StoreAccess {
    return { url: `http://127.0.0.1:${this.port}`, username: STORE_USER, password: PASSWORD };
  }

  /** Of a configuration that means it. */
  get config(): Partial<StoreConfig> {
    return { kind: 'clickhouse', url: this.access.url, username: STORE_USER, password_env: PASSWORD_ENV };
  }

  async start(): Promise<void> {
    const [file, ...words] = childCommand(this.data);
    const env = { ...process.env, KILLDEER_STORE_PASSWORD: PASSWORD, UV_THREADPOOL_SIZE: '8' };
    const child = spawn(file, [...words, '--port', this.port], { stdio: ['pipe', 'pipe', 'ignore'], env });
    this.child = child;
    const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
    this.port = new URL(String((JSON.parse(line) as { url: string }).url)).port;
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    this.child = null;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** To ask it. */
  open(): Store {
    const store = createStore(storeConfig(this.config), this.access);
    onTestFinished(() => store.close());
    return store;
  }
}

/** A process of the role project; no other role. */
export class ProjectProcess {
  private constructor(
    readonly program: Program,
    private readonly address: string,
  ) {}

  static async start({ config }: Cluster): Promise<ProjectProcess> {
    const place = ['--data', freshDirectory(), '--config', config];
    const program = new Program(['run', ...place, '--roles', 'project', '--recorded-time']);
    const { ops } = await program.said('started');
    return new ProjectProcess(program, String(ops));
  }

  /** The longest of the tables', s; null: it has not said any. */
  async delayS(): Promise<number | null> {
    const response = await fetch(new URL('/metrics', this.address), { signal: AbortSignal.timeout(10_000) });
    const lines = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith('killdeer_store_delay_seconds{'));
    if (lines.length === 0) return null;
    return Math.max(...lines.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1))));
  }

  /** Resident memory, bytes. */
  rss(): number {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.program.pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  }

  /** For a while nothing of it moves. */
  async hang(ms: number): Promise<void> {
    process.kill(this.program.pid, 'SIGSTOP');
    try {
      await sleep(ms);
    } finally {
      process.kill(this.program.pid, 'SIGCONT');
    }
  }

  async leave(): Promise<void> {
    const { code, err } = await this.program.stop();
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  }
}

/** How many rows a table holds, and of how many places of the log. */
async function countOf(store: Store, table: string): Promise<{ rows: number; places: number }> {
  const [row] = await store.select<{ rows: string; places: string }>(
    `SELECT count() AS rows, uniqExact(topic, partition, offset) AS places FROM ${store.database}.${table}`,
  );
  return { rows: Number(row.rows), places: Number(row.places) };
}

export interface StoredRows {
  readonly events: number;
  readonly findings: number;
  readonly decisions: number;
  readonly deadLetters: number;
  readonly minutes: number;
}

/** What the log says that the tables must hold. */
interface Wanted {
  readonly events: readonly (readonly string[])[];
  readonly junk: readonly (readonly number[])[];
  readonly kept: Kept;
}

/** Waits until the tables hold as much as the log, and then holds them against it, row by row. */
export async function expectStored(cluster: Cluster, server: StoreServer): Promise<StoredRows> {
  const store = server.open();
  const wanted = wantedOf(await readKept(cluster));
  const sizes = sizesOf(wanted);
  for (const [table, size] of Object.entries(sizes)) {
    await until(`${table} holds ${size} rows`, async () => (await countOf(store, table)).rows >= size, ASK_MS);
    expect({ table, ...(await countOf(store, table)) }).toEqual({ table, rows: size, places: size });
  }
  await expectEvents(store, wanted);
  await expectOutputs(store, wanted);
  await expectGaps(store, wanted);
  const minutes = await expectMinutes(store);
  return {
    events: sizes.events,
    findings: sizes.findings,
    decisions: sizes.decisions,
    deadLetters: sizes.dead_letters,
    minutes,
  };
}

function wantedOf(kept: Kept): Wanted {
  const decoded = kept.records.map((lines) => lines.map((line, offset) => decodeRecord(line, offset, NO_PRICES)));
  return {
    kept,
    events: decoded.map((records) =>
      records.flatMap((record) => ('type' in record && record.type === 'event' ? [record.event.id] : [])),
    ),
    junk: decoded.map((records) => records.flatMap((record, offset) => (isRejection(record as never) ? [offset] : []))),
  };
}

function sizesOf({ events, kept }: Wanted) {
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  return {
    events: sum(events.map(({ length }) => length)),
    findings: sum(kept.outputs.map(({ findings }) => findings.length)),
    decisions: kept.registry.length,
    dead_letters: sum(kept.outputs.map(({ dead }) => dead.length)),
  };
}

async function expectEvents(store: Store, { events }: Wanted): Promise<void> {
  for (const [partition, ids] of events.entries()) {
    const rows = await store.select<{ id: string }>(
      `SELECT id FROM ${store.database}.events WHERE partition = {partition:UInt16} ORDER BY offset`,
      { partition },
    );
    expect(rows.map(({ id }) => id)).toEqual(ids);
  }
}

/** Findings and decisions word by word, each with what became of it. */
async function expectOutputs(store: Store, { kept }: Wanted): Promise<void> {
  for (const [partition, { findings }] of kept.outputs.entries()) {
    const rows = await store.select<{ json: string }>(
      `SELECT json FROM ${store.database}.findings WHERE partition = {partition:UInt16} ORDER BY offset`,
      { partition },
    );
    expect(rows.map(({ json }) => json)).toEqual(findings);
  }
  const rows = await store.select<{ json: string; effect: string }>(
    `SELECT json, effect FROM ${store.database}.decisions ORDER BY offset`,
  );
  expect(rows.map(({ json }) => JSON.parse(json) as unknown)).toEqual(kept.registry);
  expect(rows.filter(({ effect }) => effect === '')).toEqual([]);
}

/** What could not be read is told, and nothing else is missing. */
async function expectGaps(store: Store, { junk }: Wanted): Promise<void> {
  const rows = await store.select<{ topic: string; partition: number; kind: string; first: string; next: string }>(
    `SELECT topic, partition, kind, first, next FROM ${store.database}.gaps FINAL`,
  );
  const told = junk.map(() => new Set<number>());
  for (const { topic, partition, kind, first, next } of rows) {
    expect({ topic, kind }).toEqual({ topic: 'events', kind: 'malformed' });
    for (let offset = Number(first); offset < Number(next); offset++) told[partition].add(offset);
  }
  expect(told.map((offsets) => [...offsets].sort((a, b) => a - b))).toEqual(junk);
}

const ROLLED = ['events', 'errors', 'denied', 'input_tokens', 'output_tokens', 'cost_usd', 'bytes_out'];

/** The rollup equals one made anew from the events; resolves with how many minutes of agents there are. */
async function expectMinutes(store: Store): Promise<number> {
  const { database } = store;
  const order = 'GROUP BY tenant, root, at ORDER BY tenant, root, at';
  const rolled = await store.select<Record<string, unknown>>(
    `SELECT tenant, root, toUnixTimestamp(minute) AS at, ${ROLLED.map((name) => `sum(m.${name}) AS s_${name}`).join(', ')}
     FROM ${database}.minutes AS m ${order}`,
  );
  const sums = ['input_tokens', 'output_tokens', 'cost_usd', 'bytes_out'].map((name) => `sum(e.${name}) AS s_${name}`);
  const recounted = await store.select<Record<string, unknown>>(
    `SELECT tenant, root, toUnixTimestamp(toStartOfMinute(time)) AS at, count() AS s_events,
       countIf(status = 'error') AS s_errors, countIf(status = 'denied') AS s_denied, ${sums.join(', ')}
     FROM ${database}.events AS e ${order}`,
  );
  expect(rolled.map(rounded)).toEqual(recounted.map(rounded));
  return rolled.length;
}

/** Sums of dollars depend on the order in the digits beyond those that a price has; nothing to sum is nothing. */
function rounded(row: Record<string, unknown>): Record<string, unknown> {
  const values = Object.entries(row).map(([name, value]) =>
    name.startsWith('s_') ? [name, Math.round(Number(value ?? 0) * 1e10) / 1e10] : [name, value],
  );
  return Object.fromEntries(values) as Record<string, unknown>;
}
