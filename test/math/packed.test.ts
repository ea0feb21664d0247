import { describe, expect, it } from 'vitest';
import { pack, unpack } from '../../src/math/packed.js';

describe('packed arrays', () => {
  it('come back bit for bit, views included', () => {
    const numbers = Float64Array.of(9, 0.1, -0, 5e-324, Infinity, Number.NaN, 1.7e308).subarray(1);
    const back = new Float64Array(6);
    expect(unpack(pack(numbers), back)).toBe(true);
    for (let i = 0; i < 6; i++) expect(Object.is(back[i], numbers[i])).toBe(true);
    const whole = new Int16Array(3);
    expect(unpack(pack(Int16Array.of(-1, 2, 32_767)), whole)).toBe(true);
    expect(Array.from(whole)).toEqual([-1, 2, 32_767]);
  });

  it('have exactly the bytes asked for, or are refused and nothing is written', () => {
    const target = Int32Array.of(7, 7);
    const good = pack(Int32Array.of(1, 2));
    for (const text of [null, 12, '', good.slice(4), `${good}AAAA`, '!'.repeat(good.length), pack(Int32Array.of(1))]) {
      expect(unpack(text, target)).toBe(false);
    }
    expect(Array.from(target)).toEqual([7, 7]);
  });
});
