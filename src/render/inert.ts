/**
 * Room render/: findings and stops as others read them: OCSF, tables, text for a phone. Pure: what comes out follows
 * from what is handed in. Names and titles are written by agents and people; whatever leaves this room is inert, so
 * that no reader's terminal, page, spreadsheet or eye is steered by them.
 *
 * This file: the one table of characters that act instead of being seen, and the two ways to make them harmless.
 */

/** A stretch of code points, both ends included. */
export interface Acting {
  readonly from: number;
  readonly to: number;
  readonly what: string;
}

/** Code points that steer, hide or fool whoever shows them (Unicode 16, sections 23.1 to 23.9; UTR 36). */
export const ACTING: readonly Acting[] = [
  { from: 0x0000, to: 0x001f, what: 'control' },
  { from: 0x007f, to: 0x009f, what: 'control' },
  { from: 0x00ad, to: 0x00ad, what: 'soft hyphen' },
  { from: 0x034f, to: 0x034f, what: 'joiner that is not seen' },
  { from: 0x061c, to: 0x061c, what: 'mark of direction' },
  { from: 0x115f, to: 0x1160, what: 'filler that is not seen' },
  { from: 0x17b4, to: 0x17b5, what: 'vowel that is not seen' },
  { from: 0x180b, to: 0x180f, what: 'separator that is not seen' },
  { from: 0x200b, to: 0x200f, what: 'space of no width, mark of direction' },
  { from: 0x2028, to: 0x202e, what: 'line separator, embedding and override of direction' },
  { from: 0x2060, to: 0x206f, what: 'joiner, isolate and mark of format' },
  { from: 0x3164, to: 0x3164, what: 'filler that is not seen' },
  { from: 0xd800, to: 0xdfff, what: 'half of a character' },
  { from: 0xfeff, to: 0xfeff, what: 'mark of byte order' },
  { from: 0xffa0, to: 0xffa0, what: 'filler that is not seen' },
  { from: 0xfff0, to: 0xfffb, what: 'mark of annotation' },
  { from: 0xe0000, to: 0xe0fff, what: 'tag that is not seen' },
];

const STRETCHES = ACTING.map(({ from, to }) => `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`).join('');
const ACTS = new RegExp(`[${STRETCHES}]`, 'gu');
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** A page that the text is pasted into must not take these for a tag either. */
const ACTS_IN_JSON = new RegExp(`[<>&${STRETCHES}]`, 'gu');
const SHOWN_INSTEAD = '\ufffd';

/** One line of text for eyes: breaks become a space, every other acting character U+FFFD. */
export function inert(text: string): string {
  return text.replace(BREAKS, ' ').replace(ACTS, SHOWN_INSTEAD);
}

/**
 * JSON text of a value, in one line, in which every acting character stands as an escape: whoever parses it gets the
 * value unchanged, whoever prints it prints nothing that acts.
 */
export function inertJson(value: unknown): string {
  return JSON.stringify(value).replace(ACTS_IN_JSON, escaped);
}

/** Text in which every acting character stands as an escape of JSON: what was there can still be read. */
export function escapedText(text: string): string {
  return text.replace(ACTS, escaped);
}

/** As `inertJson`, for terminals and files alone: `<`, `>` and `&` stay as they are. */
export function plainJson(value: unknown): string {
  return escapedText(JSON.stringify(value));
}

function escaped(character: string): string {
  let units = '';
  for (let i = 0; i < character.length; i++) {
    units += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return units;
}

/** At most `most` characters as they are counted in UTF-16; what is cut ends in an ellipsis and in no half character. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - 1;
  const isPair = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, Math.max(0, isPair ? end - 1 : end)).trimEnd()}…`;
}
