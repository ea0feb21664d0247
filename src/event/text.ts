/** What text an event may carry, and how a refused value is shown to a person. */

/** Longest piece of a refused value that a reason shows, in characters. */
const SHOWN_MAX = 80;

/**
 * Whether every surrogate in the text has its partner. A lone one has no UTF-8 form: written and read again it would
 * be another string, so a replay would not see the agent that the stream saw.
 */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit & 0xf800) === 0xd800 && !isPaired(text, i++, unit)) return false;
  }
  return true;
}

/** Whether the text holds a control character: U+0000 to U+001F, U+007F to U+009F. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (isControl(text.charCodeAt(i))) return true;
  }
  return false;
}

/** Well-formed and free of control characters, in one pass: what a name must be. */
export function isNameText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isControl(unit)) return false;
    if ((unit & 0xf800) === 0xd800 && !isPaired(text, i++, unit)) return false;
  }
  return true;
}

/** Any value as one printable line of at most 80 characters; text is quoted, what has no short form is named. */
export function printable(value: unknown): string {
  if (typeof value === 'string') return shorten(`"${escaped(value.slice(0, SHOWN_MAX + 1))}"`);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Text as one printable line of at most 80 characters, without quotes: for whole lines of input. */
export function printableText(text: string): string {
  return shorten(escaped(text.slice(0, SHOWN_MAX + 1)));
}

function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
}

/** Whether the surrogate `unit` at `at` is a high one followed by a low one. */
function isPaired(text: string, at: number, unit: number): boolean {
  return unit < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}

function shorten(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX - 1)}…`;
}

/**
 * Escapes what a terminal or a page would act on instead of showing: controls, line separators, marks that turn the
 * direction of writing, and surrogates (all of them: the cut may have split a pair).
 */
function escaped(text: string): string {
  let shown = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const acts =
      isControl(unit) ||
      (unit & 0xf800) === 0xd800 ||
      (unit >= 0x200b && unit <= 0x200f) ||
      (unit >= 0x2028 && unit <= 0x202e) ||
      (unit >= 0x2060 && unit <= 0x206f) ||
      unit === 0xfeff;
    shown += acts ? `\\u${unit.toString(16).padStart(4, '0')}` : text[i];
  }
  return shown;
}
