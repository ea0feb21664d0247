/**
 * The bounded table of running sessions, beside the profiles: one fixed-size row a session, chained per agent and in
 * one list from least to most recently used. When it is full the least recently used session is ended early.
 */

/** Novel things remembered per session, so that each counts once. */
export const NOVEL_SLOTS = 12;

/** Offsets in a row as f64. */
export const S = {
  lastMs: 0,
  costUsd: 1,
  /** Sum of surprise at novel things, nats. */
  novelty: 2,
  events: 3,
  /** Length of a row: two cache lines, what every event needs in the first of them. */
  ROW: 16,
} as const;

/** Offsets in a row as u32, behind the numbers. */
export const U = {
  agent: 8,
  hash: 9,
  /** Failures in a row of one endpoint, and its hash. */
  errorRun: 10,
  errorEndpoint: 11,
  /** New things noted in `novel`, the latest NOVEL_SLOTS of them kept. */
  novelCount: 12,
  /** New things that added surprise. */
  surprises: 13,
  /** Endpoints never seen before this session. */
  firsts: 14,
  /** Number of the session among its agent's. */
  ordinal: 15,
  /** Sub-agents started. */
  spawns: 16,
  /** Whether it held a target that the agent has adopted, and how many that nobody knows. */
  company: 17,
  strangers: 18,
  /** Hash of the target that nobody knows whose call fell over last, with its endpoint's; 0: none. */
  fallen: 19,
  novel: 20,
  ROW: 32,
} as const;

const ROW_BYTES = 4 * U.ROW;
/** Bytes of a row that say anything: what a snapshot and the shelf keep of a session. */
export const SESSION_BYTES = 4 * (U.novel + NOVEL_SLOTS);

/** Links of a row: its agent's next session, and the next newer and next older use of all. */
const LINKS = 4;
const NEXT = 0;
const NEWER = 1;
const OLDER = 2;

const NONE = -1;

/** Rows of running sessions; -1 stands for no row. */
export class SessionTable {
  sessionsMax: number;
  /** The rows, as f64 and as u32. */
  f64 = new Float64Array(64 * S.ROW);
  u32 = new Uint32Array(this.f64.buffer);
  private links = new Int32Array(64 * LINKS);
  /** First session of an agent, by agent slot. */
  private heads = new Int32Array(64).fill(NONE);
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
    return this.f64.byteLength + this.links.byteLength;
  }

  /** Row of a running session of an agent, or -1. */
  find(agent: number, hash: number): number {
    for (let row = this.head(agent); row !== NONE; row = this.links[row * LINKS + NEXT]) {
      if (this.u32[row * U.ROW + U.hash] === hash) return row;
    }
    return NONE;
  }

  /** Reads what an event of the agent is likely to need of its latest session; see Profile.warm. */
  warm(agent: number): number {
    const row = this.head(agent);
    return row === NONE ? 0 : (this.u32[row * U.ROW] ^ this.links[row * LINKS]) & 1;
  }

  head(agent: number): number {
    return agent < this.heads.length ? this.heads[agent] : NONE;
  }

  /** Slot of the agent whose session it is. */
  ownerOf(row: number): number {
    return this.u32[row * U.ROW + U.agent];
  }

  next(row: number): number {
    return this.links[row * LINKS + NEXT];
  }

  /** The least recently used session when there is no room for another, else -1: end it before opening one. */
  full(): number {
    return this.count < this.sessionsMax ? NONE : this.oldest;
  }

  open(agent: number, hash: number, timeMs: number): number {
    const row = this.free.pop() ?? this.grow();
    this.u32.fill(0, row * U.ROW, (row + 1) * U.ROW);
    this.f64[row * S.ROW + S.lastMs] = timeMs;
    this.u32[row * U.ROW + U.agent] = agent;
    this.u32[row * U.ROW + U.hash] = hash;
    this.links[row * LINKS + NEXT] = this.head(agent);
    this.setHead(agent, row);
    this.linkNewest(row);
    this.count++;
    return row;
  }

  touch(row: number, timeMs: number): void {
    if (timeMs > this.f64[row * S.ROW + S.lastMs]) this.f64[row * S.ROW + S.lastMs] = timeMs;
    if (this.newest === row) return;
    this.unlink(row);
    this.linkNewest(row);
  }

  close(row: number): void {
    const agent = this.u32[row * U.ROW + U.agent];
    const { links } = this;
    const next = links[row * LINKS + NEXT];
    if (this.heads[agent] === row) {
      this.heads[agent] = next;
    } else {
      let before = this.heads[agent];
      while (links[before * LINKS + NEXT] !== row) before = links[before * LINKS + NEXT];
      links[before * LINKS + NEXT] = next;
    }
    this.unlink(row);
    this.free.push(row);
    this.count--;
  }

  /** Rows in use, least recently used first. */
  *oldestFirst(): IterableIterator<number> {
    for (let row = this.oldest; row !== NONE; row = this.links[row * LINKS + NEWER]) yield row;
  }

  /** Rows of one agent in chain order. */
  rowsOf(agent: number): number[] {
    const rows: number[] = [];
    for (let row = this.head(agent); row !== NONE; row = this.links[row * LINKS + NEXT]) rows.push(row);
    return rows;
  }

  /** A row's bytes, in place. */
  raw(row: number): Uint8Array {
    return new Uint8Array(this.f64.buffer, row * ROW_BYTES, SESSION_BYTES);
  }

  private setHead(agent: number, row: number): void {
    if (agent >= this.heads.length) {
      const larger = new Int32Array(2 * agent).fill(NONE);
      larger.set(this.heads);
      this.heads = larger;
    }
    this.heads[agent] = row;
  }

  private grow(): number {
    const row = this.used++;
    if (row * LINKS === this.links.length) {
      const u32 = new Uint32Array(2 * row * U.ROW);
      u32.set(this.u32);
      this.u32 = u32;
      this.f64 = new Float64Array(u32.buffer);
      const links = new Int32Array(2 * row * LINKS);
      links.set(this.links);
      this.links = links;
    }
    return row;
  }

  private linkNewest(row: number): void {
    const { links } = this;
    links[row * LINKS + OLDER] = this.newest;
    links[row * LINKS + NEWER] = NONE;
    if (this.newest !== NONE) links[this.newest * LINKS + NEWER] = row;
    this.newest = row;
    if (this.oldest === NONE) this.oldest = row;
  }

  private unlink(row: number): void {
    const { links } = this;
    const n = links[row * LINKS + NEWER];
    const o = links[row * LINKS + OLDER];
    if (n !== NONE) links[n * LINKS + OLDER] = o;
    else if (this.newest === row) this.newest = o;
    if (o !== NONE) links[o * LINKS + NEWER] = n;
    else if (this.oldest === row) this.oldest = n;
  }
}
