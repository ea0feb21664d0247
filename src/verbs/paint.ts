/**
 * Colours, and the door that every text passes on its way to a person: characters that act instead of being seen come
 * out as escapes, whoever wrote them. Colours of our own carry a mark that nobody else knows, and pass.
 */
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import { escapedText } from '../render/inert.js';

export type Paint = ReturnType<typeof pc.createColors>;

export interface Palette {
  readonly paint: Paint;
  /** As a terminal may have it: lines stay lines. */
  shown(text: string): string;
  /** A cell of a table: all of it in one line, and fit to be shown as it is. */
  part(text: string): string;
}

/** Parameters of a colour may be groups of digits; this many are nobody's guess. */
const MARK_GROUPS = 3;
const CODE = new RegExp(`${'\u001b'}\\[(\\d+)m`, 'g');

export function createPalette(isColoured: boolean): Palette {
  const mark = Array.from({ length: MARK_GROUPS }, () => `;${randomInt(1_000, 10_000)}`).join('');
  const own = new RegExp(`${'\u001b'}\\[(\\d+)${mark}m`);
  /** Even pieces are text, odd ones codes of our own. */
  const pass = (text: string, seen: (piece: string) => string, end: string): string =>
    text
      .split(own)
      .map((piece, i) => (i % 2 === 0 ? seen(piece) : `\u001b[${piece}${end}`))
      .join('');
  return {
    paint: marked(pc.createColors(isColoured), mark),
    shown: (text) => pass(text, (piece) => piece.split(/\r?\n/).map(escapedText).join('\n'), 'm'),
    part: (text) => pass(text, escapedText, 'm'),
  };
}

function marked(colours: Paint, mark: string): Paint {
  const entries = Object.entries(colours).map(([name, colour]) => {
    if (typeof colour !== 'function') return [name, colour];
    const [open = '', close = ''] = colour('\0').split('\0');
    const [begin, end] = [open, close].map((code) => code.replace(CODE, `\u001b[$1${mark}m`));
    return [name, (text: string | number) => `${begin}${text}${end}`];
  });
  return Object.fromEntries(entries) as Paint;
}
