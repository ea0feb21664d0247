/** A partition that this log writes, read from the same files. */
import { KilldeerError } from '../errors.js';
import { openMarker, readMarker, writeMarker } from './durable-end.js';
import type { Files } from './files.js';
import type { LogBatch } from './log.js';
import { PartitionReader } from './partition-reader.js';
import { beginOf, createPartitionState, nameOf, type PartitionState } from './partition-state.js';
import { type LogHealth, PartitionWriter, type WriterOptions } from './partition-writer.js';
import { type Recovered, type Repair, recover } from './recovery.js';
import { type Retention, removeDueSegments } from './retention.js';

/** One partition of a file log, written here or elsewhere. */
export interface FilePartition {
  append(values: readonly string[]): Promise<number>;
  read(offset: number, max: number): Promise<LogBatch>;
  begin(): Promise<number>;
  end(): Promise<number>;
  wait(offset: number, timeoutMs: number): Promise<boolean>;
  setDurableEnd(end: number): void;
  keepFrom(offset: number): void;
  retain(): Promise<number>;
  close(): Promise<void>;
}

export interface PartitionPlace {
  readonly files: Files;
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
}

export interface OpenedPartition {
  readonly partition: FilePartition;
  readonly repairs: readonly Repair[];
}

/** Recovers one partition (see recover for its errors) and makes it ready to be written and read. */
export async function openWrittenPartition(
  place: PartitionPlace,
  options: WriterOptions & Retention,
  health: LogHealth,
): Promise<OpenedPartition> {
  const { files, directory } = place;
  const state = createPartitionState(files, directory, place.topic, place.partition);
  const marker = await openMarker(files, directory, 'write');
  let recovered: Recovered | null = null;
  try {
    recovered = await recover(state, await readMarker(marker));
    await writeMarker(marker, state.end);
  } catch (error) {
    await recovered?.active?.file.close();
    await marker.close();
    throw error;
  }
  const { active, repairs } = recovered;
  const reader = new PartitionReader(state, null);
  const retention = new RetentionTurn(state, reader, options);
  const onRoll = () => retention.inBackground();
  const writer = new PartitionWriter(state, active, marker, options, health, onRoll);
  return { partition: createWrittenPartition(state, writer, reader, retention), repairs };
}

function createWrittenPartition(
  state: PartitionState,
  writer: PartitionWriter,
  reader: PartitionReader,
  retention: RetentionTurn,
): FilePartition {
  return {
    append: (values) => writer.append(values),
    read: (offset, max) => reader.read(offset, max),
    begin: async () => beginOf(state),
    end: async () => state.end,
    wait: async (offset, timeoutMs) => state.end > offset || state.waiters.wait(offset, timeoutMs),
    // Who writes knows the end best.
    setDurableEnd: () => {},
    keepFrom: (offset) => {
      retention.keepFrom = offset;
    },
    retain: () => retention.next(),
    close: async () => {
      await writer.close();
      await retention.settled();
      state.waiters.close();
      await reader.close();
    },
  };
}

/** Retention of one partition, one turn at a time. */
class RetentionTurn {
  keepFrom = Number.POSITIVE_INFINITY;
  private readonly state: PartitionState;
  private readonly reader: PartitionReader;
  private readonly options: Retention & { readonly now: () => number };
  private turn: Promise<unknown> = Promise.resolve();

  constructor(state: PartitionState, reader: PartitionReader, options: Retention & { readonly now: () => number }) {
    this.state = state;
    this.reader = reader;
    this.options = options;
  }

  /** Resolves with how many segments went; rejects with 'log.write-failed' where one could not be removed. */
  next(): Promise<number> {
    const turn = this.turn.then(() => this.remove());
    this.turn = turn.catch(() => {});
    return turn;
  }

  /** After a roll: nobody waits for it, and what could not be removed is tried again at the next one. */
  inBackground(): void {
    this.next().catch(() => {});
  }

  async settled(): Promise<void> {
    await this.turn;
  }

  private async remove(): Promise<number> {
    try {
      const removed = await removeDueSegments(this.state, this.options, this.keepFrom, this.options.now());
      if (removed > 0) await this.reader.forgetRemoved();
      return removed;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const what = `an old segment of ${nameOf(this.state)} could not be removed: ${reason}`;
      throw new KilldeerError('log.write-failed', what, error);
    }
  }
}
