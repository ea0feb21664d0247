/**
 * Reading one partition in steps smaller than what a request brings: the rest is kept for the next step, and while it
 * is being read the request after it is under way. Readers at different places have windows of their own, up to a few.
 */
import type { Fetched, FetchedRecord, KafkaFetch } from './kafka-fetch.js';
import type { LogBatch } from './log.js';

/** Of a request, bytes; so much stays in memory for each window, more where it was compressed. */
export const READ_BYTES = 1024 * 1024;
const WINDOWS_MAX = 2;

/** What one request brought: everything from `first` up to `next`. */
interface Window {
  readonly first: number;
  readonly next: number;
  /** Ascending by offset, with gaps. */
  readonly records: readonly FetchedRecord[];
  /** Where the partition ended then. */
  readonly end: number;
}

export class ReadWindows {
  private readonly source: KafkaFetch;
  private readonly topic: string;
  private readonly partition: number;
  /** The one used last stands last. */
  private windows: Window[] = [];
  private ahead: { readonly offset: number; readonly fetching: Promise<Fetched> } | null = null;

  constructor(source: KafkaFetch, topic: string, partition: number) {
    this.source = source;
    this.topic = topic;
    this.partition = partition;
  }

  /** Up to `max` records (at least 1) from `offset`; rejects as the fetch does. */
  async read(offset: number, max: number): Promise<LogBatch> {
    const window = this.find(offset) ?? (await this.fetch(offset));
    if (window === null) return { records: [], next: offset };
    this.lookAhead(window, offset);
    const from = firstAt(window.records, offset);
    const until = Math.min(from + max, window.records.length);
    const records = window.records
      .slice(from, until)
      .map(({ offset: at, value }) => ({ offset: at, value: value === null ? '' : value.toString('utf8') }));
    const next = until < window.records.length ? window.records[until - 1].offset + 1 : window.next;
    return { records, next };
  }

  /** Keeps what somebody else fetched from `from` on. */
  keep(from: number, { records, next, end }: Fetched): Window | null {
    if (next <= from) return null;
    const window = { first: from, next, records, end };
    // What it begins with may be the whole of an older one.
    this.windows = this.windows.filter(({ first }) => first !== from).slice(1 - WINDOWS_MAX);
    this.windows.push(window);
    return window;
  }

  private find(offset: number): Window | null {
    const found = this.windows.findIndex(({ first, next }) => first <= offset && offset < next);
    if (found < 0) return null;
    const [window] = this.windows.splice(found, 1);
    this.windows.push(window);
    return window;
  }

  private async fetch(offset: number): Promise<Window | null> {
    const { ahead } = this;
    if (ahead !== null) this.ahead = null;
    if (ahead?.offset === offset) {
      const fetched = await ahead.fetching.catch(() => null);
      const window = fetched === null ? null : this.keep(offset, fetched);
      if (window !== null) return window;
    }
    return this.keep(offset, await this.request(offset));
  }

  /** Asks for what follows the window as soon as it begins to be read, where there was more. */
  private lookAhead({ first, next, end }: Window, offset: number): void {
    if (offset !== first || next >= end || this.ahead?.offset === next) return;
    const fetching = this.request(next);
    fetching.catch(() => {});
    this.ahead = { offset: next, fetching };
  }

  private request(offset: number): Promise<Fetched> {
    return this.source.fetch(this.topic, this.partition, offset, { maxBytes: READ_BYTES, waitMs: 0 });
  }
}

/** Index of the first record at or above `offset`. */
function firstAt(records: readonly FetchedRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle].offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
