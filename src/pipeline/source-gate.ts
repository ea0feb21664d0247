/**
 * Whether a source is read. Open, until more than its share is rejected; then it rests, unread; then what came in
 * meanwhile is looked at, nothing of it taken, and it is open again or rests twice as long. Pure: the clock is handed
 * in. One gate for all partitions of a source that this process reads.
 */
import { type Refusal, RejectionMeter, type Tally } from './rejection-meter.js';

/** A source rests no longer than this between two trials, unless its own rest is longer. */
export const REST_MAX_MS = 3_600_000;

export interface GateOptions {
  /** Share of rejected items within a minute above which the source is refused, (0, 1]. */
  readonly rejectionsMax: number;
  /** Of at least so many. */
  readonly rejectionsOf: number;
  readonly restMs: number;
}

/** What people must be told: goes into `log:events` as a control record. */
export interface GateChange extends Tally {
  readonly timeMs: number;
  readonly state: 'refused' | 'accepted';
}

export class SourceGate {
  private readonly meter: RejectionMeter;
  private phase: 'open' | 'resting' | 'probing' = 'open';
  private restMs: number;
  private untilMs = 0;
  private openedMs = Number.NEGATIVE_INFINITY;
  /** Good enough so far, since it was opened by the start of the process: then an older refusal is over. */
  private judged = 0;
  private isTold = false;
  private readonly changes: GateChange[] = [];
  /** Of the round, by partition. */
  private readonly samples = new Map<number, Tally>();
  private readonly partitions = new Set<number>();
  /** Of looks at a refused source. */
  round = 0;
  /** How often it was opened after a refusal. */
  openings = 0;
  /** How often it was refused; failed trials are not counted again. */
  refusals = 0;

  constructor(private readonly options: GateOptions) {
    this.meter = new RejectionMeter(options.rejectionsMax, options.rejectionsOf);
    this.restMs = options.restMs;
  }

  /** A partition is read from now on: its say is asked for in every trial. */
  join(partition: number): void {
    this.partitions.add(partition);
  }

  leave(partition: number): void {
    this.partitions.delete(partition);
    this.samples.delete(partition);
  }

  get isRefused(): boolean {
    return this.phase !== 'open';
  }

  phaseAt(nowMs: number): 'open' | 'resting' | 'probing' {
    if (this.phase === 'resting' && nowMs >= this.untilMs) {
      this.phase = 'probing';
      this.round += 1;
      this.samples.clear();
    }
    return this.phase;
  }

  /** How long it still rests, ms. */
  restLeftMs(nowMs: number): number {
    return Math.max(0, this.untilMs - nowMs);
  }

  /** Notes one item that was taken; null: a good one. */
  note(nowMs: number, refusal: Refusal | null): void {
    this.meter.note(nowMs, refusal);
    this.judged += 1;
  }

  /** After some were noted: whether that was too much. */
  judge(nowMs: number): void {
    if (this.phase !== 'open') return;
    if (this.meter.isOver(nowMs)) this.refuse(nowMs, this.meter.tally);
    else if (!this.isTold && this.judged >= this.options.rejectionsOf) this.tell(nowMs, 'accepted', this.meter.tally);
  }

  /** What one partition holds that came in since it was looked at last; judged when all have spoken and any had something. */
  sample(partition: number, nowMs: number, tally: Tally): void {
    if (this.phase !== 'probing') return;
    this.samples.set(partition, tally);
    for (const joined of this.partitions) if (!this.samples.has(joined)) return;
    const all = sum(this.samples.values());
    if (all.of === 0) return;
    if (all.rejections > this.options.rejectionsMax * all.of) this.refuse(nowMs, all);
    else this.open(nowMs, all);
  }

  /** The changes since the last call, oldest first. */
  drain(): GateChange[] {
    return this.changes.splice(0);
  }

  private refuse(nowMs: number, tally: Tally): void {
    if (this.phase === 'open') {
      this.refusals += 1;
      // Refused again as soon as it was opened: the trial was luck.
      const isRelapse = nowMs - this.openedMs < this.restMs;
      this.restMs = isRelapse ? this.longer() : this.options.restMs;
    } else {
      this.restMs = this.longer();
    }
    this.phase = 'resting';
    this.untilMs = nowMs + this.restMs;
    this.meter.reset();
    this.tell(nowMs, 'refused', tally);
  }

  private open(nowMs: number, tally: Tally): void {
    this.phase = 'open';
    this.openings += 1;
    this.openedMs = nowMs;
    this.tell(nowMs, 'accepted', tally);
  }

  private longer(): number {
    return Math.max(this.options.restMs, Math.min(2 * this.restMs, REST_MAX_MS));
  }

  private tell(timeMs: number, state: GateChange['state'], tally: Tally): void {
    this.isTold = true;
    this.changes.push({ timeMs, state, ...tally });
  }
}

function sum(tallies: Iterable<Tally>): Tally {
  let rejections = 0;
  let of = 0;
  let worst: Tally | null = null;
  for (const tally of tallies) {
    rejections += tally.rejections;
    of += tally.of;
    if (tally.rejections > (worst?.rejections ?? 0)) worst = tally;
  }
  return { rejections, of, reason: worst?.reason ?? '' };
}
