/** A segment: one file of a partition's log, with a sparse index of where its commits stand. */
import { join } from 'node:path';
import { SEGMENT_HEADER_BYTES } from './frame.js';

const NAME = /^(\d{20})\.jsonl$/;

export interface Segment {
  /** Offset of the first record. */
  readonly first: number;
  readonly path: string;
  readonly index: CommitIndex;
  /** Bytes that hold commits, headers included; a follower does not know it and leaves it 0. */
  bytes: number;
  /** Wall-clock time of the last commit, ms; null where there is none yet or it is not known. */
  lastTimeMs: number | null;
}

/** A segment as yet without commits; makes no file. */
export function createSegment(directory: string, first: number): Segment {
  const path = join(directory, `${String(first).padStart(20, '0')}.jsonl`);
  return { first, path, index: new CommitIndex(first), bytes: 0, lastTimeMs: null };
}

/** First offsets of the segments among the names of a directory, ascending. */
export function segmentOffsets(names: readonly string[]): number[] {
  const offsets: number[] = [];
  for (const name of names) {
    const match = NAME.exec(name);
    if (match !== null) offsets.push(Number(match[1]));
  }
  return offsets.sort((a, b) => a - b);
}

/** The segment that holds `offset` if any does: the last one that begins at or below it. */
export function findSegment(segments: readonly Segment[], offset: number): Segment | null {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle].first <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : segments[low - 1];
}

/** Where a commit stands: its first offset and the byte position of its header. */
export interface CommitPosition {
  readonly offset: number;
  readonly position: number;
}

/** Bytes of a segment between two entries of its index: 1,024 entries for a segment of 64 MiB. */
const STRIDE_BYTES = 64 * 1024;

/** Sparse and ascending; made as the segment is written or walked, and may be forgotten at any time. */
export class CommitIndex {
  private readonly origin: CommitPosition;
  private readonly entries: CommitPosition[] = [];

  constructor(first: number) {
    this.origin = { offset: first, position: SEGMENT_HEADER_BYTES };
  }

  get size(): number {
    return this.entries.length;
  }

  /** Notes a commit if the last one noted is far enough before it. */
  note(offset: number, position: number): void {
    const last = this.entries.at(-1) ?? this.origin;
    if (position >= last.position + STRIDE_BYTES && offset > last.offset) this.entries.push({ offset, position });
  }

  /** The last commit noted that begins at or below `offset`. */
  floor(offset: number): CommitPosition {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle].offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.origin : this.entries[low - 1];
  }

  forget(): void {
    this.entries.length = 0;
  }
}
