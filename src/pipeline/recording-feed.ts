/**
 * A recording played into the live machinery: its events go into the log as if they had been taken in, and the ticks
 * come from its own time, placed as a replay places them. At the end of a learning window it waits for the model, so
 * that the same recording makes the same records, however fast it is played.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '../engine/partition.js';
import { decodeLine } from '../event/decode.js';
import { type AgentEvent, isRejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { encodeEvent, encodeRecord } from './record-line.js';
import { RecordingClock } from './recording-clock.js';
import { closedWindow } from './sample-line.js';

export interface FeedOptions {
  /** Times as fast as it was recorded; left out: as fast as it can be scored. */
  readonly speed?: number;
  /** Whether the senders count as bound to their agents. Default true. */
  readonly bound?: boolean;
}

export interface FeedSummary {
  readonly events: number;
  readonly rejected: number;
  readonly ticks: number;
}

export interface FeedParts {
  readonly prices: PriceTable;
  readonly partitions: number;
  /** Time of the last tick in the log, ms; 0: none. */
  readonly lastTickMs: number;
  /** Length of a learning window, ms; null: nothing is learned. */
  readonly learnEveryMs: number | null;
  /** Durable once resolved. */
  readonly append: (partition: number, lines: readonly string[]) => Promise<void>;
  /** Notes what an event shows of the fleet, before it is appended. */
  readonly note: (event: AgentEvent, bound: boolean) => void;
  /** Every partition has the tick. */
  readonly ticked: (timeMs: number) => Promise<void>;
  /** Resolves once the window is learned; rejects where it never will be. */
  readonly learned: (endMs: number) => Promise<void>;
  /** Resolves once little enough waits to be scored; rejects where the live side has ended. */
  readonly paced: () => Promise<void>;
}

/** Records gathered before they are appended. */
const GATHERED_MAX = 4_000;
/** A pause shorter than this is not worth a timer, ms. */
const PAUSE_MIN_MS = 20;

export class RecordingFeed {
  private readonly clock: RecordingClock;
  private readonly gathered: string[][];
  private count = 0;
  private ticks = 0;
  private events = 0;
  private rejected = 0;
  private tickMs: number;
  /** Wall and recording time at which pacing began. */
  private origin: { readonly wallMs: number; readonly timeMs: number } | null = null;

  constructor(
    private readonly parts: FeedParts,
    private readonly options: FeedOptions,
  ) {
    const last = parts.lastTickMs;
    this.tickMs = last;
    this.clock = new RecordingClock(last === 0 ? undefined : { watermarkMs: last, tickMs: last });
    this.gathered = Array.from({ length: parts.partitions }, () => []);
  }

  async run(lines: Iterable<string> | AsyncIterable<string>): Promise<FeedSummary> {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      const decoded = decodeLine(line, this.events + this.rejected, this.parts.prices);
      if (isRejection(decoded)) this.rejected += 1;
      else await this.take(decoded, line);
      if (this.count >= GATHERED_MAX) await this.flush();
    }
    const { held } = this.clock;
    if (held !== null && this.clock.tickMs === null) await this.put(held.event, held.text);
    else if (held !== null) this.rejected += 1;
    await this.flush();
    return { events: this.events, rejected: this.rejected, ticks: this.ticks };
  }

  private async take(event: AgentEvent, text: string): Promise<void> {
    const { clock } = this;
    const { held } = clock;
    if (held !== null) {
      clock.held = null;
      if (clock.confirms(held.event, event)) await this.put(held.event, held.text);
      else this.rejected += 1;
    }
    if (clock.isAhead(event)) clock.held = { event, line: 0, text };
    else await this.put(event, text);
  }

  private async put(event: AgentEvent, text: string): Promise<void> {
    const { clock } = this;
    for (let at = clock.nextTick(event.timeMs); at !== null; at = clock.nextTick(event.timeMs)) await this.tick(at);
    clock.see(event.timeMs);
    const partition = partitionOf(event.tenant, event.agent, this.parts.partitions);
    const bound = this.options.bound ?? true;
    this.parts.note(event, bound);
    this.gathered[partition].push(encodeEvent(text, bound));
    this.count += 1;
    this.events += 1;
  }

  private async tick(timeMs: number): Promise<void> {
    const line = encodeRecord({ type: 'tick', timeMs });
    for (const lines of this.gathered) lines.push(line);
    this.count += this.gathered.length;
    this.ticks += 1;
    const { learnEveryMs } = this.parts;
    const endMs = learnEveryMs === null ? null : closedWindow(this.tickMs, timeMs, learnEveryMs);
    this.tickMs = timeMs;
    if (endMs !== null) {
      await this.flush();
      await this.parts.learned(endMs);
    }
    await this.keepPace(timeMs);
  }

  private async keepPace(timeMs: number): Promise<void> {
    const { speed } = this.options;
    if (speed === undefined) return;
    this.origin ??= { wallMs: performance.now(), timeMs };
    const dueMs = this.origin.wallMs + (timeMs - this.origin.timeMs) / speed;
    const leftMs = dueMs - performance.now();
    if (leftMs < PAUSE_MIN_MS) return;
    await this.flush();
    await sleep(leftMs);
  }

  private async flush(): Promise<void> {
    if (this.count === 0) return;
    const { append, ticked, paced } = this.parts;
    const lines = this.gathered.map((one) => one.splice(0));
    this.count = 0;
    await Promise.all(lines.map((one, partition) => (one.length === 0 ? undefined : append(partition, one))));
    if (this.tickMs > 0) await ticked(this.tickMs);
    await paced();
  }
}
