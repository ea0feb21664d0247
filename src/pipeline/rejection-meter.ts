/**
 * How much of what a source sent within the running minute was rejected, and why most often. Pure: the clock is handed
 * in. Memory is a minute of seconds, and the codes of the error table.
 */

const SECONDS = 60;
const SECOND_MS = 1_000;

interface Second {
  of: number;
  rejections: number;
  readonly codes: Map<string, number>;
}

/** What the minute holds. */
export interface Tally {
  readonly rejections: number;
  readonly of: number;
  /** Most frequent code and an example of it: 'event.bad-json: line is not JSON'; '' where nothing was rejected. */
  readonly reason: string;
}

/** Why an item was rejected. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

export class RejectionMeter {
  private readonly ring: Second[] = Array.from({ length: SECONDS }, () => ({ of: 0, rejections: 0, codes: new Map() }));
  /** Second that was written last; a clock that goes back stays in it. */
  private at = 0;
  private of = 0;
  private rejections = 0;
  /** The last reason of each code. */
  private readonly examples = new Map<string, string>();

  /**
   * @param max share above which there is too much, (0, 1]
   * @param least items within the minute below which nobody can say
   */
  constructor(
    private readonly max: number,
    private readonly least: number,
  ) {}

  /** Notes one item; null: it was good. */
  note(nowMs: number, refusal: Refusal | null): void {
    this.advance(nowMs);
    const second = this.ring[this.at % SECONDS];
    second.of += 1;
    this.of += 1;
    if (refusal === null) return;
    second.rejections += 1;
    this.rejections += 1;
    second.codes.set(refusal.code, (second.codes.get(refusal.code) ?? 0) + 1);
    this.examples.set(refusal.code, refusal.reason);
  }

  /** Whether more than the share is rejected, of enough items. */
  isOver(nowMs: number): boolean {
    this.advance(nowMs);
    return this.of >= this.least && this.rejections > this.max * this.of;
  }

  get tally(): Tally {
    return { rejections: this.rejections, of: this.of, reason: this.reason() };
  }

  reset(): void {
    for (const second of this.ring) this.clear(second);
    this.examples.clear();
  }

  private advance(nowMs: number): void {
    const now = Math.floor(nowMs / SECOND_MS);
    if (now <= this.at) return;
    const passed = Math.min(now - this.at, SECONDS);
    for (let i = 1; i <= passed; i++) this.clear(this.ring[(now - passed + i) % SECONDS]);
    this.at = now;
  }

  private clear(second: Second): void {
    this.of -= second.of;
    this.rejections -= second.rejections;
    second.of = 0;
    second.rejections = 0;
    second.codes.clear();
  }

  private reason(): string {
    const totals = new Map<string, number>();
    for (const { codes } of this.ring) {
      for (const [code, count] of codes) totals.set(code, (totals.get(code) ?? 0) + count);
    }
    let most = '';
    for (const [code, count] of totals) if (count > (totals.get(most) ?? 0)) most = code;
    return most === '' ? '' : `${most}: ${this.examples.get(most) ?? ''}`;
  }
}
