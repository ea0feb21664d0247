/** Rate limits: one token bucket per key, synchronous, on the caller's clock, bounded in memory. */
import type { Clock } from './contract.js';

interface Bucket {
  /** Calls left, may be a fraction. */
  level: number;
  atMs: number;
}

const MINUTE_MS = 60_000;
/** Beyond this the oldest key starts anew: a flood of addresses may win a fresh bucket, never more memory. */
const KEYS_MAX = 10_000;

export interface RateLimit {
  /** Takes one call of `key` at `perMinute`; 0 where it is allowed, else ms until the next one will be. */
  take(key: string, perMinute: number): number;
}

/** A bucket holds a tenth of a minute's calls (at least 10): bursts pass, the mean rate holds. */
export function createRateLimit(clock: Clock): RateLimit {
  const buckets = new Map<string, Bucket>();

  function refill(key: string, perMinute: number): Bucket {
    const nowMs = clock();
    const depth = Math.max(10, perMinute / 10);
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      if (buckets.size >= KEYS_MAX) buckets.delete(buckets.keys().next().value as string);
      bucket = { level: depth, atMs: nowMs };
      buckets.set(key, bucket);
      return bucket;
    }
    // A clock set back must not take what was already earned.
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.level = Math.min(depth, bucket.level + (elapsedMs * perMinute) / MINUTE_MS);
    bucket.atMs = nowMs;
    return bucket;
  }

  return {
    take(key, perMinute) {
      const bucket = refill(key, perMinute);
      if (bucket.level < 1) return Math.ceil(((1 - bucket.level) * MINUTE_MS) / perMinute);
      bucket.level -= 1;
      return 0;
    },
  };
}
