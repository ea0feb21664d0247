/** Verdicts on findings, on the wire. */
import * as z from 'zod';
import { KINDS } from '../decide/finding.js';
import { VERDICTS } from '../engine/record.js';
import { LIMITS } from '../event/schema.js';
import { answers, requests } from './schema.js';

const MINUTE_MS = 60_000;
const YEAR_MS = 366 * 24 * 3600 * 1000;

export const verdictBody = z
  .strictObject({
    finding: z.string().min(1).max(300).describe('id of a recent finding'),
    verdict: z.enum(VERDICTS),
    for_ms: z.number().int().min(MINUTE_MS).max(YEAR_MS).optional().describe('how long it is in force; 14 days'),
    role: z.boolean().optional().describe("true: for every agent of the agent's role"),
    endpoint: z.string().min(1).max(LIMITS.name).optional().describe('where the event itself is no longer kept'),
    target: z.string().min(1).max(LIMITS.target).optional().describe('likewise'),
    comment: z.string().min(1).max(500).nullable().optional(),
    key: z.string().min(1).max(200).optional(),
  })
  .register(requests, { id: 'VerdictRequest' });

export const findingVerdictAnswer = z
  .object({
    id: z.string(),
    time_ms: z.number(),
    tenant: z.string(),
    agent: z.string().nullable().describe('whom it is about; null: a role'),
    role: z.string().nullable(),
    verdict: z.enum(VERDICTS),
    kind: z.enum(KINDS),
    detector: z.string(),
    feature: z.string(),
    endpoint: z.string().nullable(),
    target: z.string().nullable(),
    session: z.string().nullable(),
    level: z.number().describe('what is below twice as much is the like of it'),
    until_ms: z.number(),
    actor: z.string(),
    comment: z.string().nullable(),
    finding: z.string().nullable(),
  })
  .register(answers, { id: 'FindingVerdict' });

export const findingVerdictsAnswer = z
  .object({ verdicts: z.array(findingVerdictAnswer) })
  .register(answers, { id: 'FindingVerdicts' });

export type VerdictBody = z.input<typeof verdictBody>;
export type FindingVerdictAnswer = z.output<typeof findingVerdictAnswer>;
export type FindingVerdictsAnswer = z.output<typeof findingVerdictsAnswer>;
