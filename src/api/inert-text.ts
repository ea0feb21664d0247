/** Text that people read elsewhere: what would move a cursor, turn a line round or hide is written out instead. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const LIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Control, direction and invisible characters as \uXXXX, which JSON reads back as what they were. */
export function inertText(text: string): string {
  return text.replace(LIVE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
