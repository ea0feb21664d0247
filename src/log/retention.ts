/** Forgets the oldest segments of a partition: whole files, oldest first, never the one being written. */
import type { PartitionState } from './partition-state.js';
import type { Segment } from './segment.js';

export interface Retention {
  /** Most bytes of a partition; the oldest segments beyond go. */
  readonly retainBytesMax: number;
  /** A segment goes once its last commit is older than this, ms. */
  readonly retainAgeMs: number;
}

/** Removes what is due; returns how many segments. Records at or above `keepFrom` stay in any case. */
export async function removeDueSegments(
  state: PartitionState,
  retention: Retention,
  keepFrom: number,
  nowMs: number,
): Promise<number> {
  let bytes = state.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let removed = 0;
  for (; state.segments.length > 1; removed += 1) {
    const [oldest, next] = state.segments;
    const tooMuch = bytes > retention.retainBytesMax;
    const tooOld = oldest.lastTimeMs !== null && oldest.lastTimeMs < nowMs - retention.retainAgeMs;
    if (next.first > keepFrom || !(tooMuch || tooOld)) break;
    await removeOldest(state, oldest);
    bytes -= oldest.bytes;
  }
  return removed;
}

async function removeOldest(state: PartitionState, oldest: Segment): Promise<void> {
  // Unlisted first, so that a read which begins now is told the range instead of meeting a missing file.
  state.segments.shift();
  try {
    await state.files.unlink(oldest.path);
  } catch (error) {
    state.segments.unshift(oldest);
    throw error;
  }
  // After each one: a crash must not bring an older segment back without the newer one.
  await state.files.fsyncDirectory(state.directory);
}
