/**
 * Seeded randomness: the only kind that the pure rooms know. Same seed, same numbers, on every Node version and
 * machine: 32-bit integer arithmetic, and of floating-point functions only log, exp and sqrt.
 *
 * The generator is xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
 * 47(4), 2021): period 2^128 - 1, four words of state. Not for secrets.
 */

/** Whole state of a generator: four unsigned 32-bit words, not all zero. */
export type RandomState = readonly [number, number, number, number];

/** A generator and the laws drawn from it. */
export interface Random {
  /** Uniform integer, 0 to 2^32 - 1. */
  uint32(): number;
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer, 0 to n - 1; n a positive integer, at most 2^32. */
  below(n: number): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Standard normal. */
  normal(): number;
  /** exp(mu + sigma N) given as its median e^mu, with N standard normal. */
  logNormal(median: number, sigma: number): number;
  /** Exponential of mean 1. */
  exponential(): number;
  /** Gamma of the given shape > 0 and scale 1: mean and variance are the shape. */
  gamma(shape: number): number;
  /** Poisson count; takes time in proportion to the mean. 0 for a mean of 0 or less. */
  poisson(mean: number): number;
  /** One element, each as likely; the list must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** Shuffles in place and returns the same array. */
  shuffle<T>(list: T[]): T[];
  save(): RandomState;
  restore(state: RandomState): void;
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Finaliser of MurmurHash3: every bit of the input reaches every bit of the output. */
function mix32(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Four words from a text of any length; one differing character changes all four. */
function seedState(seed: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x8aed2a6a];
  for (let at = 0; at < seed.length; at++) {
    const unit = seed.charCodeAt(at);
    for (let lane = 0; lane < 4; lane++) {
      const turned = rotateLeft(words[lane] ^ unit, 5 + lane);
      words[lane] = (Math.imul(turned, 0x9e3779b1 + 2 * lane) + words[(lane + 3) & 3]) | 0;
    }
  }
  for (let lane = 0; lane < 4; lane++) words[lane] = mix32(words[lane] + seed.length + Math.imul(lane, 0x6d2b79f5));
  // The one state that never leaves itself.
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}

/** Poisson means above this are drawn in parts, so that exp(-mean) stays far from underflow. */
const POISSON_PART = 32;

/** A generator of its own for each seed. The number 7 and the text '7' are the same seed. */
export function createRandom(seed: number | string): Random {
  let [a, b, c, d] = seedState(String(seed));

  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };

  const next = (): number => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992;

  /** In (0, 1]: safe under a logarithm. */
  const positive = (): number => 1 - next();

  const below = (n: number): number => {
    // Rejection keeps every value equally likely; at most one draw in two is thrown away.
    const limit = 4294967296 - (4294967296 % n);
    for (;;) {
      const drawn = uint32();
      if (drawn < limit) return drawn % n;
    }
  };

  /** Marsaglia's polar method; the second value is thrown away so that the state stays four words. */
  const normal = (): number => {
    for (;;) {
      const x = 2 * next() - 1;
      const y = 2 * next() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
    }
  };

  const exponential = (): number => -Math.log(positive());

  /** Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000. */
  const gamma = (shape: number): number => {
    if (shape < 1) return gamma(shape + 1) * Math.exp(Math.log(positive()) / shape);
    const third = shape - 1 / 3;
    const scale = 1 / Math.sqrt(9 * third);
    for (;;) {
      const x = normal();
      const root = 1 + scale * x;
      if (root <= 0) continue;
      const cube = root * root * root;
      if (Math.log(positive()) < 0.5 * x * x + third * (1 - cube + Math.log(cube))) return third * cube;
    }
  };

  const poisson = (mean: number): number => {
    let count = 0;
    for (let left = mean; left > 0; left -= POISSON_PART) {
      const floor = Math.exp(-Math.min(left, POISSON_PART));
      for (let product = positive(); product > floor; product *= positive()) count++;
    }
    return count;
  };

  return {
    uint32,
    next,
    below,
    between: (low, high) => low + (high - low) * next(),
    normal,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    exponential,
    gamma,
    poisson,
    pick: (list) => list[below(list.length)],
    shuffle: (list) => {
      for (let at = list.length - 1; at > 0; at--) {
        const other = below(at + 1);
        const held = list[at];
        list[at] = list[other];
        list[other] = held;
      }
      return list;
    },
    save: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
    restore: (state) => {
      [a, b, c, d] = state;
    },
  };
}
