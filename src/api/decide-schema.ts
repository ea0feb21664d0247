/** Questions of the inline decision and their answers, on the wire. */
import * as z from 'zod';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { DENIALS } from '../registry/registry.js';
import { answers, requests } from './schema.js';

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const name = z.string().max(LIMITS.name);
const agent = name.min(1).refine(isNameText, NOT_A_NAME);
/** Of one call. */
const usd = z.number().min(0).max(LIMITS.costUsd);

export const decideBody = z
  .strictObject({
    tenant: name.refine(isNameText, NOT_A_NAME).optional(),
    agent,
    operation: name.nullish(),
    endpoint: name.nullish(),
    target: z.string().max(LIMITS.target).nullish(),
    session: name.nullish(),
    data_class: name.nullish(),
    parent: agent.nullish().describe('whom it works for, where the registry knows of none'),
    approval: name.nullish().describe('id of an approval that a person gave for this call'),
    estimate_usd: usd.nullish().describe("what the call costs at most; left out: what the agent's calls usually cost"),
  })
  .register(requests, { id: 'Question' });

const reservation = z.object({
  id: z.string(),
  remaining_usd: z.number().describe('left of the narrowest budget after this call'),
  expires_ms: z.number().describe('ms since the epoch; nobody having told of the call by then, it counts as not made'),
});

export const decideAnswer = z
  .object({
    allow: z.boolean(),
    status: z.enum(['active', 'throttled', 'restricted', 'suspended', 'revoked', 'unknown']),
    reason: z.string(),
    retry_after_ms: z.number().nullable(),
    denial: z.enum(DENIALS).nullable().describe('why not, in a word; null: allowed'),
    approval: z.string().nullable().describe('the approval that the answer rests on, or that was named'),
    reservation: reservation.nullable().describe('what is reserved for the call; null: no budget'),
    remaining_usd: z.number().nullable().describe('left of the narrowest budget; null: no budget was looked at'),
  })
  .register(answers, { id: 'Decision' });

export const settleBody = z
  .strictObject({
    reservation: z.string().min(1).max(100),
    cost_usd: usd.nullish().describe('what it cost, and counts as spent now; left out: its event tells'),
  })
  .register(requests, { id: 'Settlement' });

export const settleAnswer = z
  .object({ settled: z.literal(true), reserved_usd: z.number() })
  .register(answers, { id: 'Settled' });

export type DecideBody = z.input<typeof decideBody>;
export type DecideAnswer = z.output<typeof decideAnswer>;
export type SettleBody = z.input<typeof settleBody>;
export type SettleAnswer = z.output<typeof settleAnswer>;
