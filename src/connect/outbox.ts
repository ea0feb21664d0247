/**
 * What the registry wants, on its way to all places. The log of the registry is the one memory of it: wishes follow
 * from its records, and each step of a delivery is an `effect` record before anything else follows from it. A restart,
 * or another process that takes over, therefore goes on where the log ends: what has no last word is due again, under
 * the same key, so a place that took it twice changes nothing.
 *
 * One process works at a time, the owner of partition 0; all of them follow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResponderRecord } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { Effect, EffectState, RegistryRecord } from '../registry/registry.js';
import { Alarms } from './alarms.js';
import type { Connector, Wish } from './contract.js';
import { Lane, type LaneSettings } from './lane.js';
import type { LaneStatus } from './status.js';
import { type Change, WishBook } from './wish-book.js';

/** A record before the registry gives it its time. */
export type Draft = RegistryRecord extends infer R ? (R extends unknown ? Omit<R, 'timeMs'> : never) : never;

/** The registry and the engines, as far as places need them. */
export interface OutboxPorts {
  /** Durable once resolved. */
  write(draft: Draft): Promise<unknown>;
  effects(tenant: string, agent: string): readonly Effect[];
  /** Into partition 0, where it becomes a finding. */
  control(record: ResponderRecord): Promise<void>;
}

export interface Place {
  readonly connector: Connector;
  readonly covers: (wish: Pick<Wish, 'tenant' | 'agent'>) => boolean;
  readonly settings: LaneSettings;
}

export interface OutboxOptions {
  readonly places: readonly Place[];
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Uniform in [0, 1), for pauses. */
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
  /** How long alarms are gathered, ms. Default 1000. */
  readonly gatherMs?: number;
}

const GATHER_MS = 1_000;
const RETRY_MS = 500;
/** Characters of a reason in the log. */
const REASON_MAX = 300;

export class Outbox {
  private readonly book = new WishBook();
  private life: Life | null = null;

  constructor(private readonly options: OutboxOptions) {}

  /** To be told every change of the registry, from the first one of its log. */
  note(change: Change): readonly Wish[] {
    const wishes = this.book.note(change);
    for (const wish of wishes) this.life?.take(wish);
    return wishes;
  }

  /** Who is known, as of the change noted last. */
  get known(): Pick<WishBook, 'entry' | 'entries'> {
    return this.book;
  }

  /** From here on this process delivers; the registry must have been followed to its end. */
  start(ports: OutboxPorts): void {
    this.life ??= new Life(this.options, this.book, ports);
  }

  /** Another process delivers, or none. */
  async stop(): Promise<void> {
    const { life } = this;
    this.life = null;
    await life?.stop();
  }

  /** null: another process delivers. */
  status(): readonly LaneStatus[] | null {
    return this.life?.lanes.map((lane) => lane.status()) ?? null;
  }
}

/** The time during which this process delivers. */
class Life {
  readonly lanes: readonly Lane[];
  private readonly alarms: Alarms;
  /** Places that a wish still waits for. */
  private readonly pending = new WeakMap<Wish, number>();
  private isStopping = false;

  constructor(
    private readonly options: OutboxOptions,
    private readonly book: WishBook,
    private readonly ports: OutboxPorts,
  ) {
    const { places, now, draw, onFault, gatherMs } = options;
    this.alarms = new Alarms(gatherMs ?? GATHER_MS, now, (record) => this.untilDone(() => ports.control(record)));
    this.lanes = places.map(
      (place) =>
        new Lane({
          ...place,
          ...{ now, draw, onFault },
          effectOf: (tenant, agent) =>
            ports.effects(tenant, agent).find((effect) => effect.place === place.connector.name) ?? null,
          told: {
            effect: (wish, name, state, reason) => this.effect(wish, name, state, reason),
            alarm: (what, wish, name, words) => this.alarms.add(what, wish, name, words),
            settled: (wish) => this.settled(wish),
          },
        }),
    );
    for (const wish of [...book.all()]) this.take(wish);
  }

  take(wish: Wish): void {
    const taken = this.lanes.filter((lane) => lane.take(wish)).length;
    if (taken === 0) this.book.forget(wish);
    else this.pending.set(wish, taken);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.lanes.map((lane) => lane.stop()));
    await this.alarms.stop();
  }

  private settled(wish: Wish): void {
    const current = this.book.of(wish.tenant, wish.agent);
    if (current === null) return;
    const left = (this.pending.get(current) ?? 1) - 1;
    if (left > 0) return void this.pending.set(current, left);
    this.pending.delete(current);
    this.book.forget(current);
  }

  private effect(wish: Wish, place: string, state: EffectState, reason: string | null): Promise<void> {
    const { tenant, agent, version, root } = wish;
    const words = reason === null ? null : reason.slice(0, REASON_MAX);
    const by = { actor: 'system', authority: `connector:${place}`, parent: null };
    const draft = { type: 'effect' as const, tenant, agent, version, root, place, state, reason: words, ...by };
    return this.untilDone(() => this.ports.write(draft));
  }

  /** What cannot be written now is written later: nothing follows from it before. Rejects where it never can be. */
  private async untilDone(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        const isOver = this.isStopping || !(error instanceof KilldeerError) || !error.retry;
        if (isOver) {
          this.options.onFault(error);
          return;
        }
        await sleep(RETRY_MS);
      }
    }
  }
}
