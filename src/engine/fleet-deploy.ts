/**
 * A change that a whole cohort makes within a day is a deploy: at least AGENTS_MIN agents, and at least half of the
 * cohort, meet the same endpoint that none of them had adopted. What fewer do is theirs to answer for: an attack on one
 * agent never gets here. Bounded: PENDING_MAX (cohort, endpoint) pairs, the oldest forgotten first.
 */
import type { AgentSignal } from './signal.js';

const DAY_MS = 86_400_000;
const AGENTS_MIN = 3;
const PENDING_MAX = 4_096;
/** Agents remembered for one endpoint: half of it is enough of a cohort of any size. */
const AGENTS_MAX = 1_024;

/** A cohort's change. */
export interface DeployNews {
  readonly tenant: string;
  readonly cohort: string;
  readonly members: number;
  readonly endpoint: string;
  /** As in FreshEndpoint. */
  readonly hash: string;
  /** Agents that met it within a day, at least half of the members. */
  readonly agents: number;
  /** The first of them, ms. */
  readonly fromMs: number;
}

interface Meeting {
  readonly agent: string;
  readonly timeMs: number;
}

interface Pending {
  readonly tenant: string;
  readonly endpoint: string;
  met: readonly Meeting[];
  /** Told already: nothing more until a day without it. */
  isTold: boolean;
}

export type DeploysJson = readonly (readonly [key: string, pending: Pending])[];

/** What cohorts are about to adopt. */
export class DeployWatch {
  /** By cohort and hash, the one met last at the end. */
  private readonly pending = new Map<string, Pending>();

  constructor(json: DeploysJson = []) {
    for (const [key, one] of json) this.pending.set(key, { ...one });
  }

  /** Takes a turn's signals, in their order; what became known. */
  turn(timeMs: number, signals: readonly AgentSignal[]): DeployNews[] {
    this.forget(timeMs);
    const news: DeployNews[] = [];
    for (const signal of signals) {
      for (const { endpoint, hash, timeMs: metMs } of signal.fresh) {
        const told = this.meet(signal, endpoint, hash, metMs);
        if (told !== null) news.push(told);
      }
    }
    return news;
  }

  snapshot(): DeploysJson {
    return [...this.pending].map(([key, one]) => [key, { ...one }]);
  }

  private meet(signal: AgentSignal, endpoint: string, hash: string, metMs: number): DeployNews | null {
    const { tenant, cohort, members, agent } = signal;
    const key = `${cohort}\u0000${hash}`;
    const before = this.pending.get(key);
    const recent = (before?.met ?? []).filter((one) => metMs - one.timeMs < DAY_MS && one.agent !== agent);
    const met = [...recent, { agent, timeMs: metMs }].slice(-AGENTS_MAX);
    const isCohort = met.length >= AGENTS_MIN && 2 * met.length >= Math.min(members, AGENTS_MAX);
    const isNews = isCohort && before?.isTold !== true;
    this.pending.delete(key);
    this.pending.set(key, { tenant, endpoint, met, isTold: isCohort || before?.isTold === true });
    if (this.pending.size > PENDING_MAX) this.pending.delete(this.pending.keys().next().value as string);
    if (!isNews) return null;
    const fromMs = Math.min(...met.map((one) => one.timeMs));
    return { tenant, cohort, members, endpoint, hash, agents: met.length, fromMs };
  }

  /** The first in the map was met longest ago. */
  private forget(timeMs: number): void {
    for (const [key, { met }] of this.pending) {
      if (timeMs - (met.at(-1)?.timeMs ?? 0) < DAY_MS) return;
      this.pending.delete(key);
    }
  }
}
