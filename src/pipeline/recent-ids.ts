/**
 * The ids that were written lately, so that what a sender repeats is dropped before the log. An id is remembered only
 * once its event is durable: what failed on the way may be sent again. It forgets with the process; an engine drops
 * what comes twice within an hour anyway.
 */
import { hashIdentity, SeenIds } from '../engine/dedupe.js';
import type { AgentEvent } from '../event/event.js';

export interface RecentIdsOptions {
  /** An id is remembered for this long at least and twice as long at most, ms of the wall clock. */
  readonly keepMs: number;
  /** Remembered at most: the oldest half goes first, before its time. */
  readonly idsMax: number;
  /** A secret one keeps senders from crafting ids that look like somebody else's. */
  readonly seed: number;
}

/** Hashes met in one call and not before; they join the remembered ones when what they stand for is durable. */
export class FreshHashes {
  private readonly fresh: number[] = [];
  /** By the upper 53 bits, which a number holds exactly: where in `fresh` it stands. */
  private readonly places = new Map<number, number>();

  constructor(private readonly seen: SeenIds) {}

  /** False: it was met before, or in this call. */
  admit(hash: Uint32Array): boolean {
    // By index: an array pattern would go through an iterator, for every event.
    const hi = hash[0];
    const lo = hash[1];
    if (this.seen.has(hi, lo)) return false;
    const { fresh } = this;
    const key = hi * 0x200000 + (lo >>> 11);
    const place = this.places.get(key);
    if (place !== undefined && fresh[place] === hi && fresh[place + 1] === lo) return false;
    this.places.set(key, fresh.length);
    fresh.push(hi, lo);
    return true;
  }

  keep(): void {
    const { fresh, seen } = this;
    for (let i = 0; i < fresh.length; i += 2) {
      // Another call may have met the same meanwhile.
      if (!seen.has(fresh[i], fresh[i + 1])) seen.add(fresh[i], fresh[i + 1]);
    }
  }
}

/** The ids of one call. */
export interface IdRound {
  /** False: it was written lately, or stands in this call already. */
  admit(event: AgentEvent, bound: boolean): boolean;
  /** All that was admitted is durable. */
  keep(): void;
}

export class RecentIds {
  private readonly ids: SeenIds;
  private readonly hash = new Uint32Array(2);

  constructor(private readonly options: RecentIdsOptions) {
    this.ids = new SeenIds(Math.max(1, Math.floor(options.idsMax / 2)), options.keepMs);
  }

  get size(): number {
    return this.ids.size;
  }

  /** How often ids had to go before their time: the horizon was shorter than stated. */
  get earlyTurns(): number {
    return this.ids.earlyTurns;
  }

  begin(nowMs: number): IdRound {
    this.ids.advance(nowMs);
    const { hash } = this;
    const { seed } = this.options;
    const fresh = new FreshHashes(this.ids);
    return {
      admit(event, bound) {
        hashIdentity(event, bound, seed, hash);
        return fresh.admit(hash);
      },
      keep: () => fresh.keep(),
    };
  }
}
