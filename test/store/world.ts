/**
 * A real store for tests: one embedded ClickHouse for a file's tests, a database of its own for each. dist/ must be
 * built, since the child runs compiled files. Without the optional engine these tests are skipped, and say so; under
 * CI that is a failure.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { rootOf } from '../../src/agent/lineage.js';
import { configSchema, type StoreConfig } from '../../src/config.js';
import { KilldeerError } from '../../src/errors.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { decodeRecord, encodeEvent } from '../../src/pipeline/record-line.js';
import type { ProjectedPlace, ProjectedTopic } from '../../src/store/batch.js';
import { type StoreChild, startStoreChild } from '../../src/store/child.js';
import { openConnection, type Settings, type StoreAccess } from '../../src/store/connection.js';
import { isEmbeddable } from '../../src/store/embedded.js';
import { createProjector, type ProjectorParts, type ProjectorReport } from '../../src/store/projector.js';
import { createStore, openStore, type Store } from '../../src/store/store.js';
import { MAIN } from '../e2e/program.js';
import { NO_PRICES, wire } from '../event/wire.js';

const PATIENCE_MS = 50_000;
const START = Date.UTC(2025, 5, 2);

/** A suite that needs the engine; `engine()` is its child, once the tests run. */
export function describeStore(name: string, body: (engine: () => Engine) => void): void {
  if (!isEmbeddable() && process.env['CI']) throw new Error(`${name}: the optional dependency chdb is missing`);
  const title = isEmbeddable() ? name : `${name} (SKIPPED: the optional dependency chdb is missing)`;
  describe.skipIf(!isEmbeddable())(title, () => {
    let engine: Engine | null = null;
    beforeAll(async () => {
      engine = await Engine.start();
    });
    afterAll(() => engine?.stop());
    body(() => engine as Engine);
  });
}

let databases = 0;

export class Engine {
  readonly reports: ProjectorReport[] = [];

  private constructor(
    readonly data: string,
    readonly child: StoreChild,
  ) {}

  static async start(): Promise<Engine> {
    const data = mkdtempSync(join(tmpdir(), 'killdeer-store-'));
    const quick = { pauseMs: 20, healthyMs: 0 };
    const child = await startStoreChild({ command: childCommand(data), report: () => undefined, ...quick });
    return new Engine(data, child);
  }

  async stop(): Promise<void> {
    await this.child.stop();
    rmSync(this.data, { recursive: true, force: true });
  }

  /** A database that no other test knows. */
  config(changes: Partial<StoreConfig> = {}): StoreConfig {
    databases += 1;
    return storeConfig({ database: `test_${databases}`, ...changes });
  }

  /** A statement of the test's own. */
  async command(sql: string, settings: Settings = {}): Promise<void> {
    const connection = openConnection(this.child.access);
    try {
      await connection.command(sql, settings);
    } finally {
      await connection.close();
    }
  }

  async store(config: StoreConfig = this.config()): Promise<Store> {
    const store = await openStore(config, this.child.access);
    onTestFinished(() => store.close());
    return store;
  }
}

export function childCommand(data: string): [string, ...string[]] {
  return [process.execPath, MAIN, 'store', '--data', data];
}

export function storeConfig(changes: Partial<StoreConfig> = {}): StoreConfig {
  return { ...configSchema.parse({}).store, ...changes };
}

/** A store at any address, closed with the test. */
export function storeAt(config: StoreConfig, access: StoreAccess): Store {
  const store = createStore(config, access);
  onTestFinished(() => store.close());
  return store;
}

export async function until(what: string, isMet: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isMet())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await sleep(20);
  }
}

/** Asks until the store answers: it may be about to be started again. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof KilldeerError) || performance.now() > endMs) throw error;
      await sleep(20);
    }
  }
}

export function memoryLog(retainRecordsMax = Number.POSITIVE_INFINITY): Log {
  const topics = { 'events': 2, 'findings-0': 1, 'registry': 1, 'dead-letter-0': 1 };
  const log = createMemoryLog({ topics, retainRecordsMax });
  onTestFinished(() => log.close());
  return log;
}

export function placeOf(log: Log, topic: string, as: ProjectedTopic, partition = 0): ProjectedPlace {
  return { log, topic, partition, as: { topic: as, partition } };
}

/** The i-th event of a test: one a second, by one of three agents. */
export function eventLine(i: number, changes: Readonly<Record<string, unknown>> = {}): string {
  const time = new Date(START + i * 1000).toISOString();
  const agent = `agent-${i % 3}`;
  return encodeEvent(wire({ id: `e${i}`, time, agent, target: `host-${i % 5}`, ...changes }), true);
}

export const tickLine = (i: number): string => JSON.stringify({ type: 'tick', timeMs: START + i * 1000 });

export function eventLines(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => eventLine(from + i));
}

export function projectorParts(store: Store, places: readonly ProjectedPlace[]): ProjectorParts {
  return {
    places,
    store,
    decode: (line, offset) => decodeRecord(line, offset, NO_PRICES),
    rootOf,
    report: () => undefined,
    limits: { ageMs: 20 },
  };
}

export interface Running {
  readonly projector: ReturnType<typeof createProjector>;
  /** Ends it, and waits until it has. */
  end(): Promise<void>;
}

/** A projector at work until the test is over, or until `end`. */
export function project(parts: ProjectorParts): Running {
  const projector = createProjector(parts);
  const running = projector.run();
  running.catch(() => undefined);
  const end = async () => {
    projector.stop();
    await running;
  };
  onTestFinished(() => {
    projector.stop();
    return running.catch(() => undefined);
  });
  return { projector, end };
}

export interface Totals {
  readonly rows: number;
  /** Distinct offsets. */
  readonly distinct: number;
  readonly last: number;
}

/** What `events` holds of a partition. */
export async function eventTotals(store: Store, partition = 0): Promise<Totals> {
  const [row] = await store.select<Record<keyof Totals, string>>(
    `SELECT count() AS rows, uniqExact(offset) AS distinct, max(offset) AS last FROM ${store.database}.events
     WHERE partition = {partition:UInt16}`,
    { partition },
  );
  return { rows: Number(row.rows), distinct: Number(row.distinct), last: Number(row.last) };
}

/** Sums of `minutes` beside the same of `events`: equal where both hold everything once. */
export async function minuteSums(store: Store): Promise<{ minutes: unknown; events: unknown }> {
  const [minutes] = await store.select(
    `SELECT toUInt32(sum(m.events)) AS events, sum(m.input_tokens) AS tokens, round(sum(m.cost_usd), 6) AS usd,
       toUInt32(uniqExactArray(m.targets)) AS targets FROM ${store.database}.minutes AS m`,
  );
  const [events] = await store.select(
    `SELECT toUInt32(count()) AS events, sum(input_tokens) AS tokens, round(sum(cost_usd), 6) AS usd,
       toUInt32(uniqExact(target)) AS targets FROM ${store.database}.events`,
  );
  return { minutes, events };
}
