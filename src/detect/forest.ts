/**
 * Room detect/: the isolation forest that judges many features together (F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation
 * Forest, ICDM 2008). Pure: scores and explains; learn/grow-forest.ts grows.
 *
 * A plain isolation forest cannot look beyond its sample: a row ten deviations out takes the same path as the sample's
 * own extreme. Here every split also has an acceptable range, the node's rows and a margin (after F. T. Liu et al., On
 * Detecting Clustered Anomalies Using SCiForest, ECML PKDD 2010); a row outside is isolated on the spot. Decision
 * 0004 has the measurements.
 *
 * A forest is flat. Every tree has `nodesMax` slots, its nodes depth first: the left child of node i is i + 1, the
 * right one stands in `right`. A value that is not a number is outside of nothing and goes right.
 */
import { pack, unpack } from '../math/packed.js';

/** Marks a leaf in Forest.feature. */
export const LEAF = -1;
/** Numbers per node in Forest.cuts. */
export const CUTS = 3;

const DIMS_MAX = 32_767;
const PSI_MAX = 65_536;
const NODES_MAX = 16_777_216;

/** A forest, flat. */
export interface Forest {
  /** Features of a row, 1 to 32,767. */
  readonly dims: number;
  readonly trees: number;
  /** Rows that a tree is grown from, 2 or more; a tree is at most depthMax(psi) deep. */
  readonly psi: number;
  /** Node slots of a tree: 2 psi - 1. */
  readonly nodesMax: number;
  /** -ln 2 / (trees c(psi)): turns the sum of path lengths into the score's exponent. */
  readonly scale: number;
  /** Whether the trees have been grown; until then every row scores 0.5. */
  grown: boolean;
  /** Feature of a split, or LEAF. */
  readonly feature: Int16Array;
  /**
   * Three numbers per node. Split: the threshold (a row below it goes left), the low and the high end of the
   * acceptable range. Leaf: the path length it stands for, its depth plus averagePathLength(its rows); then 0, 0.
   */
  readonly cuts: Float64Array;
  /** Slot of the right child, counted over all trees. */
  readonly right: Int32Array;
}

/** One or more rows of features, dims numbers each. */
export type Rows = Float64Array | Float32Array;

/** A forest with room for its trees, none grown. */
export function createForest(dims: number, trees: number, psi: number): Forest {
  const nodesMax = 2 * psi - 1;
  const nodes = trees * nodesMax;
  return {
    dims,
    trees,
    psi,
    nodesMax,
    scale: -Math.LN2 / (trees * averagePathLength(psi)),
    grown: false,
    feature: new Int16Array(nodes).fill(LEAF),
    cuts: new Float64Array(nodes * CUTS),
    right: new Int32Array(nodes),
  };
}

/** Depth at which trees grown from psi rows stop: ceil(log2 psi). */
export function depthMax(psi: number): number {
  return 32 - Math.clz32(psi - 1);
}

/**
 * c(n) = 2 H(n - 1) - 2 (n - 1)/n: the mean path length of an unsuccessful search among n values in a binary search
 * tree (Liu et al. 2008, equation 1, with the harmonic number summed instead of approximated); 0 for n below 2.
 */
export function averagePathLength(n: number): number {
  if (n < 2) return 0;
  let harmonic = 0;
  for (let i = n - 1; i > 0; i--) harmonic += 1 / i;
  return 2 * harmonic - (2 * (n - 1)) / n;
}

/**
 * Anomaly score of the row at `offset`: 2^(-mean path length / c(psi)) (Liu et al. 2008, equation 2), in (0, 1):
 * below 0.5 is ordinary, 0.6 and more is strange. 0.5 while the forest is not grown. Allocates nothing.
 */
export function scoreForest(forest: Forest, row: Rows, offset: number): number {
  if (!forest.grown) return 0.5;
  const { trees, nodesMax, feature, cuts, right } = forest;
  let sum = 0;
  for (let tree = 0; tree < trees; tree++) {
    let node = tree * nodesMax;
    let split = feature[node];
    let depth = 0;
    while (split >= 0) {
      const value = row[offset + split];
      const cut = node * CUTS;
      depth++;
      if (value < cuts[cut + 1] || value > cuts[cut + 2]) break;
      node = value < cuts[cut] ? node + 1 : right[node];
      split = feature[node];
    }
    sum += split >= 0 ? depth : cuts[node * CUTS];
  }
  return Math.exp(forest.scale * sum);
}

/**
 * Which features make the row at `offset` strange: local DIFFI (M. Carletti, M. Terzi, G. A. Susto, Interpretable
 * Anomaly Detection with DIFFI, arXiv 2007.11117). In every tree each split on the row's path credits its feature
 * with 1/h - 1/hMax, h the depth at which the row ended there; a feature's importance is its mean credit. Returns one
 * share per feature, adding up to 1; all 0 where every path runs to full depth and nothing stands out.
 */
export function attributeForest(forest: Forest, row: Rows, offset = 0): Float64Array {
  const shares = new Float64Array(forest.dims);
  const count = new Float64Array(forest.dims);
  const limit = depthMax(forest.psi);
  const path = new Int16Array(limit);
  for (let tree = 0; tree < forest.trees; tree++) {
    const depth = tracePath(forest, tree, row, offset, path);
    const credit = 1 / depth - 1 / limit;
    for (let step = 0; step < depth; step++) {
      shares[path[step]] += credit;
      count[path[step]] += 1;
    }
  }
  let total = 0;
  for (let f = 0; f < shares.length; f++) {
    if (count[f] > 0) shares[f] /= count[f];
    total += shares[f];
  }
  if (total > 0) for (let f = 0; f < shares.length; f++) shares[f] /= total;
  return shares;
}

/** Writes the features of the row's splits in one tree to `path` and returns their number: the depth of its end. */
function tracePath(forest: Forest, tree: number, row: Rows, offset: number, path: Int16Array): number {
  const { feature, cuts, right } = forest;
  let depth = 0;
  let node = tree * forest.nodesMax;
  for (let split = feature[node]; split >= 0; split = feature[node]) {
    const value = row[offset + split];
    const cut = node * CUTS;
    path[depth++] = split;
    if (value < cuts[cut + 1] || value > cuts[cut + 2]) break;
    node = value < cuts[cut] ? node + 1 : right[node];
  }
  return depth;
}

/** A forest as plain JSON; arrays are base64 of their bytes (math/packed.ts). */
export interface ForestJson {
  readonly dims: number;
  readonly trees: number;
  readonly psi: number;
  readonly grown: boolean;
  readonly feature: string;
  readonly cuts: string;
  readonly right: string;
}

/** Why a JSON value is no forest. */
export interface ForestRejection {
  readonly rejected: true;
  readonly code: 'model.invalid';
  readonly reason: string;
}

/** A rejection in words. */
export function rejectForest(reason: string): ForestRejection {
  return { rejected: true, code: 'model.invalid', reason };
}

/** The forest as plain JSON, bit for bit. */
export function forestToJson(forest: Forest): ForestJson {
  const { dims, trees, psi, grown } = forest;
  return {
    dims,
    trees,
    psi,
    grown,
    feature: pack(forest.feature),
    cuts: pack(forest.cuts),
    right: pack(forest.right),
  };
}

/** Restores a forest bit for bit. What it returns is safe to score with: every path ends, inside its own tree. */
export function forestFromJson(json: unknown): Forest | ForestRejection {
  if (typeof json !== 'object' || json === null) return rejectForest('the forest is not an object');
  const { dims, trees, psi, grown, feature, cuts, right } = json as Partial<Record<keyof ForestJson, unknown>>;
  if (!isWhole(dims, 1, DIMS_MAX)) return rejectForest(`dims is ${String(dims)}`);
  if (!isWhole(psi, 2, PSI_MAX)) return rejectForest(`psi is ${String(psi)}`);
  if (!isWhole(trees, 1, Math.floor(NODES_MAX / (2 * psi)))) return rejectForest(`trees is ${String(trees)}`);
  if (typeof grown !== 'boolean') return rejectForest(`grown is ${String(grown)}`);
  const forest = createForest(dims, trees, psi);
  forest.grown = grown;
  if (!unpack(feature, forest.feature)) return rejectForest('feature does not have one number per node');
  if (!unpack(cuts, forest.cuts)) return rejectForest('cuts does not have three numbers per node');
  if (!unpack(right, forest.right)) return rejectForest('right does not have one number per node');
  for (let tree = 0; tree < trees; tree++) {
    if (!isTree(forest, tree)) return rejectForest(`tree ${tree} is broken`);
  }
  return forest;
}

/** Whether a value is a whole number in [least, most]. */
export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Children come after their parents, inside the tree, and no path is longer than depthMax. */
function isTree(forest: Forest, tree: number): boolean {
  const { nodesMax, feature, cuts, right, dims } = forest;
  const begin = tree * nodesMax;
  const limit = depthMax(forest.psi);
  const depths = new Int32Array(nodesMax);
  for (let slot = 0; slot < nodesMax; slot++) {
    const node = begin + slot;
    const split = feature[node];
    for (let i = 0; i < CUTS; i++) if (Number.isNaN(cuts[node * CUTS + i])) return false;
    if (split === LEAF) continue;
    const other = right[node] - begin;
    if (split < LEAF || split >= dims || depths[slot] >= limit) return false;
    if (other <= slot + 1 || other >= nodesMax) return false;
    // A slot may be named twice only in a forged file; the deeper path counts.
    depths[slot + 1] = Math.max(depths[slot + 1], depths[slot] + 1);
    depths[other] = Math.max(depths[other], depths[slot] + 1);
  }
  return true;
}
