import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter, type Line, type LineSplitterOptions } from '../../src/event/lines.js';

const encoder = new TextEncoder();

function split(bytes: Uint8Array | string, cuts: readonly number[] = [], options: LineSplitterOptions = {}): Line[] {
  const all = typeof bytes === 'string' ? encoder.encode(bytes) : bytes;
  const splitter = createLineSplitter(options);
  const lines: Line[] = [];
  let start = 0;
  for (const cut of [...cuts, all.length]) {
    // A copy that is wiped after the push: the splitter may not keep the caller's memory.
    const chunk = all.slice(start, Math.max(start, cut));
    lines.push(...splitter.push(chunk));
    chunk.fill(0x23);
    start = Math.max(start, cut);
  }
  return [...lines, ...splitter.end()];
}

describe('createLineSplitter', () => {
  it('splits at LF and CR LF, keeps empty lines and the last one without an ending', () => {
    expect(split('a\nb\r\n\n\r\nc')).toEqual(['a', 'b', '', '', 'c']);
    expect(split('a\n')).toEqual(['a']);
    expect(split('')).toEqual([]);
    expect(split('\n')).toEqual(['']);
    expect(split('a\rb\n')).toEqual(['a\rb']);
  });

  it('drops a byte order mark before line 0 only', () => {
    expect(split('\ufeffa\n\ufeffb\n')).toEqual(['a', '\ufeffb']);
    expect(split('\ufeffa\n', [1, 2])).toEqual(['a']);
    expect(split('\ufeffa\n', [], { position: 5 })).toEqual(['\ufeffa']);
  });

  it('refuses bytes that are not UTF-8 and reads on', () => {
    const bytes = Uint8Array.from([0x61, 0x0a, 0xff, 0xfe, 0x7b, 0x0a, 0xc3, 0x0a, 0xed, 0xa0, 0x80, 0x0a, 0x62]);
    expect(split(bytes)).toEqual([
      'a',
      { rejected: true, code: 'event.bad-utf8', reason: 'line is not UTF-8: \ufffd\ufffd{', position: 1 },
      { rejected: true, code: 'event.bad-utf8', reason: 'line is not UTF-8: \ufffd', position: 2 },
      { rejected: true, code: 'event.bad-utf8', reason: 'line is not UTF-8: \ufffd\ufffd\ufffd', position: 3 },
      'b',
    ]);
  });

  it('refuses a line over the limit in its place', () => {
    const lines = split('ok\n0123456789\n01234567890\nok\n', [], { lineBytesMax: 10, position: 100 });
    expect(lines).toEqual([
      'ok',
      '0123456789',
      { rejected: true, code: 'event.too-long', reason: 'line is longer than 10 bytes: 0123456789', position: 102 },
      'ok',
    ]);
  });

  it('does not count the ending of a line', () => {
    expect(split('0123456789\r\n', [], { lineBytesMax: 10 })).toEqual(['0123456789']);
    expect(split('0123456789\r\n', [11], { lineBytesMax: 10 })).toEqual(['0123456789']);
    expect(split('0123456789\r', [10], { lineBytesMax: 10 })).toEqual(['0123456789']);
    expect(split('0123456789x\r\n', [11], { lineBytesMax: 10 })).toMatchObject([{ code: 'event.too-long' }]);
  });

  it('forgets the bytes of a line that grows past the limit', () => {
    const splitter = createLineSplitter({ lineBytesMax: 1000 });
    const chunk = encoder.encode('x'.repeat(65_536));
    for (let i = 0; i < 64; i++) expect(splitter.push(chunk)).toEqual([]);
    const held = (splitter as unknown as { held: Uint8Array }).held;
    expect(held.length).toBeLessThanOrEqual(4096);
    expect(splitter.push(encoder.encode('x\nnext\n'))).toMatchObject([{ code: 'event.too-long', position: 0 }, 'next']);
  });

  it('says so when the stream ends inside a line over the limit', () => {
    expect(split('x'.repeat(50), [20, 40], { lineBytesMax: 10 })).toMatchObject([
      { code: 'event.too-long', position: 0 },
    ]);
  });

  it('gives the same lines wherever the stream is cut', () => {
    const piece = fc.constantFrom('a', 'é', '😀', '\n', '\r\n', '\r', '\ufeff', '0123456789', '{"k":1}');
    const junk = fc.uint8Array({ maxLength: 6 });
    const stream = fc.array(
      fc.oneof(
        piece.map((text) => encoder.encode(text)),
        junk,
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(stream, fc.array(fc.nat(120), { maxLength: 8 }), (pieces, cuts) => {
        const bytes = Uint8Array.from(pieces.flatMap((bytesOf) => [...bytesOf]));
        const sorted = cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b);
        const options = { lineBytesMax: 20 };
        expect(split(bytes, sorted, options)).toEqual(split(bytes, [], options));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('gives every line of valid text back', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\r\n]|^\ufeff/.test(text));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        expect(split(lines.map((text) => `${text}\n`).join(''))).toEqual(lines);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
