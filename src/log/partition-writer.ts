/**
 * Writes one partition. Appends that come while a write is under way wait and go into the next one together: one
 * write, one fsync, then all of them resolve. There is never a second write before the fsync of the first, so that
 * only the last commit of a file can ever be torn. What waits is held by those who wait for it: there is no other queue.
 */
import { KilldeerError } from '../errors.js';
import { writeMarker } from './durable-end.js';
import { isDiskFull, type OpenFile } from './files.js';
import {
  COMMIT_HEADER_BYTES,
  checksum,
  encodeCommitHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from './frame.js';
import { joinLines } from './lines.js';
import { nameOf, type PartitionState } from './partition-state.js';
import type { Recovered } from './recovery.js';
import { createSegment, type Segment } from './segment.js';

export interface WriterOptions {
  /** A segment that a commit would make longer is closed and the next one begun. */
  readonly segmentBytesMax: number;
  /** Waiting appends join a commit until it holds this many UTF-16 units; one append is never split. */
  readonly commitUnitsMax: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** 8 random hex digits. */
  readonly salt: () => string;
}

/** Shared by all partitions of a log: a failed fsync of one is fatal for all. */
export interface LogHealth {
  failure: KilldeerError | null;
}

interface Pending {
  readonly text: string;
  readonly count: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: unknown) => void;
}

type Active = NonNullable<Recovered['active']>;

export class PartitionWriter {
  private readonly state: PartitionState;
  private readonly options: WriterOptions;
  private readonly health: LogHealth;
  private readonly marker: OpenFile;
  private readonly onRoll: () => void;
  private active: Active | null;
  private queue: Pending[] = [];
  private draining: Promise<void> | null = null;
  private closed = false;

  constructor(
    state: PartitionState,
    active: Active | null,
    marker: OpenFile,
    options: WriterOptions,
    health: LogHealth,
    onRoll: () => void,
  ) {
    this.state = state;
    this.active = active;
    this.marker = marker;
    this.options = options;
    this.health = health;
    this.onRoll = onRoll;
  }

  async append(values: readonly string[]): Promise<number> {
    if (this.health.failure !== null) throw this.health.failure;
    if (this.closed) throw new KilldeerError('log.closed', `${nameOf(this.state)} is closed`);
    const text = joinLines(values);
    if (values.length === 0) return this.state.end;
    return new Promise((resolve, reject) => {
      this.queue.push({ text, count: values.length, resolve, reject });
      this.draining ??= this.drain();
    });
  }

  /** Lets what waits be written, then closes the files. */
  async close(): Promise<void> {
    this.closed = true;
    await this.draining;
    await this.active?.file.close();
    this.active = null;
    await this.marker.close();
  }

  private async drain(): Promise<void> {
    // Appends of the same turn of the event loop join the first commit.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const group = this.takeGroup();
      try {
        if (this.health.failure !== null) throw this.health.failure;
        let first = await this.commit(group);
        for (const { count, resolve } of group) {
          resolve(first);
          first += count;
        }
        this.state.waiters.wake(this.state.end);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.draining = null;
  }

  private takeGroup(): Pending[] {
    let units = 0;
    let length = 0;
    for (const { text } of this.queue) {
      if (length > 0 && units + text.length > this.options.commitUnitsMax) break;
      units += text.length;
      length += 1;
    }
    return this.queue.splice(0, length);
  }

  /** Writes and syncs one commit; returns the offset of its first record. */
  private async commit(group: readonly Pending[]): Promise<number> {
    const body = Buffer.from(group.length === 1 ? group[0].text : group.map(({ text }) => text).join(''));
    const count = group.reduce((sum, pending) => sum + pending.count, 0);
    const bytes = COMMIT_HEADER_BYTES + body.length;
    const { segment, file, salt } = await this.roomFor(bytes);
    const first = this.state.end;
    const position = segment.bytes;
    const timeMs = Math.max(0, Math.trunc(this.options.now()));
    const header = { first, count, bytes: body.length, position, timeMs, checksum: checksum(body) };
    try {
      await file.write([encodeCommitHeader(header, salt), body], position);
    } catch (error) {
      throw await this.takeBack(segment, file, error);
    }
    await this.synced(segment.path, () => file.fsync());
    segment.bytes = position + bytes;
    segment.lastTimeMs = timeMs;
    segment.index.note(first, position);
    this.state.end = first + count;
    await this.announce();
    return first;
  }

  /** The segment to write to: the active one, or a new one where there is none or the commit would overfill it. */
  private async roomFor(bytes: number): Promise<Active> {
    const { active } = this;
    const fits = active !== null && active.segment.bytes + bytes <= this.options.segmentBytesMax;
    // A commit longer than a whole segment has one of its own.
    const empty = active !== null && active.segment.bytes === SEGMENT_HEADER_BYTES;
    if (active !== null && (fits || empty)) return active;
    const next = await this.createActive();
    this.active = next;
    this.state.segments.push(next.segment);
    await active?.file.close();
    this.onRoll();
    return next;
  }

  /** Makes the next segment's file, durable with its header, before any commit goes into it. */
  private async createActive(): Promise<Active> {
    const { topic, partition, files, directory, end } = this.state;
    const previous = this.active?.segment ?? null;
    const segment = createSegment(directory, end);
    const salt = this.options.salt();
    const header = encodeSegmentHeader({
      topic,
      partition,
      first: end,
      previous: previous?.first ?? null,
      previousTimeMs: previous?.lastTimeMs ?? null,
      salt,
    });
    let file: OpenFile | null = null;
    try {
      file = await files.open(segment.path, 'create');
      await file.write([header], 0);
    } catch (error) {
      throw await this.takeBackFile(segment, file, error);
    }
    const made = file;
    await this.synced(segment.path, () => made.fsync(), made);
    await this.synced(directory, () => files.fsyncDirectory(directory), made);
    segment.bytes = SEGMENT_HEADER_BYTES;
    return { segment, file, salt };
  }

  /** Undoes a write that failed half way; returns the error to reject with. */
  private async takeBack(segment: Segment, file: OpenFile, cause: unknown): Promise<KilldeerError> {
    if (!isDiskFull(cause)) return this.fatal('log.write-failed', `${segment.path} could not be written`, cause);
    try {
      await file.truncate(segment.bytes);
      // Synced before anything is written there again: a crash must not leave the long remains behind a shorter commit.
      await file.fsync();
      if ((await file.bytes()) === segment.bytes) return diskFull(segment.path, cause);
    } catch (error) {
      return this.fatal('log.write-failed', `${segment.path} could not be cut back to its last commit`, error);
    }
    return this.fatal('log.write-failed', `${segment.path} could not be cut back to its last commit`, cause);
  }

  /** Removes a segment file that could not be made; returns the error to reject with. */
  private async takeBackFile(segment: Segment, file: OpenFile | null, cause: unknown): Promise<KilldeerError> {
    try {
      await file?.close();
      if (file !== null) {
        await this.state.files.unlink(segment.path);
        // Before another is made: only the last segment may be found half made.
        await this.state.files.fsyncDirectory(this.state.directory);
      }
    } catch (error) {
      return this.fatal('log.write-failed', `${segment.path} could not be removed`, error);
    }
    if (isDiskFull(cause)) return diskFull(segment.path, cause);
    return this.fatal('log.write-failed', `${segment.path} could not be made`, cause);
  }

  /** Never tried again: after a failed fsync the system may drop the bytes and report the next fsync as good. */
  private async synced(path: string, fsync: () => Promise<void>, orphan?: OpenFile): Promise<void> {
    try {
      await fsync();
    } catch (error) {
      await orphan?.close();
      throw this.fatal('log.fsync-failed', `${path} could not be synced`, error);
    }
  }

  private async announce(): Promise<void> {
    try {
      await writeMarker(this.marker, this.state.end);
    } catch {
      // The records are durable all the same: followers learn of them with the next commit, or from their hint.
    }
  }

  private fatal(code: 'log.fsync-failed' | 'log.write-failed', what: string, cause: unknown): KilldeerError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.health.failure ??= new KilldeerError(code, `${what}: ${reason}; the log takes no more records`, cause);
    return this.health.failure;
  }
}

function diskFull(path: string, cause: unknown): KilldeerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KilldeerError('log.disk-full', `no space to write ${path}: ${reason}`, cause);
}
