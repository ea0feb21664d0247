/**
 * Reads one partition from any offset. A reader keeps a few cursors, each an open file with a verified commit in its
 * window, so that reading on costs no second look at what was read. Only what lies below the durable end is looked
 * at: what stands beyond it in the file may still be half written or be taken back.
 */
import { KilldeerError } from '../errors.js';
import { CommitReader, type Damage, isDamage } from './commit-reader.js';
import { isMissing, type OpenFile } from './files.js';
import { COMMIT_HEADER_BYTES, corrupt, decodeSegmentHeader, SEGMENT_HEADER_BYTES } from './frame.js';
import type { LogBatch, LogRecord } from './log.js';
import { beginOf, nameOf, outOfRange, type PartitionState } from './partition-state.js';
import { findSegment, type Segment } from './segment.js';

const CURSORS_MAX = 2;
const WINDOW_BYTES = 256 * 1024;
/** A window that one long commit made larger than this is given back. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** Records are returned until their lines exceed this, at least one. */
const READ_BYTES_MAX = 16 * 1024 * 1024;
/** Segments besides the last whose index is kept. */
const INDEXES_MAX = 64;
const LINE_BREAK = 10;

/** Where reading stands: inside a verified commit, or (body empty) at the header of the next one. */
interface Cursor {
  readonly segment: Segment;
  readonly file: OpenFile;
  readonly reader: CommitReader;
  /** Next record to read. */
  offset: number;
  /** Lines of the current commit, in the reader's window. */
  body: Buffer;
  /** Byte in the body where the next line begins. */
  at: number;
  /** Byte in the file where the next commit's header stands. */
  position: number;
}

export class PartitionReader {
  private readonly state: PartitionState;
  /** Brings the list of segments up to date where another thread or process writes it; null where we do. */
  private readonly relist: (() => Promise<void>) | null;
  private cursors: Cursor[] = [];
  private readonly indexed = new Set<Segment>();
  private closed = false;

  constructor(state: PartitionState, relist: (() => Promise<void>) | null) {
    this.state = state;
    this.relist = relist;
  }

  async read(offset: number, max: number): Promise<LogBatch> {
    const { end } = this.state;
    this.assertInRange(offset, end);
    if (offset === end || max <= 0) return { records: [], next: offset };
    let cursor = this.checkOut(offset) ?? (await this.openAt(offset));
    const records: LogRecord[] = [];
    try {
      for (let bytes = 0; records.length < max && cursor.offset < end && bytes < READ_BYTES_MAX; ) {
        if (cursor.at === cursor.body.length) cursor = await this.nextCommit(cursor);
        bytes += take(cursor, records, Math.min(max - records.length, end - cursor.offset), READ_BYTES_MAX - bytes);
      }
    } catch (error) {
      await cursor.file.close();
      throw error;
    }
    // Once it is back, another read may move the cursor.
    const next = cursor.offset;
    await this.checkIn(cursor);
    return { records, next };
  }

  /** Closes the cursors that stand idle; those in use close when their read is done. */
  async close(): Promise<void> {
    this.closed = true;
    await this.closeCursors(() => true);
  }

  /** Lets go of the files of segments that are no longer listed. */
  async forgetRemoved(): Promise<void> {
    await this.closeCursors((cursor) => !this.state.segments.includes(cursor.segment));
  }

  private assertInRange(offset: number, end: number): void {
    const begin = beginOf(this.state);
    if (Number.isSafeInteger(offset) && offset >= begin && offset <= end) return;
    throw outOfRange(nameOf(this.state), offset, begin, end);
  }

  private checkOut(offset: number): Cursor | null {
    const index = this.cursors.findIndex((cursor) => cursor.offset === offset);
    return index === -1 ? null : this.cursors.splice(index, 1)[0];
  }

  private async checkIn(cursor: Cursor): Promise<void> {
    const listed = this.state.segments.includes(cursor.segment);
    if (this.closed || !listed || cursor.reader.heldBytes > HELD_BYTES_MAX) return cursor.file.close();
    this.cursors.push(cursor);
    if (this.cursors.length > CURSORS_MAX) await this.cursors.shift()?.file.close();
  }

  private async closeCursors(which: (cursor: Cursor) => boolean): Promise<void> {
    const closing = this.cursors.filter(which);
    this.cursors = this.cursors.filter((cursor) => !which(cursor));
    for (const cursor of closing) await cursor.file.close();
  }

  /** Moves to the next commit, in this segment or the next; returns the cursor to go on with. */
  private async nextCommit(cursor: Cursor): Promise<Cursor> {
    if (findSegment(this.state.segments, cursor.offset) === cursor.segment) {
      const commit = await cursor.reader.commit(cursor.position, cursor.offset);
      if (!isDamage(commit)) {
        cursor.body = commit.body;
        cursor.at = 0;
        cursor.position += COMMIT_HEADER_BYTES + commit.body.length;
        return cursor;
      }
      // The window may hold what stood there before the writer went on: only a second, fresh look is a verdict.
    }
    const next = await this.openAt(cursor.offset);
    await cursor.file.close();
    return next;
  }

  private async openAt(offset: number): Promise<Cursor> {
    const found = await this.seekIn(findSegment(this.state.segments, offset), offset);
    if (!isDamaged(found)) return found;
    // A writer elsewhere may have begun a new segment or removed an old one since we listed them.
    if (this.relist !== null) await this.relist();
    this.assertInRange(offset, this.state.end);
    const again = await this.seekIn(findSegment(this.state.segments, offset), offset);
    if (isDamaged(again)) throw again;
    return again;
  }

  private async seekIn(segment: Segment | null, offset: number): Promise<Cursor | KilldeerError> {
    if (segment === null) return corrupt(this.state.directory, 0, `the segment with offset ${offset} is missing`);
    let file: OpenFile;
    try {
      file = await this.state.files.open(segment.path, 'read');
    } catch (error) {
      if (isMissing(error)) return corrupt(segment.path, 0, 'the file is missing');
      throw error;
    }
    let cursor: Cursor | KilldeerError | null = null;
    try {
      cursor = await this.seek(segment, file, offset);
    } finally {
      if (cursor === null || isDamaged(cursor)) await file.close();
    }
    return cursor;
  }

  /** Walks from the nearest commit that the index knows, header by header, to the commit that holds `offset`. */
  private async seek(segment: Segment, file: OpenFile, offset: number): Promise<Cursor | KilldeerError> {
    const salt = await readSalt(segment, file);
    if (salt === null) return corrupt(segment.path, 0, 'its first line is not the header of this segment');
    const reader = new CommitReader(file, salt, WINDOW_BYTES);
    let { offset: first, position } = segment.index.floor(offset);
    for (;;) {
      const header = await reader.header(position, first);
      if (isDamage(header)) return this.damaged(segment, position, first, header);
      if (offset < first + header.count) break;
      first += header.count;
      position += COMMIT_HEADER_BYTES + header.bytes;
      segment.index.note(first, position);
    }
    this.boundIndexes(segment);
    const commit = await reader.commit(position, first);
    if (isDamage(commit)) return this.damaged(segment, position, first, commit);
    let at = 0;
    for (; first < offset; first += 1) at = commit.body.indexOf(LINE_BREAK, at) + 1;
    position += COMMIT_HEADER_BYTES + commit.body.length;
    return { segment, file, reader, offset, body: commit.body, at, position };
  }

  /** Forgets the index made longest ago where too many are kept. The last segment's is its writer's. */
  private boundIndexes(segment: Segment): void {
    if (segment.index.size > 0) this.indexed.add(segment);
    if (this.indexed.size <= INDEXES_MAX) return;
    for (const oldest of this.indexed) {
      this.indexed.delete(oldest);
      if (oldest !== this.state.segments.at(-1)) oldest.index.forget();
      return;
    }
  }

  private damaged(segment: Segment, position: number, offset: number, damage: Damage): KilldeerError {
    const next = this.state.segments.find((other) => other.first > segment.first);
    const upTo = next === undefined ? `the durable end ${this.state.end}` : `the next segment at ${next.first}`;
    return corrupt(segment.path, position, `${damage.damage}; offsets ${offset} to ${upTo} cannot be read`);
  }
}

function isDamaged(found: Cursor | KilldeerError): found is KilldeerError {
  return found instanceof KilldeerError;
}

/** The salt in the segment's header; null where that is not the header of this segment. */
async function readSalt(segment: Segment, file: OpenFile): Promise<string | null> {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const length = await file.read(bytes, 0);
  const header = decodeSegmentHeader(bytes.subarray(0, length));
  return header === null || header.first !== segment.first ? null : header.salt;
}

/** Takes up to `max` lines, or bytes, of the current commit; returns the bytes taken. */
function take(cursor: Cursor, records: LogRecord[], max: number, bytesMax: number): number {
  const { body } = cursor;
  const from = cursor.at;
  // One call into the decoder per record: its strings then hold no more memory than they show.
  for (let taken = 0; taken < max && cursor.at < body.length && cursor.at - from < bytesMax; taken += 1) {
    const lineEnd = body.indexOf(LINE_BREAK, cursor.at);
    records.push({ offset: cursor.offset, value: body.toString('utf8', cursor.at, lineEnd) });
    cursor.at = lineEnd + 1;
    cursor.offset += 1;
  }
  return cursor.at - from;
}
