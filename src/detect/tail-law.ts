/**
 * How rare a raw score is among those that its own stream has shown so far: a histogram of logarithms for the body, a
 * generalised Pareto tail above its 98th percentile, fitted by probability-weighted moments (J. R. M. Hosking and J. R.
 * Wallis, Parameter and quantile estimation for the generalized Pareto distribution, Technometrics 29(3), 1987). Pure,
 * fixed memory, nothing to be set for a stream.
 */

/** Buckets of the histogram, and how many there are to a factor of e. */
const BUCKETS = 160;
const PER_NAT = 10;
/** ln of the least raw score that is told from 0: e^-6. The most is e^10. */
const LN_LEAST = -6;
/** How many values the law remembers: a value's weight falls to 1/e while so many follow. */
const MEMORY = 10_000;
/** Part of the values that the tail is fitted to, and how many they are at the least. */
const TAIL_PART = 0.02;
const TAIL_LEAST = 10;
/** Shape, and mean excess as a part of its level, believed before anything is known; the values that this is worth. */
const PRIOR_SHAPE = 0.22;
const PRIOR_WEIGHT = 45;
const SHAPE_MIN = -0.05;
const SHAPE_MAX = 0.8;
/** A shape nearer to 0 is an exponential tail. */
const SHAPE_ZERO = 1e-6;
/** Weights grow instead of old counts shrinking; at this they are all brought down. */
const WEIGHT_MAX = 1e100;

/** Rarity of raw scores in their own stream; higher raw scores are stranger. */
export class TailLaw {
  readonly #counts = new Float64Array(BUCKETS);
  /** Per bucket, sum of weight times the raw scores in it. */
  readonly #sums = new Float64Array(BUCKETS);
  #weight = 1;
  #total = 0;

  /**
   * -ln of the part of values that reach `raw` (0 or more), in nats, 0 or more. Never more than 2 ln(n + 1) for n
   * values seen: nobody can know of one in a million after a hundred.
   */
  score(raw: number): number {
    const n = this.#total / this.#weight;
    if (n < 1) return 0;
    const ln = lnOf(raw);
    const bucket = bucketOf(ln);
    const wanted = Math.max(TAIL_PART * n, Math.min(TAIL_LEAST, n / 2)) * this.#weight;
    let above = 0;
    let sum = 0;
    let ranked = 0;
    let level = BUCKETS;
    while (level > 0 && above < wanted) {
      level--;
      ranked += this.#sums[level] * (above + this.#counts[level] / 2);
      above += this.#counts[level];
      sum += this.#sums[level];
    }
    if (bucket <= level) return -Math.log((this.#reaching(bucket, ln) / this.#weight + 0.5) / (n + 1));
    const start = Math.exp(level / PER_NAT + LN_LEAST);
    const held = above / this.#weight;
    const a0 = sum / above - start;
    const a1 = ranked / (above * above) - start / 2;
    const mean = (a0 * held + PRIOR_SHAPE * start * PRIOR_WEIGHT) / (held + PRIOR_WEIGHT);
    const excess = tailNats(Math.exp(ln) - start, mean, shapeOf(a0, a1, held));
    const nats = excess - Math.log((held + 0.5) / (n + 1));
    const most = 2 * Math.log(n + 1);
    return nats < most ? nats : most;
  }

  /** Takes one raw score in. */
  learn(raw: number): void {
    this.#weight *= 1 + 1 / MEMORY;
    const ln = lnOf(raw);
    const bucket = bucketOf(ln);
    this.#counts[bucket] += this.#weight;
    this.#sums[bucket] += this.#weight * Math.exp(ln);
    this.#total += this.#weight;
    if (this.#weight > WEIGHT_MAX) this.#bringDown();
  }

  /** Weight of the values at `ln` and above, its own bucket in proportion. */
  #reaching(bucket: number, ln: number): number {
    let sum = 0;
    for (let i = BUCKETS - 1; i > bucket; i--) sum += this.#counts[i];
    const upper = (bucket + 1) / PER_NAT + LN_LEAST;
    return sum + this.#counts[bucket] * Math.min(1, Math.max(0, (upper - ln) * PER_NAT));
  }

  #bringDown(): void {
    for (let i = 0; i < BUCKETS; i++) {
      this.#counts[i] /= this.#weight;
      this.#sums[i] /= this.#weight;
    }
    this.#total /= this.#weight;
    this.#weight = 1;
  }
}

/** Shape of a tail of `held` excesses with a0 = E X and a1 = E X(1 - F(X)): 2 - a0/(a0 - 2 a1), shrunk and clamped. */
function shapeOf(a0: number, a1: number, held: number): number {
  // Equal excesses have a1 = a0/2, and all but no tail.
  const fitted = a0 > 2 * a1 ? 2 - a0 / (a0 - 2 * a1) : SHAPE_MIN;
  const shape = (fitted * held + PRIOR_SHAPE * PRIOR_WEIGHT) / (held + PRIOR_WEIGHT);
  return shape < SHAPE_MIN ? SHAPE_MIN : shape > SHAPE_MAX ? SHAPE_MAX : shape;
}

/** -ln of the part of a generalised Pareto tail of this mean and shape that lies beyond `excess`. */
function tailNats(excess: number, mean: number, shape: number): number {
  const scale = mean * (1 - shape);
  if (shape > -SHAPE_ZERO && shape < SHAPE_ZERO) return excess / scale;
  const inside = (shape * excess) / scale;
  return inside > -1 ? Math.log1p(inside) / shape : Number.POSITIVE_INFINITY;
}

function lnOf(raw: number): number {
  const ln = Math.log(raw);
  // Not the other way round: the logarithm of what is no number must not slip through.
  if (!(ln > LN_LEAST)) return LN_LEAST;
  const most = LN_LEAST + BUCKETS / PER_NAT;
  return ln < most ? ln : most;
}

function bucketOf(ln: number): number {
  const bucket = Math.floor((ln - LN_LEAST) * PER_NAT);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}
