/** Suppressions on the wire. */
import * as z from 'zod';
import { KINDS, SEVERITIES } from '../decide/finding.js';
import { SUPPRESSION_LIMITS } from '../decide/suppression.js';
import { LIMITS } from '../event/schema.js';
import { answers, requests } from './schema.js';

const MINUTE_MS = 60_000;
const YEAR_MS = 366 * 24 * 3600 * 1000;
const time = z.number().int().min(0).max(8.64e15);
const name = z.string().min(1).max(LIMITS.name);

export const suppressionBody = z
  .strictObject({
    finding: z.string().min(1).max(300).optional().describe('id of a recent finding: whom, kinds and endpoint are its'),
    tenant: z.string().max(LIMITS.name).optional().describe("the nameless one, or the finding's"),
    agent: name.optional().describe('root of the tree that it is about'),
    role: name.optional().describe('every agent of this role instead'),
    whole_tenant: z.literal(true).optional().describe('everybody of the tenant instead'),
    kinds: z
      .array(z.enum(KINDS))
      .min(1)
      .max(KINDS.length)
      .nullable()
      .optional()
      .describe('null: all that can be muted'),
    detector: z.string().min(1).max(100).nullable().optional().describe('which must lead the finding; null: any'),
    endpoint: name.nullable().optional().describe('of the event behind the finding; null: any'),
    target: z.string().min(1).max(LIMITS.target).nullable().optional().describe('likewise'),
    below: z.enum(SUPPRESSION_LIMITS).default('high').describe('this severity and worse still pages'),
    times: z.number().min(1).max(1e9).optional().describe('more than so many times the expected still pages'),
    from_ms: time.optional().describe('left out: now'),
    until_ms: time.optional(),
    for_ms: z.number().int().min(MINUTE_MS).max(YEAR_MS).optional().describe('from its beginning; or say until_ms'),
    reason: z.string().min(1).max(500),
    key: z.string().min(1).max(200).optional(),
  })
  .register(requests, { id: 'SuppressionRequest' });

export const suppressionQuery = z.strictObject({
  check: z.enum(['true', 'false']).default('false').describe('true: nothing is made, it is said what would be muted'),
});

export const suppressionsQuery = z.strictObject({
  all: z.enum(['true', 'false']).default('false').describe('true: those that are over or taken back too'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().min(1).max(200).optional(),
});

export const SUPPRESSION_STATES = ['coming', 'in-force', 'over', 'undone'] as const;

export const suppressionAnswer = z
  .object({
    id: z.string().nullable().describe('null: it was not made'),
    time_ms: z.number(),
    state: z.enum(SUPPRESSION_STATES),
    tenant: z.string(),
    agent: z.string().nullable(),
    role: z.string().nullable(),
    whole_tenant: z.boolean(),
    kinds: z.array(z.enum(KINDS)).nullable(),
    detector: z.string().nullable(),
    endpoint: z.string().nullable(),
    target: z.string().nullable(),
    below: z.enum(SUPPRESSION_LIMITS),
    times: z.number().nullable(),
    from_ms: z.number(),
    until_ms: z.number(),
    undone_ms: z.number().nullable(),
    undone_by: z.string().nullable(),
    reason: z.string(),
    actor: z.string(),
    muted: z.number().int().describe('recent findings that it muted, and that did not page since'),
  })
  .register(answers, { id: 'Suppression' });

const foreseen = z.object({
  findings: z.number().int().describe('of the last 7 days, as far as they are in memory'),
  pages: z.number().int(),
  complete: z.boolean().describe('false: there were too many to look at each'),
  newest: z
    .array(
      z.object({
        id: z.string(),
        time_ms: z.number(),
        agent: z.string(),
        kind: z.enum(KINDS),
        severity: z.enum(SEVERITIES),
        title: z.string(),
      }),
    )
    .describe('at most 100'),
});

export const suppressionMadeAnswer = z
  .object({ suppression: suppressionAnswer, would_mute: foreseen.nullable().describe('null: it was made') })
  .register(answers, { id: 'SuppressionMade' });

export const suppressionsAnswer = z
  .object({ suppressions: z.array(suppressionAnswer), cursor: z.string().nullable() })
  .register(answers, { id: 'Suppressions' });

export type SuppressionBody = z.input<typeof suppressionBody>;
/** With what was left out filled in. */
export type SuppressionWish = z.output<typeof suppressionBody>;
export type SuppressionAnswer = z.output<typeof suppressionAnswer>;
export type SuppressionMadeAnswer = z.output<typeof suppressionMadeAnswer>;
export type SuppressionsAnswer = z.output<typeof suppressionsAnswer>;
export type Foreseen = z.output<typeof foreseen>;
export interface SuppressionsQuery {
  readonly all?: 'true' | 'false';
  readonly limit?: number;
  readonly cursor?: string;
}
