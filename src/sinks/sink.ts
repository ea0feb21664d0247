/**
 * One sink at work: reads on from where it is, keeps back what is beyond the page budget, sends, tries again with
 * growing pauses, gives up in the end, and remembers how far it came. One message is under way at a time, so that the
 * order holds; what is to be sent is written down before it is, so that it has the same key after a crash.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Breaker } from '../connect/breaker.js';
import type { Applied } from '../connect/contract.js';
import { pauseMs } from '../connect/pause.js';
import type { Batch, SinkItem, Way, Written } from './contract.js';
import { type DeadLetters, deadLetterOf } from './dead-letters.js';
import { digestDueMs, HELD_MAX, type Held, isSentAtOnce, pagesOf, withPages, worstFirst } from './page-budget.js';
import { createPosition, type Place, type Position, type PositionStore } from './position.js';
import type { SinkConfig } from './section.js';
import type { Source } from './source.js';
import type { SinkStatus } from './status.js';

export interface SinkOptions {
  readonly config: SinkConfig;
  readonly way: Way;
  readonly source: Source;
  readonly positions: PositionStore;
  readonly dead: DeadLetters;
  readonly write: (item: SinkItem) => readonly Written[];
  /** Pages a day over all agents; null: nobody said. */
  readonly pagesPerDay: () => number | null;
  /** Tells people that so many things were given up. Must not reject. */
  readonly alarm: (count: number, reason: string) => Promise<void>;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
}

const IDLE_MS = 1_000;
const FAULT_PAUSE_MS = 1_000;
const MESSAGE_MAX = 100;

/** The process ends, or another one delivers: what is under way is left as it is written down. */
class Ended extends Error {}

export class Sink {
  private readonly ending = new AbortController();
  /** One for all waits: each listener of a signal stays as long as the signal. */
  private readonly ended = new Promise<void>((resolve) => {
    this.ending.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  private readonly breaker: Breaker;
  private readonly max: number;
  private position: Position | null = null;
  private isSaved = true;
  private hasPassed = false;
  private running: Promise<void> | null = null;
  private failingSinceMs: number | null = null;
  private isFaulty = false;
  private sent = 0;
  private given = 0;
  private missed = 0;
  private lastSentMs: number | null = null;
  private lastError: string | null = null;
  private lastErrorMs: number | null = null;

  constructor(private readonly options: SinkOptions) {
    const { config, draw } = options;
    this.max = config.batch.max ?? (config.format === 'text' ? 1 : MESSAGE_MAX);
    const rest = { firstMs: config.breaker_rest, mostMs: Math.max(config.breaker_rest, config.retry_most) };
    this.breaker = new Breaker({ failures: config.breaker_failures, rest, draw });
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.options.way.close();
    await this.options.dead.close();
  }

  async status(): Promise<SinkStatus> {
    const { config, source, now, dead } = this.options;
    const { position, lastSentMs, lastError, lastErrorMs, missed } = this;
    const { name, kind, format } = config;
    return {
      ...{ name, kind, format, breaker: this.breaker.state },
      backlog: position === null ? null : await source.backlog(position.at).catch(() => null),
      ...{ sent: this.sent, dead: this.given, deadBytes: dead.bytes, missed },
      paged: config.pages ? pagesOf(position?.paged ?? [], now()) : null,
      held: worstFirst(position?.held ?? []).map(({ id }) => id),
      heldCount: (position?.held.length ?? 0) + (position?.more ?? 0),
      ...{ lastSentMs, lastError, lastErrorMs },
    };
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      try {
        await this.begin();
        if (!(await this.step())) await this.idle();
        this.isFaulty = false;
      } catch (error) {
        if (error instanceof Ended) break;
        // Told once: a log that is away is away for a while.
        if (!this.isFaulty) this.options.onFault(error);
        this.isFaulty = true;
        await this.pause(FAULT_PAUSE_MS).catch(() => undefined);
      }
    }
    if (this.hasPassed) this.isSaved = false;
    await this.save().catch(this.options.onFault);
  }

  /** Takes up what an earlier life has left. */
  private async begin(): Promise<void> {
    if (this.position !== null) return;
    const { positions, source, config } = this.options;
    const end = await source.end();
    const known = await positions.read(config.name);
    const position = known ?? createPosition(end);
    // A partition that is new is read from its begin.
    const findings = end.findings.map((_, p) => position.at.findings[p] ?? 0);
    this.position = { ...position, at: { ...position.at, findings } };
    if (known === null) await this.keep({});
  }

  /** false: there is nothing to do. */
  private async step(): Promise<boolean> {
    const { config, source, now } = this.options;
    const position = this.position as Position;
    if (position.sending !== null) {
      const items = await source.between(position.at, position.sending);
      await this.deliver(withoutHeld(items, position.held), position.sending);
      return true;
    }
    const dueMs = digestDueMs(position.held.length, position.heldSinceMs);
    if (position.isDigesting || (dueMs !== null && dueMs <= now())) {
      await this.digest();
      return true;
    }
    let stretch = await source.read(position.at, this.max);
    if (stretch.items.length > 0 && !stretch.isFull) {
      await this.pause(config.batch.wait);
      stretch = await source.read(position.at, this.max);
    }
    this.missed += stretch.missed;
    if (stretch.items.length === 0) return this.pass(stretch.to);
    await this.take(stretch.items, stretch.to);
    return true;
  }

  /**
   * Past what the sink does not want: written down with what is sent next, or at the end. Each writing may be a record
   * of the very log that is followed, and must not be the news that leads to the next.
   */
  private pass(to: Place): boolean {
    const position = this.position as Position;
    const isSame = position.at.registry === to.registry && position.at.findings.every((at, p) => at === to.findings[p]);
    if (isSame) return false;
    this.position = { ...position, at: to };
    this.hasPassed = true;
    return true;
  }

  /** Keeps back what is beyond the budget, writes down the rest, and sends it. */
  private async take(items: readonly SinkItem[], to: Place): Promise<void> {
    const { now } = this.options;
    const position = this.position as Position;
    const late = this.beyondBudget(items);
    const room = Math.max(0, HELD_MAX - position.held.length);
    const held = [...position.held, ...late.slice(0, room)];
    const isFirst = position.held.length === 0 && late.length > 0;
    await this.keep({
      held,
      more: position.more + Math.max(0, late.length - room),
      heldSinceMs: isFirst ? now() : position.heldSinceMs,
      sending: to,
    });
    const keys = new Set(late.map(({ key }) => key));
    await this.deliver(
      items.filter(({ key }) => !keys.has(key)),
      to,
    );
  }

  private beyondBudget(items: readonly SinkItem[]): readonly Held[] {
    const { config, pagesPerDay, now } = this.options;
    if (!config.pages) return [];
    const perDay = pagesPerDay();
    let pages = pagesOf((this.position as Position).paged, now());
    const late: Held[] = [];
    for (const item of items) {
      if (item.kind !== 'finding') continue;
      const { id, severity, kind, agent, risk } = item.finding;
      if (isSentAtOnce(severity, pages, perDay)) pages += 1;
      else late.push({ key: item.key, id, severity, kind, agent, risk });
    }
    return late;
  }

  private async deliver(items: readonly SinkItem[], to: Place): Promise<void> {
    const { write, config, now } = this.options;
    if (items.length > 0) await this.send(items.flatMap(write));
    const pages = config.pages ? items.filter(({ kind }) => kind === 'finding').length : 0;
    const position = this.position as Position;
    this.position = { ...position, at: to, sending: null, paged: withPages(position.paged, now(), pages) };
    this.isSaved = false;
  }

  private async digest(): Promise<void> {
    const { write, config, now } = this.options;
    const { held, more, heldSinceMs } = this.position as Position;
    await this.keep({ isDigesting: true });
    const key = `digest/${config.name}/${heldSinceMs}`;
    const item: SinkItem = { kind: 'digest', key, timeMs: now(), held: worstFirst(held), count: held.length + more };
    await this.send(write(item));
    await this.keep({ isDigesting: false, held: [], more: 0, heldSinceMs: 0 });
  }

  /** Until it is taken, or given up and kept as a dead letter. */
  private async send(items: readonly Written[]): Promise<void> {
    if (items.length === 0) return;
    const { config, way, now } = this.options;
    const batch: Batch = { key: `${config.name}/${items.map(({ key }) => key).join('+')}`, items };
    const newestMs = items.reduce((newest, { timeMs }) => Math.max(newest, timeMs), 0);
    let refusals = 0;
    for (let tries = 1; ; tries++) {
      await this.rest((this.breaker.freeAtMs() ?? 0) - now());
      this.breaker.begin();
      const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(config.timeout)]);
      const applied = await way.send(batch, signal);
      if (applied.done) return this.took(items.length);
      if (this.ending.signal.aborted) throw new Ended();
      this.failed(applied);
      if (applied.fault === 'wish') refusals += 1;
      const sinceMs = Math.max(newestMs, this.failingSinceMs ?? 0);
      if (refusals >= config.refusals_max || now() - sinceMs >= config.give_up_after) {
        return this.giveUp(items, applied.reason);
      }
      const pause = { firstMs: config.retry_first, mostMs: config.retry_most };
      await this.rest(Math.max(applied.retryAfterMs ?? 0, pauseMs(pause, tries, this.options.draw)));
    }
  }

  private took(count: number): void {
    this.breaker.succeeded();
    this.failingSinceMs = null;
    this.sent += count;
    this.lastSentMs = this.options.now();
  }

  private failed({ reason, fault, retryAfterMs }: Applied & { readonly done: false }): void {
    const nowMs = this.options.now();
    this.lastError = reason;
    this.lastErrorMs = nowMs;
    if (fault === 'place') {
      this.failingSinceMs ??= nowMs;
      this.breaker.failed(nowMs, retryAfterMs);
    } else this.breaker.skipped();
  }

  private async giveUp(items: readonly Written[], reason: string): Promise<void> {
    const { dead, alarm, config, now } = this.options;
    await dead.append(items.map((item) => deadLetterOf(config.name, item, reason, now())));
    this.given += items.length;
    await alarm(items.length, reason);
  }

  private async idle(): Promise<void> {
    await this.save();
    const { at } = this.position as Position;
    await Promise.race([this.options.source.wait(at, IDLE_MS), this.ended]);
  }

  private async keep(parts: Partial<Position>): Promise<void> {
    this.position = { ...(this.position as Position), ...parts };
    this.isSaved = false;
    await this.save();
  }

  private async save(): Promise<void> {
    if (this.isSaved || this.position === null) return;
    await this.options.positions.write(this.options.config.name, this.position);
    this.isSaved = true;
    this.hasPassed = false;
  }

  private async rest(ms: number): Promise<void> {
    if (ms > 0) await this.pause(ms);
  }

  private async pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.ending.signal, ref: false });
    } catch {
      throw new Ended();
    }
  }
}

function withoutHeld(items: readonly SinkItem[], held: readonly Held[]): readonly SinkItem[] {
  const keys = new Set(held.map(({ key }) => key));
  return items.filter(({ key }) => !keys.has(key));
}
