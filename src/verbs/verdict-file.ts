/** Verdicts and suppressions as people write them down for a replay: a JSON list, or a line of JSON each. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseDuration } from '../decide/compile-policy.js';
import { KINDS } from '../decide/finding.js';
import { SUPPRESSION_LIMITS } from '../decide/suppression.js';
import { type SuppressionRecord, VERDICTS } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import { ACTOR, type ReplayWord } from '../pipeline/replay-verdicts.js';

const time = z.iso.datetime({ offset: true });
const id = z.string().min(1).max(64);
const duration = z.string().refine((text) => parseDuration(text) !== null, 'not a duration such as 12h or 14d');
const given = z.strictObject({
  time,
  /** Left out: 'v-' and its place in the file, from 1. */
  id: id.optional(),
  finding: z.string().min(1).max(300),
  verdict: z.enum(VERDICTS),
  for: duration.default('14d'),
  role: z.boolean().default(false),
  comment: z.string().max(500).nullable().default(null),
});
const whom = z.union([
  z.strictObject({ agent: z.string().min(1) }),
  z.strictObject({ role: z.string().min(1) }),
  z.strictObject({ tenant: z.literal(true) }),
]);
const suppressed = z.strictObject({
  time,
  /** Left out: 's-' and its place in the file, from 1. */
  id: id.optional(),
  suppress: z
    .strictObject({
      scope: whom,
      tenant: z.string().default(''),
      kinds: z.array(z.enum(KINDS)).min(1).nullable().default(null),
      detector: z.string().nullable().default(null),
      endpoint: z.string().nullable().default(null),
      target: z.string().nullable().default(null),
      below: z.enum(SUPPRESSION_LIMITS).default('high'),
      times: z.number().min(1).optional(),
      /** Left out: the row's own time. */
      from: time.optional(),
      until: time.optional(),
      for: duration.optional(),
      reason: z.string().max(500).default(''),
    })
    .refine((row) => (row.until === undefined) !== (row.for === undefined), 'has one of until and for'),
});
const undone = z.strictObject({ time, undo: id });

/** Throws 'usage', which names the file and the member. */
export function readVerdictFile(path: string): ReplayWord[] {
  const parsed = z
    .array(z.union([given, suppressed, undone]))
    .max(10_000)
    .safeParse(rowsIn(path));
  if (!parsed.success) {
    const problems = parsed.error.issues.slice(0, 10).map(({ path: at, message }) => `[${at.join('.')}] ${message}`);
    throw new KilldeerError('usage', `${path} is no list of verdicts and suppressions: ${problems.join('; ')}`);
  }
  return parsed.data.map((row, at) => {
    const timeMs = Date.parse(row.time);
    if ('undo' in row) return { timeMs, undo: row.undo };
    if ('suppress' in row) return { timeMs, suppress: suppressionOf(row, timeMs, at) };
    const { finding, verdict, role, comment } = row;
    return { timeMs, id: row.id ?? `v-${at + 1}`, finding, verdict, role, comment, forMs: parseDuration(row.for) ?? 0 };
  });
}

function suppressionOf(row: z.output<typeof suppressed>, timeMs: number, at: number): SuppressionRecord {
  const { from, until, for: forText = '', times, scope, ...rest } = row.suppress;
  const fromMs = from === undefined ? timeMs : Date.parse(from);
  const untilMs = until === undefined ? fromMs + (parseDuration(forText) ?? 0) : Date.parse(until);
  const said = { type: 'suppress', timeMs, id: row.id ?? `s-${at + 1}`, actor: ACTOR } as const;
  const limits = times === undefined ? {} : { times };
  return { ...said, ...rest, ...limits, scope, fromMs, untilMs };
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
