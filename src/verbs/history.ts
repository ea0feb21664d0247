/**
 * History: the store that the configuration names, be it the embedded child that is started for it, and the projector
 * that carries the log there. It comes up beside everything else and holds nothing up: scoring, decisions and stops
 * know nothing of it.
 */
import { fileURLToPath } from 'node:url';
import { rootOf } from '../agent/lineage.js';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { decodeRecord } from '../pipeline/record-line.js';
import { createFold } from '../registry/fold.js';
import type { ProjectedPlace } from '../store/batch.js';
import { startStoreChild } from '../store/child.js';
import type { StoreAccess } from '../store/connection.js';
import { createProjector, type Projector, type ProjectorStats } from '../store/projector.js';
import { createStore, type Store } from '../store/store.js';
import type { Telemetry } from '../telemetry.js';
import type { Setup } from './setup.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

export interface HistoryOptions {
  readonly setup: Setup;
  /** Data directory of the embedded child. */
  readonly dir: string;
  readonly telemetry: Telemetry;
  readonly report: (report: LiveReport) => void;
}

/** What the projector reads for one partition, and how it is called in the tables. */
export type Places = readonly ProjectedPlace[];

export class History {
  private projector: Projector | null = null;
  /** The store once it is there; null: there is none, and the reason was reported. */
  private readonly store: Promise<Store | null>;
  private readonly closers: (() => Promise<void>)[] = [];
  private work: Promise<void> = Promise.resolve();
  private running: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(private readonly options: HistoryOptions) {
    this.store = this.open().catch((error) => {
      this.tell(error);
      return null;
    });
  }

  /** What is to be carried from now on; what was carried before is carried no more once this resolves. */
  project(places: Places): Promise<void> {
    this.work = this.work.then(() => this.change(places));
    return this.work;
  }

  /** null: nothing is carried. */
  stats(): ProjectorStats | null {
    return this.projector?.stats() ?? null;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.project([]);
    await (await this.store)?.close();
    for (const close of this.closers.splice(0).reverse()) await close();
  }

  private async open(): Promise<Store> {
    const { config } = this.options.setup;
    return createStore(config.store, await this.access(config));
  }

  private async access({ store }: Config): Promise<StoreAccess> {
    const { dir, report, telemetry } = this.options;
    const { kind, url, username, password_env: name } = store;
    if (kind === 'clickhouse') return { url, username, password: process.env[name] ?? '' };
    const command = [process.execPath, MAIN, 'store', '--data', dir] as const;
    const child = await startStoreChild({ command, report, telemetry });
    this.closers.push(() => child.stop());
    return child.access;
  }

  private async change(places: Places): Promise<void> {
    const { setup, report, telemetry } = this.options;
    const store = await this.store;
    this.projector?.stop();
    await this.running;
    this.projector = null;
    if (store === null || places.length === 0) return;
    const projector = createProjector({
      places,
      store,
      decode: (line, offset) => decodeRecord(line, offset, setup.prices),
      rootOf,
      fold: () => createFold(),
      report,
      telemetry,
    });
    this.projector = projector;
    this.running = projector.run().catch((error) => this.tell(error));
  }

  private tell(error: unknown): void {
    if (this.isStopping) return;
    const isAbsent = error instanceof KilldeerError && error.code === 'store.absent';
    const isMeant = this.options.setup.config.store.kind !== 'auto';
    const level = isAbsent && !isMeant ? 'info' : 'error';
    this.options.report({ level, message: 'history is off', error });
  }
}
