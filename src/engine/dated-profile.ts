/**
 * A reset to what an agent's profile was at some time. What it knew then it knows again; what is running now (clocks,
 * open buckets, today's spend and pages) goes on, so that the time between is neither lived again nor taken for silence.
 */
import { F, LAYOUT, PROFILE_BYTES, type Profile } from '../agent/layout.js';
import { LAYOUT_DIGEST } from '../agent/layout-digest.js';
import { pack, unpack } from '../math/packed.js';
import type { DatedProfile } from './record.js';

/** Fields that go on as they are. */
const RUNNING: ReadonlySet<string> = new Set([
  'lastMs',
  'events',
  'sessions',
  'daySpend',
  'lastForestMs',
  'windowCurrent',
  'windowPrevious',
  'windowIndex',
  'spendCurrent',
  'spendPrevious',
  'spendIndex',
  'rampCount',
  'rampMinute',
  'rampBlockSum',
  'rampBlockSize',
  'rampHourSum',
  'rampHourSize',
  'paceUp',
  'paceRate',
  'paceSpread',
  'day',
  'flags',
]);
/** The running day's maxima: those of then belong to another day, those of now are what the reset is to be rid of. */
const CLEARED: ReadonlySet<string> = new Set(['dayMax', 'dayFused']);
/** No model has this stamp: laws are computed anew under the one in force. */
const STALE = 0;

/** Whether the bytes are profiles of this version's layout. */
export function isFit({ layout, bound, unbound }: DatedProfile): boolean {
  return layout === LAYOUT_DIGEST && [bound, unbound].every((text) => text === null || wordsOf(text) !== null);
}

/** A profile's bytes as a record carries them. */
export function packProfile(bytes: Uint8Array): string {
  return pack(new Float64Array(bytes.slice(0, PROFILE_BYTES).buffer));
}

/** The words of a profile that a record carries; null: it is no profile of this size. */
export function wordsOf(text: string): Uint32Array | null {
  const numbers = new Float64Array(PROFILE_BYTES / 8);
  return unpack(text, numbers) ? new Uint32Array(numbers.buffer) : null;
}

/** Makes a profile what it was `then`; `now` are its words as they were before the reset. */
export function recall(p: Profile, then: Uint32Array, now: Uint32Array): void {
  for (const { name, view, count, byte, step } of LAYOUT) {
    const words = view === 'f64' ? 2 : 1;
    for (let at = byte; at < byte + count * step; at += step) {
      const from = at / 4;
      if (CLEARED.has(name)) p.u32.fill(0, p.at4 + from, p.at4 + from + words);
      else p.u32.set((RUNNING.has(name) ? now : then).subarray(from, from + words), p.at4 + from);
    }
  }
  p.u32[p.at4 + F.modelStamp] = STALE;
}
