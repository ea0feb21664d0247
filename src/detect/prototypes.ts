/**
 * Novelty of a moment: how far it is from the nearest of at most 400 prototypes of the moments seen so far. A moment
 * farther than a radius from all of them becomes a prototype itself (leader clustering: J. A. Hartigan, Clustering
 * Algorithms, 1975, chapter 3). Pure, fixed memory.
 */

/** Most prototypes; the one that was nearest longest ago makes room. */
const PROTOTYPES_MAX = 400;
/** Distance, in deviations of each feature, from which on a moment is a prototype of its own. */
const RADIUS = 0.3;
/** Part of the way that the nearest prototype moves towards a moment. */
const PULL = 0.05;

/** The prototypes of a stream of moments, `dims` features each. */
export class Prototypes {
  readonly #dims: number;
  readonly #points: Float64Array;
  readonly #usedAt = new Float64Array(PROTOTYPES_MAX);
  #count = 0;
  #clock = 0;
  #nearest = -1;
  #distance = 0;

  constructor(dims: number) {
    this.#dims = dims;
    this.#points = new Float64Array(PROTOTYPES_MAX * dims);
  }

  /**
   * Root mean square over the features of the distance to the nearest prototype, each feature divided by its
   * deviation: 1 / `inverse`, whose entries are 0 or more. 0 while there is none.
   */
  score(moment: Float64Array, inverse: Float64Array): number {
    const dims = this.#dims;
    const points = this.#points;
    let best = Number.POSITIVE_INFINITY;
    let nearest = -1;
    for (let i = 0; i < this.#count; i++) {
      let sum = 0;
      const begin = i * dims;
      for (let f = 0; f < dims && sum < best; f++) {
        const part = (moment[f] - points[begin + f]) * inverse[f];
        sum += part * part;
      }
      if (sum >= best) continue;
      best = sum;
      nearest = i;
    }
    this.#nearest = nearest;
    this.#distance = nearest < 0 ? 0 : Math.sqrt(best / dims);
    return this.#distance;
  }

  /** Takes a moment in. */
  learn(moment: Float64Array, inverse: Float64Array): void {
    this.#clock++;
    this.score(moment, inverse);
    const nearest = this.#nearest;
    if (nearest >= 0 && this.#distance <= RADIUS) {
      const begin = nearest * this.#dims;
      for (let f = 0; f < this.#dims; f++) this.#points[begin + f] += PULL * (moment[f] - this.#points[begin + f]);
      this.#usedAt[nearest] = this.#clock;
      return;
    }
    const slot = this.#count < PROTOTYPES_MAX ? this.#count++ : this.#longestUnused();
    this.#points.set(moment, slot * this.#dims);
    this.#usedAt[slot] = this.#clock;
  }

  #longestUnused(): number {
    let slot = 0;
    for (let i = 1; i < PROTOTYPES_MAX; i++) if (this.#usedAt[i] < this.#usedAt[slot]) slot = i;
    return slot;
  }
}
