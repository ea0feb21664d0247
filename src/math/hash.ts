/**
 * Room math/: seeded text hashes for tables, sketches and stable ids. Pure and allocation-free; the same text and
 * seed give the same bits on every platform. Not cryptographic: whoever knows the seed can make texts collide.
 *
 * Two UTF-16 units at a time go through multiply-and-rotate lanes (the shape of MurmurHash3's body); the lanes differ
 * in multiplier and rotation, so that a difference which one lane would cancel survives in the other. The finaliser
 * is MurmurHash3's fmix32 (Appleby, public domain).
 */

/** Odd multipliers of the two lanes: 2^32 over the golden ratio, and one of xxHash's primes. */
const MULTIPLIER_HI = 0x9e3779b1;
const MULTIPLIER_LO = 0x85ebca77;

/**
 * Hashes all UTF-16 units of `text` into 64 bits: `out[0]` the high and `out[1]` the low 32. `seed` counts as an
 * unsigned 32-bit integer. About 1 ns a character.
 */
export function hash64(text: string, seed: number, out: Uint32Array): void {
  const length = text.length;
  let hi = mix32(seed ^ MULTIPLIER_LO);
  let lo = mix32(hi ^ length);
  const even = length & ~1;
  for (let i = 0; i < even; i += 2) {
    const units = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
    hi = Math.imul(hi ^ units, MULTIPLIER_HI);
    hi = (hi << 13) | (hi >>> 19);
    lo = Math.imul(lo ^ units, MULTIPLIER_LO);
    lo = (lo << 17) | (lo >>> 15);
  }
  if (even < length) {
    const unit = text.charCodeAt(even);
    hi = Math.imul(hi ^ unit, MULTIPLIER_HI);
    hi = (hi << 13) | (hi >>> 19);
    lo = Math.imul(lo ^ unit, MULTIPLIER_LO);
    lo = (lo << 17) | (lo >>> 15);
  }
  // Each lane finishes with the other's bits in it: the 64 bits are a bijection of the two lanes, nothing is lost.
  hi = mix32(hi ^ length) + lo;
  lo = mix32(lo + mix32(hi));
  out[0] = hi;
  out[1] = lo;
}

/** Hashes all UTF-16 units of `text` into an unsigned 32-bit integer. */
export function hash32(text: string, seed: number): number {
  const length = text.length;
  let hash = mix32(seed ^ MULTIPLIER_LO);
  const even = length & ~1;
  for (let i = 0; i < even; i += 2) {
    hash = Math.imul(hash ^ (text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16)), MULTIPLIER_HI);
    hash = (hash << 13) | (hash >>> 19);
  }
  if (even < length) {
    hash = Math.imul(hash ^ text.charCodeAt(even), MULTIPLIER_HI);
    hash = (hash << 13) | (hash >>> 19);
  }
  return mix32(hash ^ length) >>> 0;
}

/** 16 lower-case hex digits of a 64-bit value given as two 32-bit halves. */
export function hex64(hi: number, lo: number): string {
  return hex32(hi) + hex32(lo);
}

/** Four hex digits of every 16-bit number: names of hashes are made in the hot path. */
const HEX = Array.from({ length: 0x10000 }, (_, n) => n.toString(16).padStart(4, '0'));

function hex32(value: number): string {
  return HEX[value >>> 16] + HEX[value & 0xffff];
}

/** A bijection of 32 bits in which every input bit moves about half of the output bits. */
function mix32(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
