/// <reference lib="es2024.string" />
/** Records as text: what a log accepts, checked in one place for all of them. */
import { KilldeerError } from '../errors.js';

/** Most UTF-16 units of one append, line breaks included: one append is one commit and is held in memory whole. */
export const APPEND_UNITS_MAX = 64 * 1024 * 1024;

/**
 * Joins records to lines, each with its line break. Throws 'log.bad-record' (line break inside a record, or text that
 * is not well-formed UTF-16 and would change on its way through UTF-8) and 'log.too-long'.
 */
export function joinLines(values: readonly string[]): string {
  if (values.length === 0) return '';
  checkLines(values);
  return `${values.join('\n')}\n`;
}

/** Throws as joinLines does, for a log that keeps records one by one. */
export function checkLines(values: readonly string[]): void {
  let units = 0;
  for (let i = 0; i < values.length; i += 1) {
    units += values[i].length + 1;
    if (values[i].includes('\n')) throw badRecord(i, values.length, 'contains a line break');
    if (!values[i].isWellFormed()) throw badRecord(i, values.length, 'contains half of a surrogate pair');
  }
  if (units > APPEND_UNITS_MAX) {
    throw new KilldeerError(
      'log.too-long',
      `an append of ${units} characters exceeds the limit of ${APPEND_UNITS_MAX}`,
    );
  }
}

function badRecord(index: number, count: number, what: string): KilldeerError {
  return new KilldeerError('log.bad-record', `record ${index} of the ${count} to append ${what}`);
}
