/**
 * The circuit breaker of one place: after so many failures in a row it is left alone for a while, then one call probes
 * it. A place that asks to be left alone (Retry-After) is, without any failure being counted.
 */
import { type Pause, pauseMs } from './pause.js';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open, growing with each probe that fails. */
  readonly rest: Pause;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
}

/** The longest that a place may ask to be left alone, ms: a stop must not be put off for a day by a header. */
const REST_MAX_MS = 3_600_000;

export class Breaker {
  private failures = 0;
  private openings = 0;
  private restUntilMs = 0;
  private isProbing = false;

  constructor(private readonly options: BreakerOptions) {}

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.openings === 0) return 'closed';
    return this.isProbing ? 'half-open' : 'open';
  }

  /** When the next call may be made, ms; null: not before the probe that is under way has ended. */
  freeAtMs(): number | null {
    return this.isProbing ? null : this.restUntilMs;
  }

  /** A call is made. */
  begin(): void {
    if (this.openings > 0) this.isProbing = true;
  }

  succeeded(): void {
    this.failures = 0;
    this.openings = 0;
    this.isProbing = false;
  }

  /** The call said nothing about the place. */
  skipped(): void {
    this.isProbing = false;
  }

  failed(nowMs: number, retryAfterMs: number | null): void {
    this.isProbing = false;
    this.failures += 1;
    if (retryAfterMs !== null) this.rest(nowMs + Math.min(REST_MAX_MS, retryAfterMs));
    if (this.openings === 0 && this.failures < this.options.failures) return;
    this.openings += 1;
    const { rest, draw } = this.options;
    // Half of it for sure: a place that is down is not to be asked again at once.
    this.rest(nowMs + pauseMs(rest, this.openings, () => 0.5 + draw() / 2));
  }

  private rest(untilMs: number): void {
    this.restUntilMs = Math.max(this.restUntilMs, untilMs);
  }
}
