/** One verdict on several findings, on the wire. */
import * as z from 'zod';
import { answers, requests } from './schema.js';
import { findingVerdictAnswer, verdictBody } from './verdict-schema.js';

/** Each finding is judged by itself, with what its own event was about. */
export const VERDICTS_MAX = 50;

export const verdictsBody = verdictBody
  .pick({ verdict: true, for_ms: true, comment: true, key: true })
  .extend({ findings: z.array(z.string().min(1).max(300)).min(1).max(VERDICTS_MAX).describe('ids of recent findings') })
  .strict()
  .register(requests, { id: 'VerdictsRequest' });

export const verdictsAnswer = z
  .object({
    given: z.number().int(),
    results: z.array(
      z.object({
        finding: z.string(),
        verdict: findingVerdictAnswer.nullable().describe('null: see the problem'),
        problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
      }),
    ),
  })
  .register(answers, { id: 'VerdictsGiven' });

export type VerdictsBody = z.input<typeof verdictsBody>;
export type VerdictsAnswer = z.output<typeof verdictsAnswer>;
