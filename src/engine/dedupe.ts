/**
 * Event ids already met, as 64-bit hashes, so that a sender may safely send again. Two generations, turned over
 * every `keepMs` of the clock that they are told (an engine's is its partition's): an id is remembered for at least
 * that long and at most twice as long, unless more than `idsMax` ids arrive meanwhile (then generations turn earlier,
 * and that is counted).
 */
import type { AgentEvent } from '../event/event.js';
import { hash64 } from '../math/hash.js';

/** How long an engine remembers at least. */
export const DEDUPE_MS = 3_600_000;

/** Fills `hash` with the identity of an event: (tenant, agent, id), unbound senders apart. */
export function hashIdentity(
  event: Pick<AgentEvent, 'id' | 'tenant' | 'agent'>,
  bound: boolean,
  seed: number,
  hash: Uint32Array,
): void {
  hash64(event.id, seed, hash);
  // By index: an array pattern would go through an iterator, for every event.
  const hi = hash[0];
  const lo = hash[1];
  hash64(event.agent, (lo ^ (bound ? 0 : 1)) >>> 0, hash);
  hash[0] ^= hi;
  hash[1] ^= lo;
  if (event.tenant === '') return;
  const outerHi = hash[0];
  const outerLo = hash[1];
  hash64(event.tenant, outerLo, hash);
  hash[0] ^= outerHi;
  hash[1] ^= outerLo;
}

/** Two zero words mark an empty place; the one hash in 2^64 that looks so is moved aside. */
function placed(hi: number, lo: number): number {
  return hi === 0 && lo === 0 ? 1 : lo;
}

class Generation {
  private table = new Uint32Array(2 * 1024);
  size = 0;

  has(hi: number, lo: number): boolean {
    const mask = this.table.length / 2 - 1;
    for (let i = lo & mask; ; i = (i + 1) & mask) {
      const a = this.table[2 * i];
      const b = this.table[2 * i + 1];
      if (a === 0 && b === 0) return false;
      if (a === hi && b === lo) return true;
    }
  }

  add(hi: number, lo: number): void {
    if (this.size * 2 >= this.table.length / 2) this.grow();
    this.place(hi, lo);
    this.size++;
  }

  values(): Uint32Array {
    const out = new Uint32Array(2 * this.size);
    let at = 0;
    for (let i = 0; i < this.table.length; i += 2) {
      if (this.table[i] === 0 && this.table[i + 1] === 0) continue;
      out[at++] = this.table[i];
      out[at++] = this.table[i + 1];
    }
    return out;
  }

  private place(hi: number, lo: number): void {
    const mask = this.table.length / 2 - 1;
    let i = lo & mask;
    while (this.table[2 * i] !== 0 || this.table[2 * i + 1] !== 0) i = (i + 1) & mask;
    this.table[2 * i] = hi;
    this.table[2 * i + 1] = lo;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) if (old[i] !== 0 || old[i + 1] !== 0) this.place(old[i], old[i + 1]);
  }
}

/** The ids of about the last `keepMs` (an hour, where nobody says otherwise), at most 2 x idsMax. */
export class SeenIds {
  private current = new Generation();
  private previous = new Generation();
  private turnedMs = 0;
  idsMax: number;
  /** Turns that came before their time because the ids were too many: the horizon was shorter than stated. */
  earlyTurns = 0;

  constructor(
    idsMax: number,
    private readonly keepMs = DEDUPE_MS,
  ) {
    this.idsMax = idsMax;
  }

  get size(): number {
    return this.current.size + this.previous.size;
  }

  has(hi: number, lo: number): boolean {
    const low = placed(hi, lo);
    return this.current.has(hi, low) || this.previous.has(hi, low);
  }

  /** Notes an id that was not there. */
  add(hi: number, lo: number): void {
    if (this.current.size >= this.idsMax) {
      this.earlyTurns++;
      this.turn();
    }
    this.current.add(hi, placed(hi, lo));
  }

  /** One turn at the most, however far the clock jumps: what was sent before an outage may be sent again after it. */
  advance(timeMs: number): void {
    if (this.turnedMs !== 0 && timeMs - this.turnedMs < this.keepMs) return;
    if (this.turnedMs !== 0) this.turn();
    this.turnedMs = timeMs;
  }

  snapshot(): { turnedMs: number; current: Uint32Array; previous: Uint32Array } {
    return { turnedMs: this.turnedMs, current: this.current.values(), previous: this.previous.values() };
  }

  restore(turnedMs: number, current: Uint32Array, previous: Uint32Array): void {
    this.turnedMs = turnedMs;
    for (let i = 0; i < current.length; i += 2) this.current.add(current[i], current[i + 1]);
    for (let i = 0; i < previous.length; i += 2) this.previous.add(previous[i], previous[i + 1]);
  }

  private turn(): void {
    this.previous = this.current;
    this.current = new Generation();
  }
}
