/** `log:events` as its one writer sees it: what ingest and the live side append, and how far each partition goes. */
import type { ControlRecord } from '../engine/record.js';
import { placeOf } from '../engine/record-place.js';
import { type ErrorCode, KilldeerError } from '../errors.js';
import type { Log } from '../log/log.js';
import { EVENTS_TOPIC } from './layout.js';
import { encodeRecord } from './record-line.js';

/** Read at a time, backwards, in search of the last tick; and at most so often. */
const LOOK_BACK = 1_000;
const LOOKS_MAX = 200;
/** After these the log is as good as closed. */
const FATAL: readonly ErrorCode[] = ['log.fsync-failed', 'log.write-failed'];
const TICK = '{"type":"tick",';

export class EventsLog implements Pick<Log, 'partitions' | 'append'> {
  /** By partition, as of the last append that was durable. */
  readonly ends: number[];
  /** Told of every append, once durable. */
  onAppend: (partition: number, end: number) => void = () => undefined;
  /** Told where the log takes nothing more, whoever tries. */
  onFault: (error: unknown) => void = () => undefined;

  private constructor(
    private readonly log: Log,
    ends: number[],
    private tickMs: number,
  ) {
    this.ends = ends;
  }

  static async open(log: Log, partitions: number): Promise<EventsLog> {
    const ends: number[] = [];
    let tickMs = 0;
    for (let partition = 0; partition < partitions; partition++) {
      ends.push(await log.end(EVENTS_TOPIC, partition));
      tickMs = Math.max(tickMs, await lastTick(log, partition, ends[partition]));
    }
    return new EventsLog(log, ends, tickMs);
  }

  /** Time of the last tick, ms; 0: none. */
  get lastTickMs(): number {
    return this.tickMs;
  }

  partitions(topic: string): number {
    return this.log.partitions(topic);
  }

  async append(topic: string, partition: number, values: readonly string[]): Promise<number> {
    let first: number;
    try {
      first = await this.log.append(topic, partition, values);
    } catch (error) {
      if (error instanceof KilldeerError && FATAL.includes(error.code)) this.onFault(error);
      throw error;
    }
    if (topic !== EVENTS_TOPIC) return first;
    this.ends[partition] = Math.max(this.ends[partition], first + values.length);
    this.onAppend(partition, this.ends[partition]);
    return first;
  }

  /** A tick in every partition; none where time did not move on. */
  async tick(timeMs: number): Promise<void> {
    if (timeMs <= this.tickMs) return;
    this.tickMs = timeMs;
    await this.all(encodeRecord({ type: 'tick', timeMs }));
  }

  /** In its agent's partition, in all, or (a source's) in the first. */
  async control(record: ControlRecord): Promise<void> {
    const line = encodeRecord(record);
    const partition = placeOf(record, this.ends.length);
    if (partition === null) return this.all(line);
    await this.append(EVENTS_TOPIC, partition, [line]);
  }

  /** One line in every partition. Rejects where one of them did not take it, after all were tried. */
  async all(line: string): Promise<void> {
    const appends = this.ends.map((_, partition) => this.append(EVENTS_TOPIC, partition, [line]));
    for (const settled of await Promise.allSettled(appends)) if (settled.status === 'rejected') throw settled.reason;
  }
}

/** Found without decoding: only this program writes ticks, and it writes them in one way. */
async function lastTick(log: Log, partition: number, end: number): Promise<number> {
  const begin = await log.begin(EVENTS_TOPIC, partition);
  let to = end;
  for (let look = 0; look < LOOKS_MAX && to > begin; look++) {
    const from = Math.max(begin, to - LOOK_BACK);
    const values: string[] = [];
    for (let at = from; at < to; ) {
      const { records, next } = await log.read(EVENTS_TOPIC, partition, at, to - at);
      for (const { value } of records) values.push(value);
      at = next;
    }
    const found = values.findLast((value) => value.startsWith(TICK));
    const timeMs = found === undefined ? Number.NaN : Number(/"timeMs":(\d+)/.exec(found)?.[1]);
    if (Number.isFinite(timeMs)) return timeMs;
    to = from;
  }
  return 0;
}
