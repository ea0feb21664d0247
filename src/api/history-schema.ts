/** The past of agents, on the wire. */
import * as z from 'zod';
import { OPERATIONS, STATUSES } from '../event/event.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { answers } from './schema.js';
import { spanMembers } from './time-span.js';

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const name = z.string().min(1).max(LIMITS.name);
const tenant = z.string().max(LIMITS.name).refine(isNameText, NOT_A_NAME).default('');
const cursor = z.string().min(1).max(200).optional();
const limitOf = (usual: number) => z.coerce.number().int().min(1).max(1_000).default(usual);
const whole = z.number().int();
const at = whole.describe('ms since the epoch');
const text = z.string().nullable();
const amount = z.number().nullable();

export const pastEventsQuery = z.strictObject({
  tenant,
  agent: name.optional().describe('the agent, or the root of its tree'),
  session: name.optional(),
  id: name.optional(),
  operation: z.enum(OPERATIONS).optional(),
  endpoint: name.optional(),
  target: z.string().min(1).max(LIMITS.target).optional(),
  status: z.enum(STATUSES).optional(),
  ...spanMembers,
  limit: limitOf(100),
  cursor,
});

export const activityQuery = z.strictObject({ tenant, ...spanMembers });
export const namesQuery = z.strictObject({ tenant, ...spanMembers, limit: limitOf(100) });
export const decisionsQuery = z.strictObject({ tenant, ...spanMembers, limit: limitOf(50), cursor });

export const eventAnswer = z
  .object({
    id: z.string(),
    time: z.string(),
    time_ms: at,
    agent: z.string(),
    root: z.string().nullable().describe('of its tree; null: not known'),
    bound: z.boolean().nullable().describe('its sender was bound to the agent; null: not known'),
    operation: z.enum(OPERATIONS),
    endpoint: z.string(),
    tenant: z.string(),
    parent: text,
    session: text,
    target: text,
    status: z.enum(STATUSES).nullable(),
    error_type: text,
    latency_ms: amount,
    input_tokens: amount,
    output_tokens: amount,
    cost_usd: amount,
    bytes_out: amount,
    model: text,
    version: text,
    credential: text.describe('the beginning of its hash'),
    source: text,
    environment: text,
    scope: text,
    task: text,
    initiator: text,
    on_behalf_of: z.array(z.string()).nullable(),
    approval: text,
    data_class: text,
    trace: text,
    signature: text.describe('its beginning'),
  })
  .register(answers, { id: 'PastEvent' });

const next = z.string().nullable().describe('cursor of the next page; null at the end');
const span = { from_ms: at, to_ms: at };

export const pastEventsAnswer = z
  .object({ events: z.array(eventAnswer), ...span, cursor: next })
  .register(answers, { id: 'PastEvents' });

const count = z.number();
export const activityAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    root: z.string(),
    ...span,
    step_ms: whole,
    points: z
      .array(
        z.object({
          time_ms: at,
          events: count,
          errors: count,
          denied: count,
          input_tokens: count,
          output_tokens: count,
          cost_usd: count,
          bytes_out: count,
          endpoints: count.describe('distinct ones'),
          targets: count.describe('distinct ones'),
        }),
      )
      .max(1_501)
      .describe('one a step, oldest first'),
  })
  .register(answers, { id: 'Activity' });

export const namesAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    ...span,
    total: whole.describe('names used in the stretch; the list has the most used'),
    known_since_ms: at.nullable().describe('oldest event that history has of the agent'),
    names: z.array(
      z.object({
        name: z.string(),
        events: count,
        errors: count,
        first_seen_ms: at.describe('as far as history goes back'),
        last_seen_ms: at,
        new: z.boolean().describe('first seen within the 7 days before to_ms, and not on the first day known'),
      }),
    ),
  })
  .register(answers, { id: 'NamesUsed' });

export const pastDecisionsAnswer = z
  .object({
    ...span,
    decisions: z.array(
      z.object({
        time_ms: at,
        type: z.string().describe('of the record of the registry'),
        actor: z.string(),
        action: text,
        effect: text,
        verdict: text,
        finding: text,
        reason: text,
      }),
    ),
    cursor: next,
  })
  .register(answers, { id: 'PastDecisions' });

export const findingEventsAnswer = z
  .object({
    finding: z.string(),
    evidence: z.array(eventAnswer).describe('events that it rests on and that are still kept'),
    missing: whole.describe('records that it rests on and that are ticks, or kept no more'),
    around: z.array(eventAnswer).nullable().describe('of the same session, from history; null: it has none to show'),
    note: text.describe('why there is nothing around'),
  })
  .register(answers, { id: 'FindingEvents' });

export type EventAnswer = z.output<typeof eventAnswer>;
export type PastEventsAnswer = z.output<typeof pastEventsAnswer>;
export type ActivityAnswer = z.output<typeof activityAnswer>;
export type NamesAnswer = z.output<typeof namesAnswer>;
export type PastDecisionsAnswer = z.output<typeof pastDecisionsAnswer>;
export type FindingEventsAnswer = z.output<typeof findingEventsAnswer>;
