/**
 * Messages for people on their way to one webhook: pages, and what owners are told. Each has a key; the registry's log
 * remembers the keys that were received or given up, so that a message is delivered at least once, whatever dies in
 * between, and one that is repeated has the same id. Messages are sent in their order, one at a time: they are few.
 */
import { Breaker } from './breaker.js';
import { type Pause, pauseMs } from './pause.js';
import type { AddresseeStatus } from './status.js';
import type { Message, Post } from './webhook.js';

export interface Letter {
  readonly message: Message;
  /** Keys that are done with when it is: its own, or those that it sums up. */
  readonly keys: readonly string[];
}

export interface MailboxOptions {
  readonly name: string;
  readonly post: Post;
  readonly timeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly breakerFailures: number;
  readonly retry: Pause;
  readonly rest: Pause;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly draw: () => number;
  /** Resolves once durable. */
  readonly told: (keys: readonly string[], state: 'sent' | 'dead', reason: string | null) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/** Letters that wait at most; the oldest are given up first. */
const LETTERS_MAX = 10_000;

export class Mailbox {
  private readonly letters: Letter[] = [];
  private readonly breaker: Breaker;
  private readonly ending = new AbortController();
  private tries = 0;
  private sent = 0;
  private dead = 0;
  private lastError: string | null = null;
  private lastErrorMs: number | null = null;
  private timer: NodeJS.Timeout | null = null;
  private turn: Promise<void> | null = null;

  constructor(private readonly options: MailboxOptions) {
    const { breakerFailures: failures, rest, draw } = options;
    this.breaker = new Breaker({ failures, rest, draw });
  }

  get backlog(): number {
    return this.letters.length;
  }

  add(letter: Letter): void {
    this.letters.push(letter);
    if (this.letters.length > LETTERS_MAX) {
      const [oldest] = this.letters.splice(this.turn === null ? 0 : 1, 1);
      this.dead += 1;
      void this.options.told(oldest.keys, 'dead', 'too many were waiting').catch(this.options.onFault);
    }
    this.run();
  }

  status(): Omit<AddresseeStatus, 'name' | 'kind'> {
    const { sent, dead, lastError, lastErrorMs } = this;
    return { breaker: this.breaker.state, backlog: this.letters.length, sent, dead, lastError, lastErrorMs };
  }

  async stop(): Promise<void> {
    this.ending.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    await this.turn;
  }

  private run(): void {
    if (this.turn !== null || this.timer !== null || this.letters.length === 0 || this.ending.signal.aborted) return;
    this.turn = this.deliver(this.letters[0])
      .catch((error) => {
        this.options.onFault(error);
        return 0;
      })
      .then((waitMs) => {
        this.turn = null;
        if (waitMs > 0) this.rest(waitMs);
        else this.run();
      });
  }

  private rest(waitMs: number): void {
    if (this.ending.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.run();
    }, waitMs);
    this.timer.unref();
  }

  /** How long to wait before the next is tried, ms. */
  private async deliver({ message, keys }: Letter): Promise<number> {
    const { post, timeoutMs, giveUpAfterMs, retry, now, draw, told } = this.options;
    this.breaker.begin();
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(timeoutMs)]);
    const applied = await post(message, signal);
    if (this.ending.signal.aborted) return 0;
    if (applied.done) {
      this.breaker.succeeded();
      this.sent += 1;
      return this.next(() => told(keys, 'sent', null));
    }
    this.lastError = applied.reason;
    this.lastErrorMs = now();
    if (applied.fault === 'place') this.breaker.failed(now(), applied.retryAfterMs);
    else this.breaker.skipped();
    this.tries += 1;
    if (now() - message.timeMs >= giveUpAfterMs) {
      this.dead += 1;
      return this.next(() => told(keys, 'dead', applied.reason));
    }
    const freeInMs = (this.breaker.freeAtMs() ?? 0) - now();
    return Math.max(1, freeInMs, applied.retryAfterMs ?? 0, pauseMs(retry, this.tries, draw));
  }

  private async next(told: () => Promise<void>): Promise<number> {
    this.tries = 0;
    this.letters.shift();
    await told();
    return 0;
  }
}
