/** Lengths of time as people write them in policies and on the command line. */
import { z } from 'zod';

const MAX_MS = 366 * 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration is, for messages. */
export const DURATION_WORDS = 'a duration such as 15s, 30m, 1h or 2d';

/** `90s`, `30m`, `1h`, `2d` in ms; null where it is no such thing, nothing, or more than 366 days. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * (UNIT_MS[match[2]] ?? 0);
  return ms > 0 && ms <= MAX_MS ? ms : null;
}

/** A duration in a file, as ms. */
export const duration = z.string(`expected ${DURATION_WORDS}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: `'${text.slice(0, 40)}' is not ${DURATION_WORDS}, at most 366d` });
  return z.NEVER;
});

/** The same in a configuration, where a plain number counts ms. */
export const durationOrMs = z.union([z.number().int().positive(), duration]);
