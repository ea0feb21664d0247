/**
 * A source: a topic of others, read by as many readers as partitions of it are assigned to this process, behind one
 * gate. What a source does harms no other: each has its own readers, its own gate and its own limits.
 */
import type { SourceConfig } from '../config.js';
import type { SourceStateRecord } from '../engine/record.js';
import type { PriceTable } from '../event/prices.js';
import { sourceItems } from '../event/source-format.js';
import { createSpanMemory } from '../event/span-memory.js';
import type { Log } from '../log/log.js';
import type { Intake } from './intake.js';
import { EVENTS_TOPIC } from './layout.js';
import { Patience, type PatienceOptions } from './patience.js';
import { encodeRecord, SOURCE_REASON_MAX } from './record-line.js';
import type { SourceFeed } from './source-feed.js';
import { SourceGate } from './source-gate.js';
import type { SourceRules } from './source-items.js';
import { type SourceCounts, SourceReader } from './source-reader.js';

export interface SourceParts {
  readonly config: SourceConfig;
  /** Of ingest: an event further ahead of the clock than this is rejected, ms. */
  readonly skewMaxMs: number;
  readonly prices: PriceTable;
  readonly feedOf: (partition: number) => SourceFeed;
  readonly intake: Pick<Intake, 'accept'>;
  readonly log: Pick<Log, 'append'>;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Words for a person. */
  readonly report: (message: string, error?: unknown) => void;
  /** A reader met what no retry helps with, and ended; its position stays, and `assign` starts it again. */
  readonly onFault: (partition: number, error: unknown) => void;
  readonly pause?: PatienceOptions['pause'];
}

/** A source's numbers, for telemetry. */
export interface SourceStatus extends Readonly<SourceCounts> {
  readonly source: string;
  readonly isRefused: boolean;
  /** How often it was refused; failed trials are not counted again. */
  readonly refusals: number;
  /** Of the partitions assigned to this process; lag: records not read yet. */
  readonly partitions: readonly { readonly partition: number; readonly position: number; readonly lag: number }[];
}

export interface Source {
  readonly name: string;
  /** The partitions that this process reads from now on. Resolves once the readers of the others have ended. */
  assign(partitions: readonly number[]): Promise<void>;
  status(): SourceStatus;
  /** Ends every reader after what it has under way, its position committed. */
  stop(): Promise<void>;
}

interface Running {
  readonly reader: SourceReader;
  readonly patience: Patience;
  readonly ended: Promise<void>;
  hasFailed: boolean;
}

export function createSource(parts: SourceParts): Source {
  return new TopicSource(parts);
}

class TopicSource implements Source {
  private readonly gate: SourceGate;
  private readonly running = new Map<number, Running>();
  private readonly counts: SourceCounts = {
    records: 0,
    bytes: 0,
    events: 0,
    duplicates: 0,
    skipped: 0,
    rejected: {},
    lost: 0,
  };
  /** One change after the other: people must not be told of the older one last. */
  private telling: Promise<void> = Promise.resolve();
  private readonly due: SourceStateRecord[] = [];
  private changing: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SourceParts) {
    const { rejections_max: rejectionsMax, rejections_of: rejectionsOf, rest: restMs } = parts.config;
    this.gate = new SourceGate({ rejectionsMax, rejectionsOf, restMs });
  }

  get name(): string {
    return this.parts.config.name;
  }

  assign(partitions: readonly number[]): Promise<void> {
    // One assignment after the other: a partition that comes back is read on only where its reader left off.
    const changing = this.changing.then(() => this.change(partitions));
    this.changing = changing;
    return changing;
  }

  stop(): Promise<void> {
    return this.assign([]);
  }

  status(): SourceStatus {
    const partitions = Array.from(this.running, ([partition, { reader }]) => ({
      partition,
      position: reader.at,
      lag: Math.max(0, reader.end - reader.at),
    }));
    const { isRefused, refusals } = this.gate;
    return {
      ...this.counts,
      rejected: { ...this.counts.rejected },
      source: this.name,
      isRefused,
      refusals,
      partitions,
    };
  }

  private async change(partitions: readonly number[]): Promise<void> {
    const left = [...this.running].filter(([partition]) => !partitions.includes(partition));
    for (const [, { patience }] of left) patience.stop();
    for (const [partition, { ended }] of left) {
      await ended;
      this.running.delete(partition);
    }
    for (const partition of partitions) if (this.running.get(partition)?.hasFailed ?? true) this.start(partition);
  }

  private start(partition: number): void {
    const { parts, gate, counts } = this;
    const { config, skewMaxMs, intake, log, clock, report } = parts;
    const patience = new Patience({ report, ...(parts.pause === undefined ? {} : { pause: parts.pause }) });
    const rules: SourceRules = { binding: config.binding, skewMaxMs, decode: this.decoder() };
    const announce = (): Promise<void> => this.announce(patience);
    const feed = parts.feedOf(partition);
    const reader = new SourceReader({
      ...{ source: config.name, partition, feed, rules, gate, counts, intake, log, clock, patience, report, announce },
    });
    const ended = reader.run().catch((error) => {
      running.hasFailed = true;
      parts.onFault(partition, error);
    });
    const running: Running = { reader, patience, ended, hasFailed: false };
    this.running.set(partition, running);
  }

  /** One for each partition: the spans that it remembers are those of its own senders. */
  private decoder(): SourceRules['decode'] {
    const { config, prices } = this.parts;
    const context = { tenant: config.tenant, prices, spans: createSpanMemory() };
    return (record) => sourceItems(config.format, record, context);
  }

  /** Writes what the gate has to say into the first partition of `log:events`, where an engine tells people. */
  private announce(patience: Patience): Promise<void> {
    for (const { timeMs, state, rejections, of, reason } of this.gate.drain()) {
      const said = reason.slice(0, SOURCE_REASON_MAX);
      this.due.push({ type: 'source', timeMs, source: this.name, state, rejections, of, reason: said });
    }
    if (this.due.length === 0) return Promise.resolve();
    const telling = this.telling.then(() => this.tell(patience));
    this.telling = telling.catch(() => undefined);
    return telling;
  }

  private async tell(patience: Patience): Promise<void> {
    const { log, report } = this.parts;
    while (this.due.length > 0) {
      const [record] = this.due;
      const line = encodeRecord(record);
      await patience.keepTrying(`source ${this.name}: telling its engine`, () => log.append(EVENTS_TOPIC, 0, [line]));
      this.due.shift();
      const { state, rejections, of, reason } = record;
      report(`source ${this.name} is ${state}: ${rejections} of ${of} items were rejected${reason && ` (${reason})`}`);
    }
  }
}
