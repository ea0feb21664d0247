/**
 * The bounded table of agents. Profiles live in pages of pooled buffers; a profile that has to make room is handed
 * to the caller's shelf and comes back byte for byte. A flood of new ids cannot push out agents at work: once the
 * table is full a newcomer must be seen several times, and only an idle agent makes room.
 */
import { PROFILE_BYTES, type Profile } from './layout.js';
import { NameIndex } from './name-index.js';

/** Agents of a page, a power of two: so few pages for 100,000 agents that the way to a profile is a short one. */
const PAGE_AGENTS = 1 << 10;
const PAGE_SHIFT = 31 - Math.clz32(PAGE_AGENTS);
const PAGE_MASK = PAGE_AGENTS - 1;
/** From one profile to the next in a page: whole cache lines, so that what is used together stays in as few as it fits. */
const STEP_BYTES = Math.ceil(PROFILE_BYTES / 64) * 64;
/** Uses that a newcomer must show before it may displace an idle agent. */
const ADMIT_AFTER = 8;
/** An agent makes room only after this long without an event, ms. */
const IDLE_MS = 600_000;
const DOOR_SLOTS = 1 << 16;
/** Minutes of an hour: each agent is looked at in one of them (see AgentTable.due). */
const MINUTES = 60;

/** A use: time, ms, as f64; then the slots of the next newer and the next older use as i32, -1 at the ends. */
const USE_8 = 2;
const USE_4 = 4;
const NEWER = 2;
const OLDER = 3;

interface Uses {
  readonly usedMs: Float64Array;
  readonly links: Int32Array;
}

/** Room for the uses of so many slots. */
function createUses(slots: number): Uses {
  const usedMs = new Float64Array(slots * USE_8);
  return { usedMs, links: new Int32Array(usedMs.buffer) };
}

/** Who sits in a slot. */
export interface TableEntry {
  readonly tenant: string;
  readonly name: string;
  readonly bound: boolean;
  /** From agentKey. */
  readonly key: string;
  /** Minute of the hour in which the agent is looked at, 0 to 59. */
  readonly minute: number;
}

/** Stable text of an agent's key; unbound senders fill profiles of their own, apart from the bound ones. */
export function agentKey(tenant: string, name: string, bound: boolean): string {
  return bound ? `${tenant}\u0000${name}` : `${tenant}\u0000${name}\u0000unbound`;
}

function hashName(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Slots of agents and the pages of their profiles. */
export class AgentTable {
  agentsMax: number;
  /** By tenant; of agents whose senders are bound, and of the others. */
  private readonly bound = new Map<string, NameIndex>();
  private readonly unbound = new Map<string, NameIndex>();
  private readonly pages: { f64: Float64Array; f32: Float32Array; u32: Uint32Array }[] = [];
  private readonly entries: (TableEntry | null)[] = [];
  /** Names by slot, apart from the entries: looking one up reads no more than it must. */
  private readonly names: string[] = [];
  private readonly free: number[] = [];
  /** Least recently used list and time of use by slot, side by side because every event moves all of them. */
  private uses = createUses(64);
  private newest = -1;
  private oldest = -1;
  private readonly byMinute: Set<number>[] = Array.from({ length: MINUTES }, () => new Set());
  private readonly door = new Uint8Array(DOOR_SLOTS);
  private knocked = false;
  private count = 0;

  /** `seed`: of the hashes of names. */
  constructor(
    agentsMax: number,
    private readonly seed = 0,
  ) {
    this.agentsMax = agentsMax;
  }

  get size(): number {
    return this.count;
  }

  /** Bytes of profile pages now allocated. */
  get bytes(): number {
    return this.pages.length * PAGE_AGENTS * STEP_BYTES;
  }

  /** Agents that those pages have room for. */
  get room(): number {
    return this.pages.length * PAGE_AGENTS;
  }

  /** Slot of an agent, or -1. */
  find(tenant: string, name: string, bound: boolean): number {
    const names = (bound ? this.bound : this.unbound).get(tenant);
    return names === undefined ? -1 : names.find(name);
  }

  entry(slot: number): TableEntry {
    const entry = this.entries[slot];
    if (entry === null || entry === undefined) throw new Error(`no agent in slot ${slot}`);
    return entry;
  }

  aim(profile: Profile, slot: number): void {
    const page = this.pages[slot >>> PAGE_SHIFT];
    profile.f64 = page.f64;
    profile.f32 = page.f32;
    profile.u32 = page.u32;
    profile.at8 = ((slot & PAGE_MASK) * STEP_BYTES) / 8;
    profile.at4 = ((slot & PAGE_MASK) * STEP_BYTES) / 4;
  }

  /** The profile's bytes, in place. */
  raw(slot: number): Uint8Array {
    return new Uint8Array(this.pages[slot >>> PAGE_SHIFT].f64.buffer, (slot & PAGE_MASK) * STEP_BYTES, PROFILE_BYTES);
  }

  /** Slot of the agent used longest ago, -1 where there is none. */
  leastUsed(): number {
    return this.oldest;
  }

  /** Reads the use of an agent, which is about to move; see Profile.warm. */
  warm(slot: number): number {
    return this.uses.links[slot * USE_4 + NEWER] & 1;
  }

  /** Marks a use; time moves forward only. */
  touch(slot: number, timeMs: number): void {
    const { usedMs } = this.uses;
    if (timeMs > usedMs[slot * USE_8]) usedMs[slot * USE_8] = timeMs;
    if (this.newest === slot) return;
    this.unlink(slot);
    this.linkNewest(slot);
  }

  /**
   * Whether a newcomer may enter now. When the table is full this counts the newcomer's knocks and answers with the
   * slot that has to make room; -1: there is room; -2: refused. An agent that is `known` (on the shelf) only comes
   * back: it need not knock.
   */
  admit(key: string, isKnown: boolean, timeMs: number): number {
    if (this.count < this.agentsMax) return -1;
    if (isKnown) return this.oldest;
    const h = hashName(key) & (DOOR_SLOTS - 1);
    this.knocked = true;
    if (this.door[h] < 255) this.door[h]++;
    if (this.door[h] < ADMIT_AFTER || timeMs - this.usedAt(this.oldest) < IDLE_MS) return -2;
    return this.oldest;
  }

  /** Knocks are forgotten by halves, once an hour. */
  ageDoor(): void {
    if (!this.knocked) return;
    this.knocked = false;
    for (let i = 0; i < DOOR_SLOTS; i++) {
      this.door[i] >>>= 1;
      if (this.door[i] > 0) this.knocked = true;
    }
  }

  /** Enters an agent with a zeroed profile. There must be room. */
  insert(tenant: string, name: string, bound: boolean, timeMs: number): number {
    const slot = this.free.pop() ?? this.grow();
    const index = bound ? this.bound : this.unbound;
    let names = index.get(tenant);
    if (names === undefined) {
      names = new NameIndex(this.names, this.seed);
      index.set(tenant, names);
    }
    this.names[slot] = name;
    names.add(name, slot);
    const key = agentKey(tenant, name, bound);
    const minute = hashName(key) % MINUTES;
    this.entries[slot] = { tenant, name, bound, key, minute };
    this.raw(slot).fill(0);
    this.uses.usedMs[slot * USE_8] = timeMs;
    this.linkNewest(slot);
    this.byMinute[minute].add(slot);
    this.count++;
    return slot;
  }

  remove(slot: number): void {
    const { tenant, name, bound, minute } = this.entry(slot);
    (bound ? this.bound : this.unbound).get(tenant)?.remove(name);
    this.names[slot] = '';
    this.byMinute[minute].delete(slot);
    this.unlink(slot);
    this.entries[slot] = null;
    this.free.push(slot);
    this.count--;
  }

  /**
   * Agents to be looked at in this minute of the hour, by name, so that silence and closings cost little per tick and
   * do not depend on the order in which agents arrived.
   */
  due(minute: number): number[] {
    const slots = [...this.byMinute[minute % MINUTES]];
    return slots.sort((a, b) => {
      const x = this.key(a);
      const y = this.key(b);
      return x < y ? -1 : x > y ? 1 : 0;
    });
  }

  key(slot: number): string {
    return this.entry(slot).key;
  }

  /** All slots in use, oldest use first: the order a snapshot keeps. */
  *oldestFirst(): IterableIterator<number> {
    for (let slot = this.oldest; slot !== -1; slot = this.uses.links[slot * USE_4 + NEWER]) yield slot;
  }

  usedAt(slot: number): number {
    return this.uses.usedMs[slot * USE_8];
  }

  doorBytes(): Uint8Array {
    return this.door;
  }

  restoreDoor(bytes: Uint8Array): void {
    this.door.set(bytes);
    this.knocked = true;
  }

  private grow(): number {
    const slot = this.entries.length;
    if (slot >>> PAGE_SHIFT === this.pages.length) {
      const buffer = new ArrayBuffer(PAGE_AGENTS * STEP_BYTES);
      this.pages.push({ f64: new Float64Array(buffer), f32: new Float32Array(buffer), u32: new Uint32Array(buffer) });
    }
    this.entries.push(null);
    this.names.push('');
    if ((slot + 1) * USE_8 > this.uses.usedMs.length) {
      const larger = createUses(slot * 2);
      larger.links.set(this.uses.links);
      this.uses = larger;
    }
    return slot;
  }

  private linkNewest(slot: number): void {
    const { links } = this.uses;
    links[slot * USE_4 + OLDER] = this.newest;
    links[slot * USE_4 + NEWER] = -1;
    if (this.newest !== -1) links[this.newest * USE_4 + NEWER] = slot;
    this.newest = slot;
    if (this.oldest === -1) this.oldest = slot;
  }

  private unlink(slot: number): void {
    const { links } = this.uses;
    const n = links[slot * USE_4 + NEWER];
    const o = links[slot * USE_4 + OLDER];
    if (n !== -1) links[n * USE_4 + OLDER] = o;
    else if (this.newest === slot) this.newest = o;
    if (o !== -1) links[o * USE_4 + NEWER] = n;
    else if (this.oldest === slot) this.oldest = n;
  }
}
