/** What tests of sources are made of: events as lines, a clock that only pauses move, and a topic in memory. */

import { expect, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { KilldeerError } from '../../src/errors.js';
import { decodeLine } from '../../src/event/decode.js';
import type { AgentEvent } from '../../src/event/event.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import type { IntakeItem } from '../../src/pipeline/intake.js';
import { createIntake } from '../../src/pipeline/intake.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import { createSource, type Source, type SourceParts } from '../../src/pipeline/source.js';
import type { FeedRecord, SourceFeed } from '../../src/pipeline/source-feed.js';
import type { DeadLetter } from '../../src/pipeline/source-items.js';
import { NO_PRICES, wire } from '../event/wire.js';
import { linesOf } from './live-world.js';

export const NOW_MS = Date.parse('2025-06-02T00:05:00.000Z');

export function itemOf(changes: Readonly<Record<string, unknown>> = {}): IntakeItem {
  const line = wire(changes);
  return { line, event: decodeLine(line, 0, NO_PRICES) as AgentEvent };
}

/** Wall time of a test: it moves when something pauses, and never by itself. */
export class Clock {
  nowMs = NOW_MS;
  /** How long was paused for, in order. */
  readonly pauses: number[] = [];

  readonly now = (): number => this.nowMs;

  readonly pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.pauses.push(ms);
    this.nowMs += ms;
    // Others get their turn, and a test that waits sees what happened.
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  };
}

/** One partition of a topic of somebody else, with what its group committed. */
export class MemoryFeed implements SourceFeed {
  readonly records: FeedRecord[] = [];
  readonly commits: number[] = [];
  /** Bytes of the largest read. */
  readMax = 0;
  begin = 0;
  private next = 0;

  constructor(private readonly committed: number | null = null) {}

  put(...values: readonly (string | Uint8Array | null)[]): void {
    for (const value of values) {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      this.records.push({ offset: this.next++, value: bytes, headers: {} });
    }
  }

  /** As a compacted or transactional topic has them: offsets without a record. */
  leaveGap(offsets: number): void {
    this.next += offsets;
  }

  /** What a topic does when its records are too old. */
  forgetBefore(offset: number): void {
    this.begin = offset;
    this.records.splice(0, this.records.filter((record) => record.offset < offset).length);
  }

  async position(): Promise<number> {
    return this.commits.at(-1) ?? this.committed ?? this.begin;
  }

  async range(): Promise<{ begin: number; end: number }> {
    return { begin: this.begin, end: this.next };
  }

  async read(offset: number, { maxBytes }: { maxBytes: number; waitMs: number }) {
    await new Promise((resolve) => setImmediate(resolve));
    if (offset < this.begin || offset > this.next) {
      throw new KilldeerError('log.offset-out-of-range', `${offset} is not within ${this.begin} to ${this.next}`);
    }
    const records: FeedRecord[] = [];
    let bytes = 0;
    for (const record of this.records) {
      if (record.offset < offset) continue;
      const size = record.value?.byteLength ?? 0;
      if (records.length > 0 && bytes + size > maxBytes) break;
      records.push(record);
      bytes += size;
    }
    this.readMax = Math.max(this.readMax, bytes);
    const last = records.at(-1);
    const next = last === undefined || last === this.records.at(-1) ? this.next : last.offset + 1;
    return { records, next, end: this.next };
  }

  async commit(offset: number): Promise<void> {
    this.commits.push(offset);
  }
}

/** Appends fail with this error for as long as one is set; what failed was not written. */
export function failing(log: Log): { readonly log: Log; error: KilldeerError | null; failures: number } {
  const one = {
    error: null as KilldeerError | null,
    failures: 0,
    log: {
      ...log,
      append: async (topic: string, partition: number, values: readonly string[]) => {
        if (one.error === null) return log.append(topic, partition, values);
        one.failures += 1;
        throw one.error;
      },
    },
  };
  return one;
}

/** Resolves when the condition holds; other work goes on meanwhile. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export const JUNK = 'this is no event';

export function good(count: number, from = 0, changes: Readonly<Record<string, unknown>> = {}): string[] {
  return Array.from({ length: count }, (_, at) =>
    wire({ id: `e-${from + at}`, agent: `agent-${(from + at) % 5}`, ...changes }),
  );
}

export interface WorldOptions {
  readonly source?: Readonly<Record<string, unknown>>;
  readonly feeds?: readonly MemoryFeed[];
  readonly memory?: Log;
  readonly clock?: Clock;
  readonly log?: (log: Log) => Log;
  /** What readers must end with; nothing, where left out. */
  readonly faults?: readonly unknown[];
}

export function world(options: WorldOptions = {}) {
  const config = { name: 'crm', topic: 'crm.events', format: 'native', ...options.source };
  const [source] = parseConfig({ sources: [config] }, 'test').sources;
  const clock = options.clock ?? new Clock();
  const memory = options.memory ?? createMemoryLog({ topics: { events: 1, signals: 1, rejected: 1 } });
  const fault = failing(options.log?.(memory) ?? memory);
  const feeds = options.feeds ?? [new MemoryFeed()];
  const faults: unknown[] = [];
  const reports: string[] = [];
  const log = fault.log;
  const intake = createIntake({ log, clock: clock.now, dedupeMs: 600_000, idsMax: 10_000, seed: 1, edges: true });
  const parts: SourceParts = {
    ...{ config: source, skewMaxMs: 300_000, prices: NO_PRICES, intake, log, clock: clock.now, pause: clock.pause },
    feedOf: (partition) => feeds[partition],
    report: (message) => reports.push(message),
    onFault: (_, error) => faults.push(error),
  };
  const one = createSource(parts);
  onTestFinished(async () => {
    await one.stop();
    expect(faults).toEqual(options.faults ?? []);
  });
  const lines = (topic: string) => linesOf({ log: memory, topic, partition: 0 });
  return {
    ...{ source: one, clock, memory, fault, feed: feeds[0], feeds, faults, reports, intake },
    letters: async () => (await lines('rejected')).map((line): DeadLetter => JSON.parse(line)),
    records: async () => (await lines('events')).map((line, at) => decodeRecord(line, at, NO_PRICES) as EngineRecord),
    ids: async () => (await lines('events')).map((line) => JSON.parse(line)).flatMap(({ event }) => event?.id ?? []),
  };
}

/** Everything that the topics hold has been read, and what a stop commits is committed. */
export async function drained(source: Source, feeds: readonly MemoryFeed[]): Promise<void> {
  const end = (feed: MemoryFeed): number => (feed.records.at(-1)?.offset ?? -1) + 1;
  const isRead = (): boolean => {
    const { partitions } = source.status();
    return partitions.every(({ partition, position }) => position >= end(feeds[partition]));
  };
  await until(isRead);
  await source.stop();
}
