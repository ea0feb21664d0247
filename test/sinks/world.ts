/** Sinks on a log in memory and a data directory of their own, with a clock that can be moved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '../../src/decide/finding.js';
import { nodeFiles } from '../../src/log/files.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import type { Publish } from '../../src/sinks/contract.js';
import { sinksSchema } from '../../src/sinks/section.js';
import { openSinks, type SinkPorts, type Sinks, type SinksOptions } from '../../src/sinks/sinks.js';
import type { FindingState } from '../../src/triage/triage.js';
import { SECRET } from './receiver.js';

type Control = Parameters<SinkPorts['control']>[0];

export interface WorldOptions {
  readonly partitions?: number;
  readonly pagesPerDay?: number | null;
  readonly publish?: Publish;
  /** Positions in the registry's log, as among several processes. */
  readonly isShared?: boolean;
}

/** Quick: pauses of milliseconds, no batching. */
export const QUICK = {
  batch: { wait: 1 },
  retry_first: 5,
  retry_most: 20,
  breaker_rest: 20,
  breaker_failures: 50,
  timeout: 2_000,
};

export class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'killdeer-sinks-'));
  readonly log: Log;
  private readonly partitions: number;
  readonly controls: Control[] = [];
  readonly faults: unknown[] = [];
  readonly states = new Map<string, FindingState>();
  /** Added to the machine's clock, ms. */
  skewMs = 0;
  pagesPerDay: number | null;
  private readonly fold = createFold();
  private readonly records: RegistryRecord[] = [];
  private readonly opened: Sinks[] = [];

  constructor(private readonly options: WorldOptions = {}) {
    this.pagesPerDay = options.pagesPerDay ?? null;
    this.partitions = options.partitions ?? 1;
    this.log = createMemoryLog({ topics: { findings: this.partitions } });
    process.env['SINK_SECRET'] = SECRET;
  }

  now = (): number => Date.now() + this.skewMs;

  /** Another life on the same directory and logs. */
  async open(config: readonly object[], isActive = true): Promise<Sinks> {
    const options: SinksOptions = {
      config: sinksSchema.parse(config),
      ...{ folder: this.dir, dataDir: this.dir, files: nodeFiles, version: '0.1.0' },
      stateOf: (id) => this.states.get(id) ?? null,
      pagesPerDay: () => this.pagesPerDay,
      publish: this.options.publish ?? null,
      ...{ now: this.now, draw: () => 0.5 },
      onFault: (error) => this.faults.push(error),
    };
    const sinks = openSinks(options);
    const fold = createFold();
    for (const [offset, record] of this.records.entries()) sinks.note({ offset, record, verdict: fold.apply(record) });
    this.opened.push(sinks);
    if (isActive) await sinks.setActive(this.ports());
    return sinks;
  }

  ports(): SinkPorts {
    const places = Array.from({ length: this.partitions }, (_, partition) => ({
      ...{ log: this.log, topic: 'findings', partition },
    }));
    return {
      places,
      control: async (record) => void this.controls.push(record),
      write: this.options.isShared === true ? async (draft) => this.record({ ...draft, timeMs: this.now() }) : null,
    };
  }

  /** A record of the registry, as all processes follow it. */
  record(record: RegistryRecord): void {
    const verdict = this.fold.apply(record);
    const offset = this.records.push(record) - 1;
    for (const sinks of this.opened) sinks.note({ offset, record, verdict });
  }

  async raise(finding: Finding, partition = 0): Promise<void> {
    await this.log.append('findings', partition, [JSON.stringify(finding)]);
  }

  async close(): Promise<void> {
    for (const sinks of this.opened) await sinks.setActive(null);
    await this.log.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Until it holds; rejects after ten seconds with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
