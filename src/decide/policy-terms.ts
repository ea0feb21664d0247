/** Members that several blocks of a policy file share. */
import { z } from 'zod';
import { MODES, type Mode } from './finding.js';
import { isPattern } from './pattern.js';

const NAME_LENGTH_MAX = 100;
/** Endpoints and targets are as long as events' own. */
const PATTERN_LENGTH_MAX = 256;
const NAMES_MAX = 1_000;

/** A name of something in the file. */
export const name = z.string().min(1).max(NAME_LENGTH_MAX);
/** Names; left out: none. */
export const names = z.array(name).max(NAMES_MAX).default([]);
/** 'billing-*' is a prefix; a star anywhere else would silently match nothing. */
export const prefixes = z
  .array(name.refine((text) => !text.slice(0, -1).includes('*'), { error: "'*' may stand only at the end" }))
  .max(NAMES_MAX);
/** Names, beginnings and ends of names. */
export const patterns = z
  .array(
    z
      .string()
      .min(1)
      .max(PATTERN_LENGTH_MAX)
      .refine(isPattern, { error: "'*' may stand once, at the beginning or at the end" }),
  )
  .max(NAMES_MAX);

/** Modes as written: what is first is for learning, and stops nobody. */
const MODE_WORDS = [...MODES, 'training'] as const;
/** A mode; 'training' is the first step of a ladder, and means observe. */
export const mode = z.enum(MODE_WORDS).transform((word): Mode => (word === 'training' ? 'observe' : word));

/** A problem for every second thing of the same name. */
export function refuseTwins(list: readonly { readonly name: string }[], context: z.RefinementCtx, what: string): void {
  const seen = new Set<string>();
  for (const [index, { name: given }] of list.entries()) {
    if (seen.has(given)) {
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `'${given}' names a second ${what}` });
    }
    seen.add(given);
  }
}
