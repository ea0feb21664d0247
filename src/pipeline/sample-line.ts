/**
 * Samples on their way from a partition to the learner, one a line, and between them the ends of learning windows: a
 * window of a partition is everything before its line.
 */

import type { Sample } from '../engine/outcome.js';
import { KilldeerError } from '../errors.js';

export interface WindowEnd {
  readonly kind: 'window';
  /** The partition's tick has reached this multiple of the window, ms. */
  readonly endMs: number;
}

export function encodeSample(sample: Sample | WindowEnd): string {
  return JSON.stringify(sample);
}

/** Throws 'log.corrupt': only partitions write these lines. */
export function decodeSample(line: string, name: string): Sample | WindowEnd {
  try {
    const value = JSON.parse(line) as Sample | WindowEnd;
    if (typeof value.kind === 'string') return value;
  } catch {
    // Told below with its place.
  }
  throw new KilldeerError('log.corrupt', `${name} is no sample`);
}

/** End of the window that a tick is in the next of, ms: the last multiple of `everyMs` that it has reached. */
export function windowEnd(timeMs: number, everyMs: number): number {
  return Math.floor(timeMs / everyMs) * everyMs;
}

/** Whether the tick closes a window, and which: its end; null: none. The first tick opens the first window. */
export function closedWindow(beforeMs: number, timeMs: number, everyMs: number): number | null {
  if (beforeMs === 0 || timeMs <= beforeMs) return null;
  const end = windowEnd(timeMs, everyMs);
  return end > windowEnd(beforeMs, everyMs) ? end : null;
}
