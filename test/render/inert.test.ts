import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTING, inert, inertJson, shortened } from '../../src/render/inert.js';
import { HOSTILE } from './states.js';

function acting(text: string): string[] {
  return [...text].filter((character) => {
    const point = character.codePointAt(0) as number;
    return ACTING.some(({ from, to }) => point >= from && point <= to);
  });
}

describe('text for eyes', () => {
  it.each(HOSTILE)('is one line without a character that acts: %j', (text) => {
    expect(acting(inert(text))).toEqual([]);
  });

  it('keeps what is seen, in any script, and shows where something was', () => {
    expect(inert('Größe ≥ 3 привет 你好 👍')).toBe('Größe ≥ 3 привет 你好 👍');
    expect(inert('a\u202eb')).toBe('a\ufffdb');
    expect(inert('a\r\n\tb')).toBe('a b');
  });

  it('holds for any text, and twice is once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = inert(text);
        expect(acting(once)).toEqual([]);
        expect(inert(once)).toBe(once);
      }),
    );
  });
});

describe('JSON for machines', () => {
  it('prints nothing that acts, and is parsed to the same value', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE))), (value) => {
        const text = inertJson(value);
        expect(acting(text)).toEqual([]);
        expect(text).not.toMatch(/[<>&]/);
        expect(JSON.parse(text)).toEqual(value);
      }),
    );
  });
});

describe('shortened text', () => {
  it('is never longer and ends in no half character', () => {
    expect(shortened('abc', 3)).toBe('abc');
    expect(shortened('abcd', 3)).toBe('ab…');
    expect(shortened('ab👍👍', 4)).toBe('ab…');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, most) => {
        const short = shortened(text, most);
        expect(short.length).toBeLessThanOrEqual(most);
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});
