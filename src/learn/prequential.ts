/**
 * Rows of numbers judged one after the other by the engine's forest: each row is scored by what was seen before it, then
 * learned. Pure and seeded: the same rows and seed give the same scores. Fixed memory, whatever the number of rows.
 */
import { createForest, type Forest, scoreForest } from '../detect/forest.js';
import { createRandom } from '../math/random.js';
import { createRotation, growForest, growTree, type Rotation, rotate } from './grow-forest.js';

/** Plain data may take three times as long a row as an event may: more and larger trees (decision 0004). */
const TREES = 64;
const PSI = 256;
/** All of the first rows are learned; then one in so many, drawn: a ring full of one burst would make it normal. */
const ALL_ROWS = 1024;
const ONE_IN = 16;
/** Rows after which a first forest is grown; all trees are grown anew whenever the rows held have doubled. */
const FIRST_ROWS = 16;
/** Rows at which half of a score's distance from 0.5 is believed. */
const DOUBT_ROWS = 32;

/** A forest that scores rows and learns from them. */
export class PrequentialForest {
  readonly #rotation: Rotation;
  readonly #random;
  /** Before the rotation has grown. */
  #early: Forest;
  #learned = 0;

  /** `dims` numbers a row, 1 or more; everything that is drawn comes from `seed`. */
  constructor(dims: number, seed: number) {
    this.#rotation = createRotation({ dims, trees: TREES, psi: PSI });
    this.#early = createForest(dims, 1, 2);
    this.#random = createRandom(`rows-${seed}`);
  }

  /**
   * Score of a row in (0, 1), 0.5 for the first ones; above 0.5 is strange. Then the row is learned, unless one of its
   * numbers is NaN: such a number counts as ordinary, and no tree may grow from it.
   */
  score(row: Float64Array): number {
    const { forest } = this.#rotation;
    const score = scoreForest(forest.grown ? forest : this.#early, row, 0);
    const doubted = 0.5 + ((score - 0.5) * this.#learned) / (this.#learned + DOUBT_ROWS);
    this.#learn(row);
    return doubted;
  }

  #learn(row: Float64Array): void {
    if (this.#learned >= ALL_ROWS && this.#random.below(ONE_IN) !== 0) return;
    const { forest, ring } = this.#rotation;
    const before = ring.count;
    this.#learned += rotate(this.#rotation, row, this.#random);
    if (ring.count === before || ring.count < FIRST_ROWS || !isPowerOfTwo(ring.count)) return;
    if (forest.grown) {
      for (let tree = 0; tree < TREES; tree++) growTree(forest, tree, ring.rows, ring.count, this.#random);
      return;
    }
    const rows = ring.rows.subarray(0, ring.count * ring.dims);
    this.#early = growForest(rows, ring.dims, this.#random, { trees: TREES, psi: PSI });
  }
}

function isPowerOfTwo(n: number): boolean {
  return (n & (n - 1)) === 0;
}
