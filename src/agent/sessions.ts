/**
 * The bounded table of running sessions, beside the profiles: one fixed-size row a session, chained per agent and in
 * one list from least to most recently used. When it is full the least recently used session is ended early.
 */

/** Novel things remembered per session, so that each counts once. */
export const NOVEL_SLOTS = 12;

/** Offsets of a row in the f64 view. */
export const S = {
  lastMs: 0,
  costUsd: 1,
  /** Sum of surprise at novel things, nats. */
  novelty: 2,
  events: 3,
  F64: 4,
} as const;

/** Offsets of a row in the u32 view. */
export const U = {
  agent: 0,
  hash: 1,
  /** Failures in a row of one endpoint, and its hash. */
  errorRun: 2,
  errorEndpoint: 3,
  /** New things noted in `novel`, the latest NOVEL_SLOTS of them kept. */
  novelCount: 4,
  /** New things that added surprise. */
  surprises: 5,
  /** Endpoints never seen before this session. */
  firsts: 6,
  /** Number of the session among its agent's. */
  ordinal: 7,
  /** Sub-agents started. */
  spawns: 8,
  /** Whether it held a target that the agent has adopted, and how many that nobody knows. */
  company: 9,
  strangers: 10,
  /** Hash of the target that nobody knows whose call fell over last, with its endpoint's; 0: none. */
  fallen: 11,
  novel: 12,
  U32: 12 + NOVEL_SLOTS,
} as const;

const NONE = -1;

/** Rows of running sessions; -1 stands for no row. */
export class SessionTable {
  sessionsMax: number;
  f64 = new Float64Array(64 * S.F64);
  u32 = new Uint32Array(64 * U.U32);
  private chainNext = new Int32Array(64);
  private newer = new Int32Array(64);
  private older = new Int32Array(64);
  /** First session of an agent, by agent slot. */
  private readonly heads: number[] = [];
  private readonly free: number[] = [];
  private used = 0;
  private newest = NONE;
  private oldest = NONE;
  private count = 0;

  constructor(sessionsMax: number) {
    this.sessionsMax = sessionsMax;
  }

  get size(): number {
    return this.count;
  }

  get bytes(): number {
    return this.f64.byteLength + this.u32.byteLength + 3 * this.chainNext.byteLength;
  }

  /** Row of a running session of an agent, or -1. */
  find(agent: number, hash: number): number {
    for (let row = this.head(agent); row !== NONE; row = this.chainNext[row]) {
      if (this.u32[row * U.U32 + U.hash] === hash) return row;
    }
    return NONE;
  }

  head(agent: number): number {
    const head = this.heads[agent];
    return head === undefined ? NONE : head;
  }

  /** Slot of the agent whose session it is. */
  ownerOf(row: number): number {
    return this.u32[row * U.U32 + U.agent];
  }

  next(row: number): number {
    return this.chainNext[row];
  }

  /** The least recently used session when there is no room for another, else -1: end it before opening one. */
  full(): number {
    return this.count < this.sessionsMax ? NONE : this.oldest;
  }

  open(agent: number, hash: number, timeMs: number): number {
    const row = this.free.pop() ?? this.grow();
    this.f64.fill(0, row * S.F64, (row + 1) * S.F64);
    this.u32.fill(0, row * U.U32, (row + 1) * U.U32);
    this.f64[row * S.F64 + S.lastMs] = timeMs;
    this.u32[row * U.U32 + U.agent] = agent;
    this.u32[row * U.U32 + U.hash] = hash;
    this.chainNext[row] = this.head(agent);
    this.heads[agent] = row;
    this.linkNewest(row);
    this.count++;
    return row;
  }

  touch(row: number, timeMs: number): void {
    if (timeMs > this.f64[row * S.F64 + S.lastMs]) this.f64[row * S.F64 + S.lastMs] = timeMs;
    if (this.newest === row) return;
    this.unlink(row);
    this.linkNewest(row);
  }

  close(row: number): void {
    const agent = this.u32[row * U.U32 + U.agent];
    if (this.heads[agent] === row) {
      this.heads[agent] = this.chainNext[row];
    } else {
      let before = this.heads[agent];
      while (this.chainNext[before] !== row) before = this.chainNext[before];
      this.chainNext[before] = this.chainNext[row];
    }
    this.unlink(row);
    this.free.push(row);
    this.count--;
  }

  /** Rows in use, least recently used first. */
  *oldestFirst(): IterableIterator<number> {
    for (let row = this.oldest; row !== NONE; row = this.newer[row]) yield row;
  }

  /** Rows of one agent in chain order. */
  rowsOf(agent: number): number[] {
    const rows: number[] = [];
    for (let row = this.head(agent); row !== NONE; row = this.chainNext[row]) rows.push(row);
    return rows;
  }

  private grow(): number {
    const row = this.used++;
    if (row === this.chainNext.length) {
      const rows = row * 2;
      this.f64 = resized(this.f64, new Float64Array(rows * S.F64));
      this.u32 = resized(this.u32, new Uint32Array(rows * U.U32));
      this.chainNext = resized(this.chainNext, new Int32Array(rows));
      this.newer = resized(this.newer, new Int32Array(rows));
      this.older = resized(this.older, new Int32Array(rows));
    }
    return row;
  }

  private linkNewest(row: number): void {
    this.older[row] = this.newest;
    this.newer[row] = NONE;
    if (this.newest !== NONE) this.newer[this.newest] = row;
    this.newest = row;
    if (this.oldest === NONE) this.oldest = row;
  }

  private unlink(row: number): void {
    const n = this.newer[row];
    const o = this.older[row];
    if (n !== NONE) this.older[n] = o;
    else if (this.newest === row) this.newest = o;
    if (o !== NONE) this.newer[o] = n;
    else if (this.oldest === row) this.oldest = n;
  }
}

function resized<T extends Float64Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
