/**
 * Waiting for a partition's end to move: one long poll for all who wait, and what it brings is kept for the read that
 * follows. Without anybody waiting nothing is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { KafkaOptions } from './kafka-connection.js';
import type { Fetched, KafkaFetch } from './kafka-fetch.js';
import { READ_BYTES } from './kafka-window.js';
import { Waiters } from './waiters.js';

/** A poll ends after this long at the latest; whoever waits longer waits for the next one. */
const POLL_MS = 5_000;
/** Between polls that failed, or that ended at once without anything new. */
const PAUSE_MS = 100;

export interface TailOptions {
  keep(from: number, fetched: Fetched): void;
  readonly report: KafkaOptions['report'];
}

export class FollowedTail {
  private readonly source: KafkaFetch;
  private readonly topic: string;
  private readonly partition: number;
  private readonly options: TailOptions;
  private waiters = new Waiters();
  /** As last heard; null: not yet. Everything below it can be read. */
  private end: number | null = null;
  private polling = false;
  private closed = false;
  private failure: KilldeerError | null = null;

  constructor(source: KafkaFetch, topic: string, partition: number, options: TailOptions) {
    this.source = source;
    this.topic = topic;
    this.partition = partition;
    this.options = options;
  }

  /**
   * Resolves true once the end is beyond `offset`, false after `timeoutMs` or on close. Brokers that are away are
   * waited for like records; rejects where they refuse for good.
   */
  async wait(offset: number, timeoutMs: number): Promise<boolean> {
    if (this.closed) return false;
    if (this.end !== null && this.end > offset) return true;
    if (timeoutMs <= 0) return this.isBeyond(offset);
    const { waiters } = this;
    const waiting = waiters.wait(offset, timeoutMs);
    if (!this.polling) void this.poll(offset);
    if (await waiting) return true;
    if (waiters !== this.waiters && this.failure !== null) throw this.failure;
    return false;
  }

  close(): void {
    this.closed = true;
    this.waiters.close();
  }

  private async isBeyond(offset: number): Promise<boolean> {
    const { end } = await this.source.range(this.topic, this.partition);
    this.heard(end);
    return end > offset;
  }

  private heard(end: number): void {
    this.end = end;
    this.waiters.wake(end);
  }

  /** Goes on while somebody waits. Begins where the first of them stands: that is what will be read. */
  private async poll(offset: number): Promise<void> {
    this.polling = true;
    let from = this.end ?? offset;
    while (!this.closed && this.waiters.size > 0) {
      try {
        from = await this.pollOnce(from);
      } catch (error) {
        this.failed(error);
        await sleep(PAUSE_MS);
      }
    }
    this.polling = false;
  }

  /** Where to poll next. */
  private async pollOnce(from: number): Promise<number> {
    const sinceMs = performance.now();
    const limits = { maxBytes: READ_BYTES, waitMs: POLL_MS };
    try {
      const fetched = await this.source.fetch(this.topic, this.partition, from, limits);
      this.options.keep(from, fetched);
      this.heard(fetched.end);
      if (fetched.next === from && performance.now() - sinceMs < PAUSE_MS) await sleep(PAUSE_MS);
      return Math.max(from, fetched.end);
    } catch (error) {
      if (!(error instanceof KilldeerError) || error.code !== 'log.offset-out-of-range') throw error;
      // Whoever waits beyond the end, or below what is kept, waits for the end all the same.
      const { end } = await this.source.range(this.topic, this.partition);
      this.heard(end);
      return end;
    }
  }

  private failed(error: unknown): void {
    if (this.closed) return;
    const words = `waiting for ${this.topic}/${this.partition} failed`;
    this.options.report('debug', words, error);
    if (error instanceof KilldeerError && error.retry) return;
    this.failure = error instanceof KilldeerError ? error : new KilldeerError('kafka.unreachable', words, error);
    const { waiters } = this;
    this.waiters = new Waiters();
    waiters.close();
  }
}
