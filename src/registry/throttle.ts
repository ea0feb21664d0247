/**
 * Token bucket of one throttled agent: it holds at most one minute's calls and refills evenly. It moves on the
 * caller's clock, is no part of the fold, and starts full again after a restart.
 */
export interface Bucket {
  calls: number;
  atMs: number;
}

const MINUTE_MS = 60_000;

/** A full bucket. */
export function createBucket(callsPerMinute: number, nowMs: number): Bucket {
  return { calls: callsPerMinute, atMs: nowMs };
}

/** Takes one call out. 0: taken; else ms until one will be there. A clock that goes back refills nothing. */
export function takeCall(bucket: Bucket, callsPerMinute: number, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.calls = Math.min(callsPerMinute, bucket.calls + (elapsedMs * callsPerMinute) / MINUTE_MS);
  bucket.atMs = Math.max(bucket.atMs, nowMs);
  if (bucket.calls >= 1) {
    bucket.calls -= 1;
    return 0;
  }
  return Math.max(1, Math.ceil(((1 - bucket.calls) * MINUTE_MS) / callsPerMinute));
}
