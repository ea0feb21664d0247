/**
 * A partition that another thread or process writes. Its durable end comes from the writer's marker file, read when
 * somebody asks or waits (file watching misses events on too many systems), or sooner from a hint.
 */
import { KilldeerError } from '../errors.js';
import { openMarker, readMarker } from './durable-end.js';
import { isMissing, type OpenFile } from './files.js';
import { PartitionReader } from './partition-reader.js';
import { beginOf, createPartitionState, nameOf, type PartitionState } from './partition-state.js';
import { createSegment, segmentOffsets } from './segment.js';
import type { FilePartition, PartitionPlace } from './written-partition.js';

/** `pollMs`: how often the marker is read while somebody waits. */
export function followPartition(place: PartitionPlace, pollMs: number): FilePartition {
  const state = createPartitionState(place.files, place.directory, place.topic, place.partition);
  const follower = new Follower(state, pollMs);
  const reader: PartitionReader = new PartitionReader(state, async () => {
    await follower.relist();
    await reader.forgetRemoved();
  });
  return {
    append: async () => {
      throw new KilldeerError('log.read-only', `${nameOf(state)} was opened for reading`);
    },
    read: async (offset, max) => {
      // A range that a refusal names, as well as an end that a read meets, must be the latest.
      if (!(offset >= beginOf(state) && offset < state.end)) await follower.refresh();
      if (state.end > 0) await follower.listOnce();
      return reader.read(offset, max);
    },
    begin: async () => {
      await follower.relist();
      return beginOf(state);
    },
    end: async () => {
      await follower.refresh();
      return state.end;
    },
    wait: (offset, timeoutMs) => follower.wait(offset, timeoutMs),
    setDurableEnd: (end) => follower.advance(end),
    keepFrom: () => {},
    retain: async () => 0,
    close: async () => {
      await follower.close();
      await reader.close();
    },
  };
}

class Follower {
  private readonly state: PartitionState;
  private readonly pollMs: number;
  private marker: OpenFile | null = null;
  private refreshing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private listed = false;
  private closed = false;

  constructor(state: PartitionState, pollMs: number) {
    this.state = state;
    this.pollMs = pollMs;
  }

  /** Takes a durable end that the writer has announced; an older one than known changes nothing. */
  advance(end: number): void {
    if (end <= this.state.end) return;
    this.state.end = end;
    this.state.waiters.wake(end);
  }

  /** Reads the marker; those who ask at the same time share one look. */
  async refresh(): Promise<void> {
    this.refreshing ??= this.look().finally(() => {
      this.refreshing = null;
    });
    await this.refreshing;
  }

  async wait(offset: number, timeoutMs: number): Promise<boolean> {
    if (this.state.end > offset) return true;
    await this.refresh();
    if (this.state.end > offset) return true;
    const reached = this.state.waiters.wait(offset, timeoutMs);
    this.poll();
    return reached;
  }

  /** Lists the segments once; later ones are found when reading meets the end of those listed. */
  async listOnce(): Promise<void> {
    if (!this.listed) await this.relist();
  }

  async relist(): Promise<void> {
    const { files, directory } = this.state;
    const offsets = segmentOffsets((await files.readdir(directory)) ?? []);
    const known = new Map(this.state.segments.map((segment) => [segment.first, segment]));
    this.state.segments = offsets.map((first) => known.get(first) ?? createSegment(directory, first));
    this.listed = offsets.length > 0;
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.state.waiters.close();
    await this.refreshing;
    await this.marker?.close();
    this.marker = null;
  }

  private poll(): void {
    if (this.timer !== null || this.closed || this.state.waiters.size === 0) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      // A look that fails is followed by another; what is wrong shows itself to the next read.
      this.refresh()
        .catch(() => {})
        .finally(() => this.poll());
    }, this.pollMs);
  }

  private async look(): Promise<void> {
    if (this.closed) return;
    try {
      this.marker ??= await openMarker(this.state.files, this.state.directory, 'read');
    } catch (error) {
      // The writer has not made the partition yet.
      if (isMissing(error)) return;
      throw error;
    }
    const end = await readMarker(this.marker);
    if (end !== null) this.advance(end);
  }
}
