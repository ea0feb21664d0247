/**
 * Room custody/: what an auditor can check without us. Canonical forms, signatures and keys; it may not decide what is
 * worth signing, and no secret of it ever stands in a message.
 *
 * This file: the JSON Canonicalization Scheme, RFC 8785. Members in the order of their UTF-16 code units, no spaces,
 * numbers and strings as ECMAScript writes them: equal values give equal bytes on every machine.
 */
import { KilldeerError } from '../errors.js';

/** Nesting beyond this is no document of ours. */
const DEPTH_MAX = 100;

/**
 * The canonical text of a JSON value; its bytes are this text in UTF-8. Throws 'api.invalid' for what is no I-JSON: a
 * number that is not finite, a lone surrogate, anything but null, booleans, numbers, text, arrays and plain objects.
 * Members that are undefined are left out, as JSON.stringify does.
 */
export function canonical(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw new KilldeerError('api.invalid', `the value is nested deeper than ${DEPTH_MAX}`);
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'string') return writeText(value);
  if (Array.isArray(value)) return `[${value.map((one) => write(one, depth + 1)).join(',')}]`;
  if (typeof value === 'object') return writeObject(value as Readonly<Record<string, unknown>>, depth);
  throw new KilldeerError('api.invalid', `a ${typeof value} has no form in JSON`);
}

/** RFC 8785 section 3.2.2.3: ECMAScript's own form; minus zero is 0. */
function writeNumber(value: number): string {
  if (Number.isFinite(value)) return JSON.stringify(value);
  throw new KilldeerError('api.invalid', `${value} has no form in JSON`);
}

/** Section 3.2.2.2. JSON.stringify escapes a lone surrogate instead of refusing it, so it is looked for first. */
function writeText(value: string): string {
  if (value.isWellFormed()) return JSON.stringify(value);
  throw new KilldeerError('api.invalid', 'a text holds a lone surrogate');
}

/** Section 3.2.3: the default order of ECMAScript's sort is that of UTF-16 code units. */
function writeObject(value: Readonly<Record<string, unknown>>, depth: number): string {
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${writeText(name)}:${write(value[name], depth + 1)}`);
  return `{${members.join(',')}}`;
}
