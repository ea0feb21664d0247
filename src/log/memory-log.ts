/** The log in memory: for tests and for what need not outlive the process. */
import { KilldeerError } from '../errors.js';
import { joinLines } from './lines.js';
import type { Log, LogRecord } from './log.js';
import { outOfRange } from './partition-state.js';
import { Waiters } from './waiters.js';

export interface MemoryLogOptions {
  /** Topics and how many partitions each has. */
  readonly topics: Readonly<Record<string, number>>;
  /** Most records kept per partition; the oldest beyond are forgotten. Default: no limit. */
  readonly retainRecordsMax?: number;
}

interface MemoryPartition {
  begin: number;
  values: string[];
  readonly waiters: Waiters;
}

/** An empty log; it and what it holds go with the process. */
export function createMemoryLog(options: MemoryLogOptions): Log {
  const retainRecordsMax = options.retainRecordsMax ?? Number.POSITIVE_INFINITY;
  const topics = new Map<string, readonly MemoryPartition[]>();
  for (const [topic, count] of Object.entries(options.topics)) {
    topics.set(
      topic,
      Array.from({ length: count }, () => ({ begin: 0, values: [], waiters: new Waiters() })),
    );
  }
  let closed = false;
  const find = (topic: string, partition: number): MemoryPartition => {
    const found = topics.get(topic)?.[partition];
    if (found !== undefined) return found;
    throw new KilldeerError('log.unknown-partition', `there is no partition ${partition} of topic ${topic}`);
  };
  const use = (topic: string, partition: number): MemoryPartition => {
    if (closed) throw new KilldeerError('log.closed', `the log is closed: ${topic}/${partition}`);
    return find(topic, partition);
  };
  return {
    partitions: (topic) => {
      find(topic, 0);
      return topics.get(topic)?.length ?? 0;
    },
    append: async (topic, partition, values) => {
      const target = use(topic, partition);
      joinLines(values);
      const first = endOf(target);
      for (const value of values) target.values.push(value);
      forget(target, retainRecordsMax);
      target.waiters.wake(endOf(target));
      return first;
    },
    read: async (topic, partition, offset, max) => {
      const source = use(topic, partition);
      const end = endOf(source);
      if (!Number.isSafeInteger(offset) || offset < source.begin || offset > end) {
        throw outOfRange(`${topic}/${partition}`, offset, source.begin, end);
      }
      const records = slice(source, offset, max);
      return { records, next: offset + records.length };
    },
    begin: async (topic, partition) => use(topic, partition).begin,
    end: async (topic, partition) => endOf(use(topic, partition)),
    wait: async (topic, partition, offset, timeoutMs) => {
      const source = find(topic, partition);
      if (closed) return false;
      return endOf(source) > offset || source.waiters.wait(offset, timeoutMs);
    },
    close: async () => {
      closed = true;
      for (const partition of [...topics.values()].flat()) partition.waiters.close();
    },
  };
}

function endOf(partition: MemoryPartition): number {
  return partition.begin + partition.values.length;
}

function forget(partition: MemoryPartition, retainRecordsMax: number): void {
  const excess = partition.values.length - retainRecordsMax;
  if (excess <= 0) return;
  partition.values.splice(0, excess);
  partition.begin += excess;
}

function slice(partition: MemoryPartition, offset: number, max: number): LogRecord[] {
  const from = offset - partition.begin;
  const values = partition.values.slice(from, from + Math.max(0, max));
  return values.map((value, index) => ({ offset: offset + index, value }));
}
