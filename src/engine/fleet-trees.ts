/**
 * Delegation trees, joined by who works for whom: an agent that served one root and now serves another, and a tree that
 * is broader or deeper than on any of the 7 days before. Notices: trees grow for good reasons, too. Bounded: CHILDREN_MAX
 * agents that have a parent, ROOTS_MAX trees; a day's breadth is a bitmap of 512 bits (linear counting, Whang,
 * Vander-Zanden and Taylor, 1990), within a tenth up to 1,000 children.
 */
import { hash32 } from '../math/hash.js';
import type { EdgeRecord } from './signal.js';

const DAY_MS = 86_400_000;
/** Until so long after the stage's first edge, whatever is met was there before. */
const LEARNING_MS = DAY_MS;
const DAYS = 7;
const CHILDREN_MAX = 20_000;
const ROOTS_MAX = 2_000;
const BITS = 512;
const SEED = 0x74726565;
/** Children by which, and times of the largest day by which, a tree must be broader. */
const BROADER_BY = 8;
const BROADER_TIMES = 2;
/** Any agent may have children; children of children are a habit of its own. */
const DEPTH_MIN = 2;
/** Names that go round in circles end here. */
const DEPTH_MAX = 16;

/** A tree that changed. */
export interface TreeNews {
  readonly how: 'broader' | 'deeper' | 'shared';
  readonly tenant: string;
  /** The root of the tree; of 'shared' the agent that serves several. */
  readonly agent: string;
  /** Children in a day, levels, or roots served. */
  readonly observed: number;
  readonly expected: number;
  /** Of 'shared': the root that it serves now. */
  readonly other: string | null;
  readonly bound: boolean;
  readonly seenMs: number;
}

interface Child {
  /** Root of its parent. */
  readonly root: string;
  readonly depth: number;
  /** Serves several roots, and was told. */
  readonly isShared: boolean;
  readonly lastMs: number;
}

interface Day {
  readonly day: number;
  readonly bits: readonly number[];
  readonly depth: number;
  readonly told: readonly TreeNews['how'][];
}

/** What a watch goes on from, in the order of last use. */
export interface TreesJson {
  readonly startMs: number;
  readonly children: readonly (readonly [key: string, child: Child])[];
  readonly trees: readonly (readonly [key: string, days: readonly Day[]])[];
}

/** Who works for whom. */
export class TreeWatch {
  private startMs: number;
  /** By tenant and agent, the one seen last at the end. */
  private readonly children: Map<string, Child>;
  /** Days of a tree, oldest first, the last one running; by tenant and root. */
  private readonly trees: Map<string, readonly Day[]>;

  constructor(json?: TreesJson) {
    this.startMs = json?.startMs ?? 0;
    this.children = new Map(json?.children ?? []);
    this.trees = new Map(json?.trees ?? []);
  }

  /** Takes one edge by parent; what became known, the gravest first. */
  take(edge: EdgeRecord): TreeNews[] {
    const { timeMs } = edge;
    if (this.startMs === 0) this.startMs = timeMs;
    const isLearning = timeMs - this.startMs < LEARNING_MS;
    const parent = this.children.get(`${edge.tenant}\u0000${edge.key}`);
    // An agent in the same tree by its name has its root; of a stranger the parent's root is the root.
    const root = edge.root !== edge.agent ? edge.root : (parent?.root ?? edge.key);
    const depth = Math.min(DEPTH_MAX, (parent?.depth ?? 0) + 1);
    const shared = this.join(edge, root, depth);
    const grown = this.grow(edge, root, depth);
    return isLearning ? [] : [...shared, ...grown];
  }

  /** Whether one of two roots was seen to work for the other. */
  areKin(tenant: string, a: string, b: string): boolean {
    if (a.startsWith(`${b}/`) || b.startsWith(`${a}/`)) return true;
    const rootOf = (agent: string): string | undefined => this.children.get(`${tenant}\u0000${agent}`)?.root;
    return rootOf(a) === b || rootOf(b) === a;
  }

  snapshot(): TreesJson {
    return { startMs: this.startMs, children: [...this.children], trees: [...this.trees] };
  }

  private join({ tenant, agent, timeMs, bound }: EdgeRecord, root: string, depth: number): TreeNews[] {
    const key = `${tenant}\u0000${agent}`;
    const known = this.children.get(key);
    const before = known !== undefined && timeMs - known.lastMs < DAYS * DAY_MS ? known : undefined;
    const isSecond = before !== undefined && before.root !== root && !before.isShared;
    put(this.children, CHILDREN_MAX, key, {
      root: before?.root ?? root,
      depth: Math.max(depth, before?.depth ?? 0),
      isShared: isSecond || before?.isShared === true,
      lastMs: timeMs,
    });
    if (!isSecond) return [];
    return [{ how: 'shared', tenant, agent, observed: 2, expected: 1, other: root, bound, seenMs: timeMs }];
  }

  private grow({ tenant, agent, timeMs, bound }: EdgeRecord, root: string, depth: number): TreeNews[] {
    const key = `${tenant}\u0000${root}`;
    const day = Math.floor(timeMs / DAY_MS);
    const days = (this.trees.get(key) ?? []).filter((one) => one.day >= day - DAYS);
    const past = days.filter((one) => one.day < day);
    const today: Day = days.find((one) => one.day === day) ?? {
      day,
      bits: new Array(BITS / 32).fill(0),
      depth: 0,
      told: [],
    };
    const bits = marked(today.bits, agent);
    const widest = Math.max(0, ...past.map((one) => countOf(one.bits)));
    const deepest = Math.max(1, ...past.map((one) => one.depth));
    const breadth = countOf(bits);
    const news: TreeNews[] = [];
    const tell = (how: TreeNews['how'], observed: number, expected: number): void => {
      // A tree that grows in one way mostly grows in the other, too: once a day is enough.
      if (today.told.length > 0 || news.length > 0) return;
      news.push({ how, tenant, agent: root, observed, expected, other: null, bound, seenMs: timeMs });
    };
    if (depth >= DEPTH_MIN && depth > deepest) tell('deeper', depth, deepest);
    if (breadth >= widest + BROADER_BY && breadth >= widest * BROADER_TIMES) tell('broader', breadth, widest);
    const told = [...today.told, ...news.map(({ how }) => how)];
    put(this.trees, ROOTS_MAX, key, [...past, { day, bits, depth: Math.max(depth, today.depth), told }]);
    return news;
  }
}

function put<T>(map: Map<string, T>, max: number, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value as string);
}

/** The bitmap with a name's bit set. */
function marked(bits: readonly number[], name: string): readonly number[] {
  const bit = hash32(name, SEED) % BITS;
  const word = bit >>> 5;
  const mask = 1 << (bit & 31);
  if ((bits[word] & mask) !== 0) return bits;
  const next = [...bits];
  next[word] |= mask;
  return next;
}

/** Names in a bitmap, by how many of its bits are still clear: -m ln(clear / m). */
function countOf(bits: readonly number[]): number {
  let set = 0;
  for (const word of bits) for (let rest = word; rest !== 0; rest &= rest - 1) set++;
  const clear = Math.max(1, BITS - set);
  return Math.round(-BITS * Math.log(clear / BITS));
}
