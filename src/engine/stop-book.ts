/**
 * Stops in force, as the registry told of them, and what the traffic has shown of each since. Part of the snapshot, in
 * plain JSON. Bounded by STOPS_MAX; the oldest goes first.
 */
import type { AgentRecord, StopFact } from './record.js';

const STOPS_MAX = 100_000;

/** One stop, and what came after it. */
export interface WatchedStop {
  readonly agent: string;
  readonly fact: StopFact;
  /** Calls that went through, and calls that were refused, as their senders say. */
  through: number;
  refused: number;
  /** Whether people were told that calls went through, by senders that are bound, and by others. */
  isToldBound: boolean;
  isToldUnbound: boolean;
  /** Whether the registry was told that calls are refused. */
  isConfirmed: boolean;
}

/** The book in a snapshot. */
export interface StopsJson {
  readonly stops: readonly (readonly [tenant: string, stop: WatchedStop])[];
  readonly protected: readonly (readonly [tenant: string, agent: string])[];
}

/** Stops by tenant and agent. */
export class StopBook {
  /** By tenant and agent. */
  private readonly stops = new Map<string, Map<string, WatchedStop>>();
  private readonly spared = new Map<string, Set<string>>();
  private count = 0;

  /** Stops in force. */
  get size(): number {
    return this.count;
  }

  /** What the registry says of an agent now. A stop that is only prolonged is still the same. */
  note({ tenant, agent, stopped, protected: isProtected }: AgentRecord): void {
    this.spare(tenant, agent, isProtected === true);
    const of = this.stops.get(tenant);
    const before = of?.get(agent);
    if (before !== undefined) this.drop(tenant, agent);
    if (stopped === undefined || stopped === null) return;
    const isSame = before?.fact.version === stopped.version && before.fact.action === stopped.action;
    const none = { through: 0, refused: 0, isToldBound: false, isToldUnbound: false, isConfirmed: false };
    this.put(tenant, { agent, ...(isSame ? before : none), fact: stopped });
  }

  /** The stop that covers a call at that time: the agent's own, or that of who stands above it; null: none. */
  covering(tenant: string, agent: string, root: string, timeMs: number): WatchedStop | null {
    const of = this.stops.get(tenant);
    if (of === undefined) return null;
    for (let end = agent.length; end > 0; end = agent.lastIndexOf('/', end - 1)) {
      const stop = of.get(end === agent.length ? agent : agent.slice(0, end));
      if (stop !== undefined && this.holds(stop, tenant, agent, timeMs)) return stop;
    }
    const stop = of.get(root);
    return stop !== undefined && this.holds(stop, tenant, agent, timeMs) ? stop : null;
  }

  snapshot(): StopsJson {
    const stops = [...this.stops].flatMap(([tenant, of]) =>
      [...of.values()].map((stop) => [tenant, { ...stop }] as const),
    );
    const spared = [...this.spared].flatMap(([tenant, of]) => [...of].map((agent) => [tenant, agent] as const));
    return { stops, protected: spared };
  }

  restore(saved: StopsJson): void {
    for (const [tenant, stop] of saved.stops) this.put(tenant, stop);
    for (const [tenant, agent] of saved.protected) this.spare(tenant, agent, true);
  }

  /** An engine's stop does not cover a protected agent beneath the one that it names. */
  private holds({ agent: stopped, fact }: WatchedStop, tenant: string, agent: string, timeMs: number): boolean {
    if (fact.untilMs !== null && timeMs >= fact.untilMs) return false;
    return !fact.automatic || stopped === agent || this.spared.get(tenant)?.has(agent) !== true;
  }

  private put(tenant: string, stop: WatchedStop): void {
    let of = this.stops.get(tenant);
    if (of === undefined) {
      of = new Map();
      this.stops.set(tenant, of);
    }
    of.set(stop.agent, stop);
    this.count++;
    if (this.count <= STOPS_MAX) return;
    for (const [first, others] of this.stops) {
      for (const agent of others.keys()) {
        this.drop(first, agent);
        return;
      }
    }
  }

  private drop(tenant: string, agent: string): void {
    const of = this.stops.get(tenant);
    if (of?.delete(agent) === true) this.count--;
    if (of?.size === 0) this.stops.delete(tenant);
  }

  private spare(tenant: string, agent: string, isProtected: boolean): void {
    const of = this.spared.get(tenant);
    if (isProtected && of === undefined) this.spared.set(tenant, new Set([agent]));
    else if (isProtected) of?.add(agent);
    else if (of?.delete(agent) === true && of.size === 0) this.spared.delete(tenant);
  }
}
