/**
 * Room learn/: grows isolation forests, from a batch or from a stream. Pure and seeded: the same rows and the same
 * generator give the same forest.
 *
 * From a stream the forest rotates: learned rows pass through a ring, and every `rebuildEvery` of them the oldest tree
 * makes room for a new one, grown from psi random rows of the ring. So the forest follows its agents at the ring's
 * pace and never stands still to be trained. The caller thins the stream out (1 row in 16): neighbouring rows of a
 * burst are nearly the same, and a ring full of one burst would make that burst normal.
 */
import {
  averagePathLength,
  CUTS,
  createForest,
  depthMax,
  type Forest,
  type ForestJson,
  type ForestRejection,
  forestFromJson,
  forestToJson,
  isWhole,
  LEAF,
  type Rows,
  rejectForest,
} from '../detect/forest.js';
import { pack, unpack } from '../math/packed.js';

/** Trees of a forest. */
export const TREES = 32;
/** Rows that a tree is grown from. */
export const PSI = 128;
/** Rows that a ring holds. */
export const RING_ROWS = 4096;

/** Room on either side of a node's rows that still is acceptable, as a part of their range (decision 0004). */
const MARGIN = 0.25;
/** Most numbers that a restored ring may hold. */
const RING_NUMBERS_MAX = 16_777_216;

/** The only part of a generator that growing needs: uniform in [0, 1). */
export interface Uniform {
  next(): number;
}

/** The last rows learned, oldest overwritten first. */
export interface Ring {
  readonly capacity: number;
  readonly dims: number;
  /** capacity x dims, row after row. */
  readonly rows: Float64Array;
  /** Rows held, up to capacity. */
  count: number;
  /** Where the next row goes. */
  next: number;
}

/** A forest that learns from a stream. */
export interface Rotation {
  readonly forest: Forest;
  readonly ring: Ring;
  /** Learned rows from one rebuilt tree to the next. */
  readonly rebuildEvery: number;
  /** Rows learned since the last rebuild. */
  pending: number;
  /** The tree to be rebuilt next. */
  oldest: number;
}

/** What a rotation is made with. */
export interface RotationOptions {
  readonly dims: number;
  readonly trees?: number;
  readonly psi?: number;
  /** Rows of the ring; psi where less is asked for. */
  readonly capacity?: number;
  /** By default capacity/trees: when every tree has been rebuilt once, so has the ring. */
  readonly rebuildEvery?: number;
}

/** An empty ring. */
export function createRing(capacity: number, dims: number): Ring {
  return { capacity, dims, rows: new Float64Array(capacity * dims), count: 0, next: 0 };
}

/** A rotation that has learned nothing. */
export function createRotation(options: RotationOptions): Rotation {
  const { dims, trees = TREES, psi = PSI, capacity = RING_ROWS } = options;
  const rebuildEvery = options.rebuildEvery ?? Math.max(1, Math.floor(capacity / trees));
  return {
    forest: createForest(dims, trees, psi),
    ring: createRing(Math.max(capacity, psi), dims),
    rebuildEvery,
    pending: 0,
    oldest: 0,
  };
}

/**
 * Learns `rows` (row after row, a multiple of dims) in order. All trees are grown when the ring first holds psi rows;
 * from then on one is rebuilt every `rebuildEvery` rows. A row with a value that is not finite is left out. Returns
 * how many rows were learned. Cut anywhere: learning two parts one after the other equals learning the whole.
 */
export function rotate(rotation: Rotation, rows: Rows, random: Uniform): number {
  const { forest, ring } = rotation;
  let learned = 0;
  for (let offset = 0; offset < rows.length; offset += forest.dims) {
    if (!push(ring, rows, offset)) continue;
    learned++;
    if (!forest.grown) {
      if (ring.count >= forest.psi) growAll(forest, ring.rows, ring.count, random);
    } else if (++rotation.pending >= rotation.rebuildEvery) {
      growTree(forest, rotation.oldest, ring.rows, ring.count, random);
      rotation.oldest = (rotation.oldest + 1) % forest.trees;
      rotation.pending = 0;
    }
  }
  return learned;
}

/**
 * A forest grown from a batch: `rows` holds row after row, every value finite. psi is cut to the number of rows; from
 * fewer than two rows nothing can be learned and the forest stays ungrown.
 */
export function growForest(
  rows: Float64Array,
  dims: number,
  random: Uniform,
  options: { readonly trees?: number; readonly psi?: number } = {},
): Forest {
  const { trees = TREES, psi = PSI } = options;
  const count = Math.floor(rows.length / dims);
  const forest = createForest(dims, trees, Math.max(2, Math.min(psi, count)));
  if (count >= 2) growAll(forest, rows, count, random);
  return forest;
}

/** A rotation as plain JSON: forest, ring and counters; the generator's state is the caller's. */
export interface RotationJson {
  readonly forest: ForestJson;
  readonly capacity: number;
  readonly count: number;
  readonly next: number;
  /** The `count` rows held. */
  readonly rows: string;
  readonly rebuildEvery: number;
  readonly pending: number;
  readonly oldest: number;
}

/** A rotation as plain JSON: forest, ring and counters; the generator's state is the caller's. */
export function rotationToJson(rotation: Rotation): RotationJson {
  const { forest, ring, rebuildEvery, pending, oldest } = rotation;
  const { capacity, count, next } = ring;
  const rows = pack(ring.rows.subarray(0, count * ring.dims));
  return { forest: forestToJson(forest), capacity, count, next, rows, rebuildEvery, pending, oldest };
}

/** Restores a rotation bit for bit: with the generator's state restored too, it goes on as if never cut. */
export function rotationFromJson(json: unknown): Rotation | ForestRejection {
  if (typeof json !== 'object' || json === null) return rejectForest('the rotation is not an object');
  const from = json as Partial<Record<keyof RotationJson, unknown>>;
  const forest = forestFromJson(from.forest);
  if ('rejected' in forest) return forest;
  const { capacity, count, next, rebuildEvery, pending, oldest } = from;
  const rowsMax = Math.floor(RING_NUMBERS_MAX / forest.dims);
  if (!isWhole(capacity, forest.psi, rowsMax)) return rejectForest(`capacity is ${String(capacity)}`);
  if (!isWhole(count, 0, capacity)) return rejectForest(`count is ${String(count)}`);
  if (!isWhole(next, 0, capacity - 1) || (count < capacity && next !== count))
    return rejectForest(`next is ${String(next)}`);
  if (!isWhole(rebuildEvery, 1, Number.MAX_SAFE_INTEGER))
    return rejectForest(`rebuildEvery is ${String(rebuildEvery)}`);
  if (!isWhole(pending, 0, rebuildEvery - 1)) return rejectForest(`pending is ${String(pending)}`);
  if (!isWhole(oldest, 0, forest.trees - 1)) return rejectForest(`oldest is ${String(oldest)}`);
  const ring = createRing(capacity, forest.dims);
  if (!unpack(from.rows, ring.rows.subarray(0, count * forest.dims)))
    return rejectForest(`rows does not hold ${count} rows`);
  ring.count = count;
  ring.next = next;
  return { forest, ring, rebuildEvery, pending, oldest };
}

/** Rebuilds one tree from psi random rows, without replacement, of the `count` rows given. */
export function growTree(forest: Forest, tree: number, rows: Float64Array, count: number, random: Uniform): void {
  const { psi, nodesMax } = forest;
  const begin = tree * nodesMax;
  forest.feature.fill(LEAF, begin, begin + nodesMax);
  forest.cuts.fill(0, begin * CUTS, (begin + nodesMax) * CUTS);
  forest.right.fill(0, begin, begin + nodesMax);
  const sample = sampleOffsets(count, Math.min(psi, count), forest.dims, random);
  growNode({ forest, rows, sample, random, limit: depthMax(psi), slot: begin }, 0, sample.length, 0);
}

function growAll(forest: Forest, rows: Float64Array, count: number, random: Uniform): void {
  for (let tree = 0; tree < forest.trees; tree++) growTree(forest, tree, rows, count, random);
  forest.grown = true;
}

function push(ring: Ring, rows: Rows, offset: number): boolean {
  const { dims } = ring;
  for (let i = 0; i < dims; i++) if (!Number.isFinite(rows[offset + i])) return false;
  const begin = ring.next * dims;
  for (let i = 0; i < dims; i++) ring.rows[begin + i] = rows[offset + i];
  ring.next = (ring.next + 1) % ring.capacity;
  if (ring.count < ring.capacity) ring.count++;
  return true;
}

/** Offsets of `size` different rows out of `count`: the head of a Fisher-Yates shuffle. */
function sampleOffsets(count: number, size: number, dims: number, random: Uniform): Int32Array {
  const offsets = new Int32Array(count);
  for (let i = 0; i < count; i++) offsets[i] = i * dims;
  for (let i = 0; i < size; i++) {
    const other = i + Math.floor(random.next() * (count - i));
    const offset = offsets[other];
    offsets[other] = offsets[i];
    offsets[i] = offset;
  }
  return offsets.subarray(0, size);
}

/** One tree in the making. */
interface Growth {
  readonly forest: Forest;
  readonly rows: Float64Array;
  /** Row offsets; a node owns a stretch of it. */
  readonly sample: Int32Array;
  readonly random: Uniform;
  readonly limit: number;
  /** Where the next node goes. */
  slot: number;
}

/** Grows the node that owns sample[begin..end), and all below it, depth first. */
function growNode(growth: Growth, begin: number, end: number, depth: number): void {
  const { forest, random } = growth;
  const node = growth.slot++;
  const split = depth < growth.limit ? drawFeature(growth, begin, end) : LEAF;
  if (split === LEAF) {
    forest.cuts[node * CUTS] = depth + averagePathLength(end - begin);
    return;
  }
  const [low, high] = range(growth, begin, end, split);
  // next() may be 0 and sums round: the threshold must lie above low and not above high, so that no side is empty.
  const drawn = low + (high - low) * random.next();
  const threshold = drawn > low && drawn <= high ? drawn : high;
  const middle = partition(growth, begin, end, split, threshold);
  forest.feature[node] = split;
  const margin = MARGIN * (high - low);
  forest.cuts.set([threshold, low - margin, high + margin], node * CUTS);
  growNode(growth, begin, middle, depth + 1);
  forest.right[node] = growth.slot;
  growNode(growth, middle, end, depth + 1);
}

/** One of the features that differ among the node's rows, each as likely; LEAF where none does. */
function drawFeature(growth: Growth, begin: number, end: number): number {
  const { rows, sample } = growth;
  const first = sample[begin];
  const varied: number[] = [];
  for (let f = 0; f < growth.forest.dims; f++) {
    for (let i = begin + 1; i < end; i++) {
      if (rows[sample[i] + f] === rows[first + f]) continue;
      varied.push(f);
      break;
    }
  }
  return varied.length === 0 ? LEAF : varied[Math.floor(growth.random.next() * varied.length)];
}

function range(growth: Growth, begin: number, end: number, feature: number): [number, number] {
  const { rows, sample } = growth;
  let low = rows[sample[begin] + feature];
  let high = low;
  for (let i = begin + 1; i < end; i++) {
    const value = rows[sample[i] + feature];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Moves the rows below the threshold to the front of the stretch and returns where the others begin. */
function partition(growth: Growth, begin: number, end: number, feature: number, threshold: number): number {
  const { rows, sample } = growth;
  let middle = begin;
  for (let i = begin; i < end; i++) {
    const offset = sample[i];
    if (rows[offset + feature] >= threshold) continue;
    sample[i] = sample[middle];
    sample[middle++] = offset;
  }
  return middle;
}
