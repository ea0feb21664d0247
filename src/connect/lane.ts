/**
 * The way to one place: every wish for it, at most one per agent at a time, the newest. A wish is applied, read back
 * until it is proved or its time is over, tried again with growing pauses, watched while it is in force, and given up
 * in the end; each of these is told to the registry before anything else follows from it. Agents do not wait for each
 * other beyond the limit of calls at once; the wishes of one agent keep their order.
 */
import type { Effect, EffectState } from '../registry/registry.js';
import { Agenda } from './agenda.js';
import { Breaker } from './breaker.js';
import { type Applied, type Connector, isStop, keyOfWish, type ReadBack, type Wish } from './contract.js';
import { createDelivery, type Delivery } from './delivery.js';
import { type Pause, pauseMs } from './pause.js';
import type { LaneStatus } from './status.js';

export interface LaneSettings {
  /** Statuses that the place carries out; to it an agent in any other is free. */
  readonly statuses: readonly Wish['status'][];
  readonly timeoutMs: number;
  /** A stop that is not proved within this is told to people. */
  readonly verifyWithinMs: number;
  readonly rereadEveryMs: number;
  readonly giveUpAfterMs: number;
  readonly parallel: number;
  readonly breakerFailures: number;
  readonly retry: Pause;
  readonly rest: Pause;
}

/** What a lane tells. */
export interface LaneTold {
  /** Resolves once it is durable. */
  effect(wish: Wish, place: string, state: EffectState, reason: string | null): Promise<void>;
  /** A person must know at once. */
  alarm(what: 'stop-unverified' | 'delivery-dead', wish: Wish, place: string, words: string): void;
  /** Nothing is left to be done about it at this place. */
  settled(wish: Wish): void;
}

export interface LaneParts {
  readonly connector: Connector;
  readonly covers: (wish: Wish) => boolean;
  readonly settings: LaneSettings;
  readonly told: LaneTold;
  /** The registry's last word of this place on an agent. */
  readonly effectOf: (tenant: string, agent: string) => Effect | null;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
}

/** Shares of the time for proof at which a place is asked, the first at once. Of 30 s: 0, 1, 3, 10 and 25 s. */
const READINGS = [0, 1 / 30, 1 / 10, 1 / 3, 5 / 6];
/** Longest sleep of a timer, ms. */
const NAP_MAX_MS = 60_000;
const NEVER_MS = Number.POSITIVE_INFINITY;

export class Lane {
  private readonly deliveries = new Map<string, Delivery>();
  /** Newer than what is under way for the same agent. */
  private readonly waiting = new Map<string, Wish>();
  private readonly busy = new Set<string>();
  /** What is to be sent or proved. */
  private readonly agenda = new Agenda();
  /** What is in force and read again: only when nothing else is due, or a long watch would delay a stop. */
  private readonly rounds = new Agenda();
  /** When a stop must be proved. */
  private readonly deadlines = new Agenda();
  private readonly breaker: Breaker;
  private readonly counts: Record<EffectState, number>;
  private readonly ending = new AbortController();
  private readonly turns = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | null = null;
  private lastError: string | null = null;
  private lastErrorMs: number | null = null;

  constructor(private readonly parts: LaneParts) {
    const { breakerFailures: failures, rest } = parts.settings;
    this.breaker = new Breaker({ failures, rest, draw: parts.draw });
    this.counts = { sent: 0, confirmed: 0, unobserved: 0, contradicted: 0, failed: 0, dead: 0 };
  }

  get name(): string {
    return this.parts.connector.name;
  }

  /** Takes a wish over; true where there is something to do for it here. The newest of an agent replaces the others. */
  take(given: Wish): boolean {
    if (!this.parts.covers(given)) return false;
    const name = JSON.stringify([given.tenant, given.agent]);
    const effect = this.parts.effectOf(given.tenant, given.agent);
    const isOurs = this.parts.settings.statuses.includes(given.status);
    // What was never taken away here need not be given back.
    if (!isOurs && effect === null && !this.deliveries.has(name)) return false;
    const wish: Wish = isOurs ? given : { ...given, status: 'active', action: 'release', untilMs: null };
    const own = effect?.version === wish.version && effect.root === wish.root ? effect : null;
    if (isOver(wish, own?.state ?? null)) return false;
    if (this.busy.has(name)) this.waiting.set(name, wish);
    else this.begin(createDelivery(name, wish, own, this.parts.now()));
    this.run();
    return true;
  }

  /** Ends what is under way; what was not told is due again in the next life. */
  async stop(): Promise<void> {
    this.ending.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    await Promise.all(this.turns);
  }

  status(): LaneStatus {
    let watched = 0;
    let unverified = 0;
    for (const { step, isAlarmed } of this.deliveries.values()) {
      if (step === 'watch') watched += 1;
      if (isAlarmed) unverified += 1;
    }
    const { name, kind } = this.parts.connector;
    return {
      ...{ name, kind, breaker: this.breaker.state, backlog: this.deliveries.size - watched, watched, unverified },
      ...{ counts: { ...this.counts }, lastError: this.lastError, lastErrorMs: this.lastErrorMs },
    };
  }

  private begin(delivery: Delivery): void {
    const { name, wish, step } = delivery;
    const nowMs = this.parts.now();
    this.deliveries.set(name, delivery);
    // What was proved in an earlier life is looked at soon, but not all of it at once.
    this.next(delivery, step === 'watch' ? nowMs + this.jittered(this.parts.settings.rereadEveryMs) : nowMs);
    if (isStop(wish) && step !== 'watch') this.deadlines.set(name, nowMs + this.parts.settings.verifyWithinMs);
    else this.deadlines.remove(name);
  }

  private run(): void {
    if (this.ending.signal.aborted) return;
    const nowMs = this.parts.now();
    for (let name = this.deadlines.take(nowMs); name !== null; name = this.deadlines.take(nowMs)) this.overdue(name);
    while (this.busy.size < this.parts.settings.parallel) {
      const freeAtMs = this.breaker.freeAtMs();
      if (freeAtMs === null || freeAtMs > nowMs) break;
      const name = this.agenda.take(nowMs) ?? this.rounds.take(nowMs);
      if (name === null) break;
      const delivery = this.deliveries.get(name);
      if (delivery !== undefined) this.turn(delivery);
    }
    this.setTimer(nowMs);
  }

  private setTimer(nowMs: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const freeAtMs = this.breaker.freeAtMs();
    const isFull = this.busy.size >= this.parts.settings.parallel;
    const nextMs = Math.min(this.agenda.nextMs() ?? NEVER_MS, this.rounds.nextMs() ?? NEVER_MS);
    const callMs = isFull || freeAtMs === null ? NEVER_MS : Math.max(nextMs, freeAtMs);
    const soonest = Math.min(callMs, this.deadlines.nextMs() ?? NEVER_MS);
    if (!Number.isFinite(soonest)) return;
    this.timer = setTimeout(() => this.run(), Math.min(NAP_MAX_MS, Math.max(0, soonest - nowMs)));
    this.timer.unref();
  }

  private turn(delivery: Delivery): void {
    const { name } = delivery;
    this.busy.add(name);
    this.breaker.begin();
    const turn = (delivery.step === 'send' ? this.send(delivery) : this.read(delivery))
      // The registry did not take it: it is due again in the next life of the outbox.
      .catch((error) => this.parts.onFault(error))
      .finally(() => {
        this.turns.delete(turn);
        this.busy.delete(name);
        const newer = this.waiting.get(name);
        this.waiting.delete(name);
        if (newer !== undefined) this.begin(createDelivery(name, newer, null, this.parts.now()));
        this.run();
      });
    this.turns.add(turn);
  }

  private async send(delivery: Delivery): Promise<void> {
    const { connector } = this.parts;
    const { wish } = delivery;
    delivery.tries += 1;
    const applied = await this.asked((signal) => connector.apply(wish, keyOfWish(wish), signal));
    if (applied === null) return;
    if (!applied.done) return this.failed(delivery, applied);
    this.breaker.succeeded();
    delivery.sentMs = this.parts.now();
    delivery.readings = 0;
    if (connector.readBack === undefined || applied.absent === true) {
      await this.tell(delivery, 'unobserved', applied.note);
      return this.done(delivery);
    }
    // A place that was caught is believed again when it is proved, not when it says so once more.
    if (delivery.told !== 'contradicted') await this.tell(delivery, 'sent', applied.note);
    delivery.step = 'verify';
    // At once and in the same turn: behind many others the time for proof would be over before it is asked.
    return this.read(delivery);
  }

  private async failed(delivery: Delivery, { reason, retryAfterMs, fault }: Applied & { done: false }): Promise<void> {
    const { settings, now, draw } = this.parts;
    const nowMs = now();
    this.note(delivery, reason);
    if (fault === 'place') this.breaker.failed(nowMs, retryAfterMs);
    else this.breaker.skipped();
    if (nowMs - delivery.sinceMs >= settings.giveUpAfterMs) return this.giveUp(delivery);
    if (delivery.told === null || delivery.told === 'sent') await this.tell(delivery, 'failed', reason);
    this.next(delivery, nowMs + Math.max(retryAfterMs ?? 0, pauseMs(settings.retry, delivery.tries, draw)));
  }

  private async read(delivery: Delivery): Promise<void> {
    const { connector, settings, now } = this.parts;
    const { wish, step } = delivery;
    // The last reading too must have its answer within the time for proof.
    const withinMs = Math.min(settings.timeoutMs, (1 - READINGS[READINGS.length - 1]) * settings.verifyWithinMs);
    const answer = await this.asked<ReadBack>(
      async (signal) => (await connector.readBack?.(wish, signal)) ?? { state: 'unknown', words: 'it cannot be asked' },
      withinMs,
    );
    if (answer === null) return;
    if (answer.fault === true) this.breaker.failed(now(), null);
    else this.breaker.succeeded();
    if (answer.state === 'in-force') return this.proved(delivery);
    this.note(delivery, answer.words);
    if (step === 'watch' && answer.state === 'unknown') {
      return this.next(delivery, now() + this.jittered(settings.rereadEveryMs));
    }
    if (step === 'watch') return this.contradicted(delivery, answer.words);
    // Readings that were missed while others had their turn are not made up for.
    const atMs = (reading: number) => delivery.sentMs + READINGS[reading] * settings.verifyWithinMs;
    do delivery.readings += 1;
    while (delivery.readings < READINGS.length - 1 && atMs(delivery.readings) < now());
    if (delivery.readings >= READINGS.length) return this.contradicted(delivery, answer.words);
    this.next(delivery, atMs(delivery.readings));
  }

  private async proved(delivery: Delivery): Promise<void> {
    delivery.trouble = null;
    delivery.isAlarmed = false;
    delivery.tries = 0;
    this.deadlines.remove(delivery.name);
    if (delivery.told !== 'confirmed') await this.tell(delivery, 'confirmed', null);
    if (!isStop(delivery.wish)) return this.done(delivery);
    delivery.step = 'watch';
    this.next(delivery, this.parts.now() + this.jittered(this.parts.settings.rereadEveryMs));
  }

  private async contradicted(delivery: Delivery, words: string): Promise<void> {
    const { settings, now, draw } = this.parts;
    const wasProved = delivery.step === 'watch';
    if (delivery.told !== 'contradicted') await this.tell(delivery, 'contradicted', words);
    this.alarm(delivery);
    delivery.step = 'send';
    if (!wasProved && now() - delivery.sinceMs >= settings.giveUpAfterMs) return this.giveUp(delivery);
    // What was undone is done again at once; a place that never did it is given time.
    this.next(delivery, now() + (wasProved ? 0 : pauseMs(settings.retry, delivery.tries, draw)));
  }

  private async giveUp(delivery: Delivery): Promise<void> {
    const { wish, trouble } = delivery;
    await this.tell(delivery, 'dead', trouble);
    this.parts.told.alarm('delivery-dead', wish, this.name, trouble ?? 'it never took it');
    this.done(delivery);
  }

  /** Time is up for a stop that is not proved. */
  private overdue(name: string): void {
    const delivery = this.deliveries.get(name);
    if (delivery === undefined || delivery.step === 'watch' || delivery.told === 'unobserved') return;
    const wasSilent = delivery.told === null;
    this.alarm(delivery);
    if (!wasSilent || this.busy.has(name)) return;
    this.tell(delivery, 'failed', delivery.trouble ?? 'not delivered in time').catch((error) =>
      this.parts.onFault(error),
    );
  }

  private alarm(delivery: Delivery): void {
    if (delivery.isAlarmed || !isStop(delivery.wish)) return;
    delivery.isAlarmed = true;
    const words = delivery.trouble ?? this.lastError ?? 'it has not answered';
    this.parts.told.alarm('stop-unverified', delivery.wish, this.name, words);
  }

  private async tell(delivery: Delivery, state: EffectState, reason: string | null): Promise<void> {
    delivery.told = state;
    this.counts[state] += 1;
    await this.parts.told.effect(delivery.wish, this.name, state, reason);
  }

  private next(delivery: Delivery, atMs: number): void {
    const { name, step } = delivery;
    if (this.deliveries.get(name) !== delivery) return;
    const [agenda, other] = step === 'watch' ? [this.rounds, this.agenda] : [this.agenda, this.rounds];
    other.remove(name);
    agenda.set(name, atMs);
  }

  private done({ name, wish }: Delivery): void {
    this.deliveries.delete(name);
    this.agenda.remove(name);
    this.rounds.remove(name);
    this.deadlines.remove(name);
    if (!this.waiting.has(name)) this.parts.told.settled(wish);
  }

  private note(delivery: Delivery, words: string): void {
    delivery.trouble = words;
    this.lastError = words;
    this.lastErrorMs = this.parts.now();
  }

  /** null: the lane ends, and nothing follows from it. */
  private async asked<T>(ask: (signal: AbortSignal) => Promise<T>, withinMs?: number): Promise<T | null> {
    const timeout = AbortSignal.timeout(Math.ceil(withinMs ?? this.parts.settings.timeoutMs));
    const answer = await ask(AbortSignal.any([this.ending.signal, timeout]));
    return this.ending.signal.aborted ? null : answer;
  }

  private jittered(ms: number): number {
    return Math.round(ms * (0.8 + 0.2 * this.parts.draw()));
  }
}

/** Whether nothing is left to do for a wish of which this was the last word. */
function isOver(wish: Wish, told: EffectState | null): boolean {
  return told === 'dead' || told === 'unobserved' || (told === 'confirmed' && !isStop(wish));
}
