/** Files of agents and of sponsors, on the wire. */
import * as z from 'zod';
import { agentsFilter, answers } from './schema.js';

const flag = z.enum(['true', 'false']).default('false');

export const importQuery = z.strictObject({
  check: flag.describe('true: only say what would change'),
  partial: flag.describe('true: take the good rows although others are bad'),
});

export const exportQuery = z.strictObject({
  format: z.enum(['json', 'csv']).default('json'),
  ...agentsFilter,
  tenant: z.string().max(256).optional(),
  registered: z.enum(['true', 'false', 'any']).default('true'),
});

const problems = z
  .array(z.object({ line: z.number().int(), member: z.string().nullable(), message: z.string() }))
  .describe('the first 100');

export const importAnswer = z
  .object({
    applied: z.boolean().describe('false: a check, or nothing was taken because rows are bad'),
    rows: z.number().int().describe('good ones'),
    changed: z.number().int(),
    problems,
    changes: z
      .array(
        z.object({
          line: z.number().int(),
          tenant: z.string(),
          agent: z.string(),
          is_new: z.boolean().describe('not registered so far'),
          members: z.array(z.object({ member: z.string(), before: z.unknown(), after: z.unknown() })),
        }),
      )
      .describe('the first 1000'),
  })
  .register(answers, { id: 'Import' });

/** JSON Lines or CSV. */
export const exportAnswer = z.string().register(answers, { id: 'AgentFile' });

export const sponsorsQuery = z.strictObject({
  check: flag.describe('true: only say what would follow'),
  stops_max: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe("most agents that this feed may suspend; left out: the policy's brakes.stops_max"),
});

export const sponsorsAnswer = z
  .object({
    applied: z.boolean(),
    rows: z.number().int(),
    problems,
    changes: z.array(
      z.object({
        owner: z.string(),
        state: z.enum(['left', 'returned']),
        successor: z.string().nullable(),
        effect: z.enum(['applied', 'observed']),
        reason: z.string().nullable(),
        agents: z.array(
          z.object({
            tenant: z.string(),
            agent: z.string(),
            follows: z.enum(['suspend', 'reassign', 'keep']),
            owner: z.string().nullable().describe('afterwards'),
            reason: z.string(),
          }),
        ),
      }),
    ),
  })
  .register(answers, { id: 'Sponsors' });

export type ImportAnswer = z.output<typeof importAnswer>;
export type SponsorsAnswer = z.output<typeof sponsorsAnswer>;
