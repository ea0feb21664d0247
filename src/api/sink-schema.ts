/** Sinks on the wire. */
import * as z from 'zod';
import { answers } from './schema.js';

const count = z.number().int();

export const sinksAnswer = z
  .object({
    active: z.boolean().describe('whether this process is the one that delivers; another one shows none'),
    pages_per_day: z
      .number()
      .nullable()
      .describe('pages a day that people can bear, over all agents; null: nobody said'),
    sinks: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['webhook', 'kafka', 'file']),
        format: z.enum(['json', 'ocsf', 'text']),
        breaker: z.enum(['closed', 'open', 'half-open']).describe('open: left alone for a while after failures'),
        backlog: count.nullable().describe('lines of findings that it has still to look at; null: not known'),
        sent: count,
        dead: count.describe('given up, since this process delivers'),
        dead_bytes: count.describe('of the dead letters kept'),
        missed: count.describe('times that something was forgotten before it was told'),
        paged: count.nullable().describe('pages of the 24 h before; null: it is no sink for pages'),
        held: z.array(z.string()).describe('findings held back for the next digest, worst first'),
        held_count: count,
        last_sent_ms: z.number().nullable(),
        last_error: z.string().nullable(),
        last_error_ms: z.number().nullable(),
      }),
    ),
  })
  .register(answers, { id: 'Sinks' });

export type SinksAnswer = z.output<typeof sinksAnswer>;
