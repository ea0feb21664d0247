import { describe, expect, it } from 'vitest';
import { hash32, hash64, hex64 } from '../../src/math/hash.js';

const out = new Uint32Array(2);

function hashHex(text: string, seed = 0): string {
  hash64(text, seed, out);
  return hex64(out[0], out[1]);
}

/** Texts that differ little: what agents, endpoints and targets look like. */
function* similarTexts(): Generator<string> {
  for (let i = 0; i < 50_000; i++) yield `agent-${i}`;
  for (let i = 0; i < 50_000; i++) yield `mailto:user${i}@example.com`;
  for (let i = 0; i < 256; i++) for (let j = 0; j < 256; j++) yield String.fromCharCode(i, j);
  for (let i = 0; i < 65_536; i += 7) yield String.fromCharCode(i, 65_535 - i, i);
  for (let i = 0; i < 300; i++) yield '\0'.repeat(i);
}

function bitsSet(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

describe('hash64', () => {
  it('gives the same bits for ever: ids and tables on disk depend on them', () => {
    expect([hashHex(''), hashHex('a'), hashHex('agent-1'), hashHex('agent-1', 7), hashHex('Zürich→東京')]).toEqual([
      '71b76f74261b7735',
      '9db9ef8694511a65',
      '680b49bb5b65f019',
      'af80b608f58d3f22',
      '083e94cef8823ff2',
    ]);
    expect([hash32('', 0), hash32('agent-1', 0), hash32('agent-1', 7)]).toEqual([3101407162, 3680998917, 1183538700]);
  });

  it('meets no collision in 175,000 similar texts, in 64 bits; as many as chance allows in 32', () => {
    const whole = new Set<string>();
    const high = new Set<number>();
    const low = new Set<number>();
    const single = new Set<number>();
    const texts = new Set(similarTexts());
    for (const text of texts) {
      whole.add(hashHex(text));
      high.add(out[0]);
      low.add(out[1]);
      single.add(hash32(text, 0));
    }
    expect(whole.size).toBe(texts.size);
    // Chance: n^2 / 2^33 = 3.6 pairs; 15 is beyond any luck.
    for (const lane of [high, low, single]) expect(texts.size - lane.size).toBeLessThan(15);
  });

  it('moves half of all bits when one bit of the text or of the seed moves', () => {
    let moved = 0;
    let trials = 0;
    for (let i = 0; i < 200; i++) {
      const text = `tool/${i * 7919}/call`;
      hash64(text, i, out);
      const [hi, lo] = [out[0], out[1]];
      for (let position = 0; position < text.length; position++) {
        const unit = text.charCodeAt(position) ^ (1 << (i & 15));
        hash64(text.slice(0, position) + String.fromCharCode(unit) + text.slice(position + 1), i, out);
        moved += bitsSet(hi ^ out[0]) + bitsSet(lo ^ out[1]);
        trials++;
      }
      hash64(text, i ^ (1 << (i & 31)), out);
      moved += bitsSet(hi ^ out[0]) + bitsSet(lo ^ out[1]);
      trials++;
    }
    expect(moved / trials).toBeGreaterThan(31.5);
    expect(moved / trials).toBeLessThan(32.5);
  });

  it('fills the low bits of both lanes evenly, so that a mask makes a table index', () => {
    for (const lane of [0, 1]) {
      const slots = new Float64Array(64);
      for (let i = 0; i < 64_000; i++) {
        hash64(`endpoint-${i}`, 1, out);
        slots[out[lane] & 63] += 1;
      }
      let chiSquare = 0;
      for (const count of slots) chiSquare += ((count - 1000) * (count - 1000)) / 1000;
      // 63 degrees of freedom: 110 is the 1 in 5,000 level.
      expect(chiSquare).toBeLessThan(110);
    }
  });
});

describe('hex64', () => {
  it('writes 16 digits, signed or unsigned halves alike', () => {
    expect(hex64(0, 0)).toBe('0000000000000000');
    expect(hex64(0xdeadbeef, 0x1)).toBe('deadbeef00000001');
    expect(hex64(-1, 0xf | 0)).toBe('ffffffff0000000f');
  });
});
