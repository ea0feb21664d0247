/** Replays, on the wire. */
import * as z from 'zod';
import { REPLAY_STATES } from './replay-contract.js';
import { answers, findingAnswer, requests } from './schema.js';

const ms = z.number().describe('ms since the epoch');
const timeMs = z.number().int().min(0).max(8.64e15);
const share = z.number().positive().max(0.5);

export const replayBody = z
  .strictObject({
    name: z.string().min(1).max(100),
    recording: z.enum(['data', 'demo']).optional().describe("'data', this server's own log, where left out"),
    from_ms: timeMs.nullable().optional().describe('what was found before is not counted'),
    to_ms: timeMs.nullable().optional(),
    settings: z
      .strictObject({ pages_per_agent_day: share.optional(), notices_per_agent_day: share.optional() })
      .optional()
      .describe('in the place of what was in force'),
    policy: z.enum(['observe', 'enforce']).optional().describe('one of those shipped'),
    without_verdicts: z.boolean().optional(),
    key: z.string().min(1).max(200).optional(),
  })
  .register(requests, { id: 'ReplayRequest' });

const pages = z.array(z.object({ tenant: z.string(), agent: z.string(), kind: z.string(), count: z.number().int() }));

export const replayAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    recording: z.enum(['data', 'demo']),
    from_ms: ms.nullable(),
    to_ms: ms.nullable(),
    settings: z.object({
      pages_per_agent_day: z.number().nullable(),
      notices_per_agent_day: z.number().nullable(),
    }),
    policy: z.enum(['observe', 'enforce']).nullable(),
    without_verdicts: z.boolean(),
    state: z.enum(REPLAY_STATES),
    actor: z.string(),
    asked_ms: ms,
    started_ms: ms.nullable(),
    ended_ms: ms.nullable(),
    progress: z.number().describe('0 to 1'),
    reason: z.string().nullable().describe('why it failed'),
    result: z
      .object({
        records: z.number().int(),
        events: z.number().int(),
        findings: z.number().int(),
        pages: z.number().int(),
        stops: z.number().int().describe('stops proposed, all of them'),
        first_stops: z.array(
          z.object({
            time: z.string(),
            tenant: z.string(),
            agent: z.string(),
            action: z.string(),
            reason: z.string(),
            finding: z.string().nullable(),
          }),
        ),
        difference: z
          .object({
            real_findings: z.number().int(),
            real_pages: z.number().int(),
            gained: pages.describe('pages that were not there, by agent and kind, most first'),
            lost: pages.describe('pages that were there and are not any more'),
          })
          .nullable()
          .describe('against what was really found; null: the recording is not of this server'),
      })
      .nullable(),
  })
  .register(answers, { id: 'Replay' });

export const replaysAnswer = z.object({ replays: z.array(replayAnswer) }).register(answers, { id: 'Replays' });

export const replayFindingsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
});

export const replayFindingsAnswer = z
  .object({ findings: z.array(findingAnswer), cursor: z.string().nullable() })
  .register(answers, { id: 'ReplayFindings' });

export type ReplayBody = z.input<typeof replayBody>;
export type ReplayAnswer = z.output<typeof replayAnswer>;
export type ReplaysAnswer = z.output<typeof replaysAnswer>;
