/**
 * The clock of a bare recording: ticks on a grid by event time, and the guard against a time that runs away. Looks one
 * event ahead and never further, so that a recording cut anywhere gives the same up to the cut. Plain state, no I/O.
 */
import type { AgentEvent } from '../event/event.js';

const GRID_MS = 60_000;
/** A gap longer than this is jumped by one tick, and an event further ahead than this must be confirmed, ms. */
export const AHEAD_MAX_MS = 31 * 86_400_000;

/** An event that waits for the next one to confirm its time. */
export interface Held {
  readonly event: AgentEvent;
  readonly line: number;
  readonly text: string;
}

export interface ClockJson {
  readonly watermarkMs: number | null;
  readonly tickMs: number | null;
}

export class RecordingClock {
  /** Largest event time so far; null before the first event. */
  private watermarkMs: number | null;
  /** Time of the last tick. */
  private lastTickMs: number | null;
  /** The event that waits, or null. */
  held: Held | null = null;

  constructor(json: ClockJson = { watermarkMs: null, tickMs: null }) {
    this.watermarkMs = json.watermarkMs;
    this.lastTickMs = json.tickMs;
  }

  /** Time of the last tick, ms; null before the first. */
  get tickMs(): number | null {
    return this.lastTickMs;
  }

  /**
   * Whether the event's time must be confirmed by the next event. The first event of all must: were it the wrong one,
   * the clock would start in its year and never tick again.
   */
  isAhead(event: AgentEvent): boolean {
    return this.watermarkMs === null || event.timeMs - this.watermarkMs > AHEAD_MAX_MS;
  }

  /** Whether `next` confirms the time of the event held. The same event sent twice is one witness, not two. */
  confirms(held: AgentEvent, next: AgentEvent): boolean {
    if (this.watermarkMs === null) return held.timeMs - next.timeMs <= AHEAD_MAX_MS;
    const same = held.id === next.id && held.agent === next.agent && held.tenant === next.tenant;
    return !same && next.timeMs - this.watermarkMs > AHEAD_MAX_MS;
  }

  /** Why the event held is refused, in words. */
  reasonAgainst(held: AgentEvent): string {
    const time = new Date(held.timeMs).toISOString();
    if (this.watermarkMs === null) return `time ${time} lies more than 31 days after the event that follows`;
    const before = new Date(this.watermarkMs).toISOString();
    return `time ${time} lies more than 31 days after ${before}, the latest so far, and no event that follows confirms it`;
  }

  /**
   * The next tick due before an event at `timeMs`, or null; to be called until it is null. The first tick of all
   * stands at the grid point at or before the first event.
   */
  nextTick(timeMs: number): number | null {
    const gridMs = Math.floor(timeMs / GRID_MS) * GRID_MS;
    const last = this.lastTickMs;
    if (last !== null && gridMs <= last) return null;
    this.lastTickMs = last === null || gridMs - last > AHEAD_MAX_MS ? gridMs : last + GRID_MS;
    return this.lastTickMs;
  }

  /** Notes an event that was taken in. */
  see(timeMs: number): void {
    if (this.watermarkMs === null || timeMs > this.watermarkMs) this.watermarkMs = timeMs;
  }

  /** Asked for only while nothing is held. */
  snapshot(): ClockJson {
    return { watermarkMs: this.watermarkMs, tickMs: this.lastTickMs };
  }
}
