/** What judging needs to know of a recording's events, gathered in one pass: memory grows with agents and windows. */
import type { AgentEvent } from '../event/event.js';
import { classOf, type Label } from './labels.js';
import { GRACE_MS, isItsSession, rootOf } from './windows.js';

/** Of an event, what is judged. */
export type Step = Pick<AgentEvent, 'timeMs' | 'agent' | 'session' | 'operation' | 'endpoint' | 'target' | 'costUsd'>;

/** A positive window with the events that belong to it, in the recording's order. */
export interface Window {
  readonly label: Label;
  /** From here on a page about it counts: the label's beginning or the end of the training days, ms since the epoch. */
  readonly fromMs: number;
  /** ms since the epoch, and US dollars (0 where unknown). */
  readonly events: readonly { readonly timeMs: number; readonly usd: number }[];
}

/** A recording, as far as judging needs it. */
export interface Facts {
  readonly events: number;
  /** Agents with events; sub-agents count as their root. */
  readonly agents: number;
  /** What is raised before is not judged: the end of the training days or the first event, ms since the epoch. */
  readonly startMs: number;
  /** One second after the last event, ms since the epoch. */
  readonly endMs: number;
  readonly windows: readonly Window[];
}

/** Takes the events one by one. */
export class Traffic {
  private readonly agents = new Set<string>();
  private readonly open = new Map<string, Growing[]>();
  private windows: Growing[] | null = null;
  private events = 0;
  private startMs = 0;
  private lastMs = 0;

  /** `trainUntilMs`: end of the training days, ms since the epoch; null: judged from the first event on. */
  constructor(
    private readonly labels: readonly Label[],
    private readonly trainUntilMs: number | null,
  ) {}

  /** The next event, in the recording's order. */
  take(step: Step): void {
    if (this.windows === null) this.begin(step.timeMs);
    const { timeMs, agent, session, costUsd } = step;
    const root = rootOf(agent);
    this.events++;
    this.agents.add(root);
    this.lastMs = timeMs;
    for (const { label, fromMs, events } of this.open.get(root) ?? []) {
      if (timeMs < fromMs || timeMs > label.toMs + GRACE_MS || !isItsSession(session, label)) continue;
      events.push({ timeMs, usd: costUsd ?? 0 });
    }
  }

  /** The end of the training days or the first event, ms since the epoch; known once an event was taken. */
  get judgedFromMs(): number {
    return this.startMs;
  }

  /** What was gathered; null where there was no event. */
  facts(): Facts | null {
    if (this.windows === null) return null;
    const { events, agents, startMs, lastMs, windows } = this;
    return { events, agents: agents.size, startMs, endMs: lastMs + 1000, windows };
  }

  private begin(firstMs: number): void {
    const startMs = this.trainUntilMs ?? firstMs;
    this.startMs = startMs;
    this.windows = this.labels
      .filter(({ kind, toMs }) => classOf(kind) === 'positive' && toMs >= startMs)
      .map((label) => ({ label, fromMs: Math.max(label.fromMs, startMs), events: [] }));
    for (const window of this.windows) {
      const { agent } = window.label;
      if (agent === null) continue;
      const others = this.open.get(agent);
      if (others === undefined) this.open.set(agent, [window]);
      else others.push(window);
    }
  }
}

interface Growing extends Window {
  readonly events: { timeMs: number; usd: number }[];
}
