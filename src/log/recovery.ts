/**
 * Opens one partition for writing after whatever happened to it. Only one write is ever under way, so a crash can
 * spoil the last commit and nothing before it: such a torn tail is cut off and reported. Damage that is followed by
 * anything sound, a missing file, or an end below one that was announced, is 'log.corrupt': nothing is skipped.
 */
import { dirname } from 'node:path';
import { CommitReader, type Damage, isDamage } from './commit-reader.js';
import type { Files, OpenFile } from './files.js';
import {
  COMMIT_HEADER_BYTES,
  COMMIT_MARK,
  corrupt,
  decodeCommitHeader,
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './frame.js';
import type { PartitionState } from './partition-state.js';
import { createSegment, type Segment, segmentOffsets } from './segment.js';

/** A torn tail that was cut off; what it held was never acknowledged. */
export interface Repair {
  readonly path: string;
  /** Byte position from which the file was cut; 0 where the file was removed. */
  readonly position: number;
  readonly bytesCut: number;
  readonly reason: string;
}

export interface Recovered {
  readonly repairs: readonly Repair[];
  /** The last segment, open for writing; null where the partition is empty. */
  readonly active: { readonly segment: Segment; readonly file: OpenFile; readonly salt: string } | null;
}

const SCAN_BYTES = 1024 * 1024;

/**
 * Fills `state` with what the directory holds, repairs the tail and makes it durable. `announced` is the end that had
 * been acknowledged, as far as is known; an end below it is refused before anything is cut off.
 */
export async function recover(state: PartitionState, announced: number | null): Promise<Recovered> {
  const repairs: Repair[] = [];
  const salt = await listSegments(state, repairs);
  const segment = state.segments.at(-1);
  if (segment === undefined || salt === null) {
    assertNothingLost(state, announced, 0);
    return { repairs, active: null };
  }
  const file = await state.files.open(segment.path, 'write');
  try {
    const repair = await recoverTail(state, segment, new CommitReader(file, salt, SCAN_BYTES), announced);
    if (repair !== null) repairs.push(repair);
    await state.files.fsyncDirectory(state.directory);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { repairs, active: { segment, file, salt } };
}

/** Lists and chains the segments; returns the salt of the last one. */
async function listSegments(state: PartitionState, repairs: Repair[]): Promise<string | null> {
  const offsets = segmentOffsets((await state.files.readdir(state.directory)) ?? []);
  let salt: string | null = null;
  for (const first of offsets) {
    const segment = createSegment(state.directory, first);
    const { header, bytes } = await readHeader(state.files, segment);
    if (header === null && first === offsets.at(-1) && bytes <= SEGMENT_HEADER_BYTES) {
      repairs.push(await removeUnborn(state.files, segment, bytes));
      break;
    }
    checkChain(state, segment, header);
    const previous = state.segments.at(-1);
    if (previous !== undefined) previous.lastTimeMs = header.previousTimeMs;
    segment.bytes = bytes;
    state.segments.push(segment);
    salt = header.salt;
  }
  return salt;
}

function checkChain(
  state: PartitionState,
  segment: Segment,
  header: SegmentHeader | null,
): asserts header is SegmentHeader {
  if (header === null) throw corrupt(segment.path, 0, 'its first line is no segment header');
  if (header.topic !== state.topic || header.partition !== state.partition || header.first !== segment.first) {
    const found = `${header.topic}/${header.partition} at offset ${header.first}`;
    throw corrupt(segment.path, 0, `its header is that of ${found}, not of ${state.topic}/${state.partition}`);
  }
  const previous = state.segments.at(-1);
  if (previous === undefined || header.previous === previous.first) return;
  const missing = createSegment(state.directory, header.previous ?? 0).path;
  throw corrupt(segment.path, 0, `the segment before it is missing: ${missing}`);
}

async function readHeader(files: Files, segment: Segment): Promise<{ header: SegmentHeader | null; bytes: number }> {
  const file = await files.open(segment.path, 'read');
  try {
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const length = await file.read(bytes, 0);
    return { header: decodeSegmentHeader(bytes.subarray(0, length)), bytes: await file.bytes() };
  } finally {
    await file.close();
  }
}

/** A segment whose header never became durable has held no commit. */
async function removeUnborn(files: Files, segment: Segment, bytes: number): Promise<Repair> {
  await files.unlink(segment.path);
  await files.fsyncDirectory(dirname(segment.path));
  return { path: segment.path, position: 0, bytesCut: bytes, reason: 'the file was being made' };
}

/** Verifies every commit of the last segment, cuts off a torn one and leaves the file durable. */
async function recoverTail(
  state: PartitionState,
  segment: Segment,
  reader: CommitReader,
  announced: number | null,
): Promise<Repair | null> {
  const fileBytes = segment.bytes;
  let position = SEGMENT_HEADER_BYTES;
  let rewriteFrom = 0;
  let damage: Damage | null = null;
  state.end = segment.first;
  while (position < fileBytes) {
    const commit = await reader.commit(position, state.end);
    if (isDamage(commit)) {
      damage = commit;
      break;
    }
    segment.index.note(state.end, position);
    segment.lastTimeMs = commit.header.timeMs;
    state.end += commit.header.count;
    rewriteFrom = position;
    position += COMMIT_HEADER_BYTES + commit.body.length;
  }
  if (damage !== null) await assertTorn(segment, reader, position, fileBytes, damage);
  assertNothingLost(state, announced, position);
  if (damage !== null) await reader.file.truncate(position);
  segment.bytes = position;
  await makeDurable(reader.file, rewriteFrom, position);
  return damage === null
    ? null
    : { path: segment.path, position, bytesCut: fileBytes - position, reason: damage.damage };
}

/** Throws unless the damage at `position` can be that of one unfinished write. */
async function assertTorn(
  segment: Segment,
  reader: CommitReader,
  position: number,
  fileBytes: number,
  damage: Damage,
): Promise<void> {
  if (damage.claimedEnd !== null) {
    if (damage.claimedEnd >= fileBytes) return;
    throw corrupt(segment.path, position, `${damage.damage}, and more follows at byte ${damage.claimedEnd}`);
  }
  const found = await findCommit(reader, position);
  if (found === null) return;
  throw corrupt(segment.path, position, `${damage.damage}, and a commit follows at byte ${found}`);
}

function assertNothingLost(state: PartitionState, announced: number | null, position: number): void {
  if (announced === null || announced <= state.end) return;
  const lost = `records ${state.end} to ${announced - 1} were acknowledged and are gone`;
  const path = state.segments.at(-1)?.path ?? state.directory;
  throw corrupt(path, position, `${lost}; to go on without them, remove durable-end beside it`);
}

/** The first sound commit header at or after `from`, by searching every line; null where there is none. */
async function findCommit(reader: CommitReader, from: number): Promise<number | null> {
  for (let start = from; ; start += SCAN_BYTES) {
    // Looks a header further, so that one which straddles two looks is seen in the first.
    const bytes = await reader.view(start, SCAN_BYTES + COMMIT_HEADER_BYTES);
    for (let at = bytes.indexOf(COMMIT_MARK); at !== -1; at = bytes.indexOf(COMMIT_MARK, at + 1)) {
      const header = decodeCommitHeader(bytes.subarray(at, at + COMMIT_HEADER_BYTES), reader.salt);
      if (header !== null && header.position === start + at) return start + at;
    }
    if (bytes.length < SCAN_BYTES + COMMIT_HEADER_BYTES) return null;
  }
}

/**
 * Writes the last commit once more, byte for byte, and syncs. After a failed fsync the system may show bytes that it
 * will never write to the disk, and a later fsync would report success: only bytes written anew can be trusted.
 */
async function makeDurable(file: OpenFile, from: number, to: number): Promise<void> {
  const bytes = Buffer.alloc(to - from);
  await file.read(bytes, from);
  await file.write([bytes], from);
  await file.fsync();
}
