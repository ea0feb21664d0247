/** The JSON values of a record: one document, over as many lines as it likes, or one document a line. */
import { rejection } from './decode.js';
import type { Rejection } from './event.js';
import { printableText } from './text.js';

/** A value of a record, or why there is none. */
export type JsonDocument = { readonly value: unknown } | Rejection;

const BYTE_ORDER_MARK = 0xfeff;

/** Tells a refused document. */
export function isRefused(document: JsonDocument): document is Rejection {
  return 'rejected' in document;
}

/** The text of UTF-8 bytes without its byte order mark; null where they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  } catch {
    return null;
  }
}

/** JSON.parse without an exception: undefined, which no JSON means, where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Every document of the record in order; positions of rejections count documents from 0. Lines are told apart only
 * where the first of them is JSON by itself: a long document with one mistake is one rejection, not thousands.
 */
export function documentsOf(bytes: Uint8Array): JsonDocument[] {
  const text = textOf(bytes);
  if (text === null) return [rejection('event.bad-utf8', 'record is not UTF-8', 0)];
  const whole = parseJson(text);
  if (whole !== undefined) return [{ value: whole }];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const isByLine = lines.length > 1 && parseJson(lines[0]) !== undefined;
  if (!isByLine) return [rejection('event.bad-json', `record is not JSON: ${printableText(text)}`, 0)];
  return lines.map((line, position) => {
    const value = parseJson(line);
    return value === undefined
      ? rejection('event.bad-json', `line is not JSON: ${printableText(line)}`, position)
      : { value };
  });
}
