/**
 * How rare a raw score is among those that its own stream has shown so far: a histogram of logarithms for the body, a
 * Pareto tail above its 98th percentile (B. M. Hill, A simple general approach to inference about the tail of a
 * distribution, Annals of Statistics 3(5), 1975). Pure, fixed memory, nothing to be set for a stream.
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
/** Inverse tail exponent believed before anything is known, and the values that this belief is worth. */
const PRIOR_SHAPE = 0.2;
const PRIOR_WEIGHT = 10;
const SHAPE_MIN = 0.02;
const SHAPE_MAX = 0.8;
/** Weights grow instead of old counts shrinking; at this they are all brought down. */
const WEIGHT_MAX = 1e100;

/** Rarity of raw scores in their own stream; higher raw scores are stranger. */
export class TailLaw {
  readonly #counts = new Float64Array(BUCKETS);
  /** Per bucket, sum of weight times ln of the raw scores in it. */
  readonly #lns = new Float64Array(BUCKETS);
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
    let lnSum = 0;
    let level = BUCKETS;
    while (level > 0 && above < wanted) {
      level--;
      above += this.#counts[level];
      lnSum += this.#lns[level];
    }
    if (bucket <= level) return -Math.log((this.#reaching(bucket, ln) / this.#weight + 0.5) / (n + 1));
    const lnLevel = level / PER_NAT + LN_LEAST;
    const held = above / this.#weight;
    const excess = lnSum / this.#weight - held * lnLevel;
    const fitted = (excess + PRIOR_SHAPE * PRIOR_WEIGHT) / (held + PRIOR_WEIGHT);
    const shape = fitted < SHAPE_MIN ? SHAPE_MIN : fitted > SHAPE_MAX ? SHAPE_MAX : fitted;
    const nats = (ln - lnLevel) / shape - Math.log((held + 0.5) / (n + 1));
    const most = 2 * Math.log(n + 1);
    return nats < most ? nats : most;
  }

  /** Takes one raw score in. */
  learn(raw: number): void {
    this.#weight *= 1 + 1 / MEMORY;
    const ln = lnOf(raw);
    const bucket = bucketOf(ln);
    this.#counts[bucket] += this.#weight;
    this.#lns[bucket] += this.#weight * ln;
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
      this.#lns[i] /= this.#weight;
    }
    this.#total /= this.#weight;
    this.#weight = 1;
  }
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
