/** Verdicts as people write them down for a replay: a JSON list, or a line of JSON each. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseDuration } from '../decide/compile-policy.js';
import { VERDICTS } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { ReplayWord } from '../pipeline/replay-verdicts.js';

const time = z.iso.datetime({ offset: true });
const id = z.string().min(1).max(64);
const given = z.strictObject({
  time,
  /** Left out: 'v-' and its place in the file, from 1. */
  id: id.optional(),
  finding: z.string().min(1).max(300),
  verdict: z.enum(VERDICTS),
  for: z
    .string()
    .refine((text) => parseDuration(text) !== null, 'not a duration such as 12h or 14d')
    .default('14d'),
  role: z.boolean().default(false),
  comment: z.string().max(500).nullable().default(null),
});
const undone = z.strictObject({ time, undo: id });

/** Throws 'usage', which names the file and the member. */
export function readVerdictFile(path: string): ReplayWord[] {
  const parsed = z
    .array(z.union([given, undone]))
    .max(10_000)
    .safeParse(rowsIn(path));
  if (!parsed.success) {
    const problems = parsed.error.issues.slice(0, 10).map(({ path: at, message }) => `[${at.join('.')}] ${message}`);
    throw new KilldeerError('usage', `${path} is no list of verdicts: ${problems.join('; ')}`);
  }
  return parsed.data.map((row, at) => {
    const timeMs = Date.parse(row.time);
    if ('undo' in row) return { timeMs, undo: row.undo };
    const { finding, verdict, role, comment } = row;
    return { timeMs, id: row.id ?? `v-${at + 1}`, finding, verdict, role, comment, forMs: parseDuration(row.for) ?? 0 };
  });
}

function rowsIn(path: string): unknown {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.trimStart().startsWith('[')) return JSON.parse(text);
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line)]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('usage', `${path} cannot be read as JSON: ${reason}`, error);
  }
}
