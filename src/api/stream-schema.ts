/** What a gateway with a copy of its own reads, on the wire. */
import * as z from 'zod';
import { MODES } from '../decide/finding.js';
import { answers } from './schema.js';

const DAY_MS = 86_400_000;

export const currentQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  cursor: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});

export const streamQuery = z.strictObject({
  from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe('as Last-Event-ID, which wins'),
  for_ms: z.coerce.number().int().min(1).max(DAY_MS).default(DAY_MS).describe('ends the stream after this long'),
});

export const copyAgent = z.object({
  tenant: z.string(),
  agent: z.string(),
  version: z.number().int().describe('of two lines about an agent the one with the larger version is right'),
  registered: z.boolean(),
  protected: z.boolean(),
  parent: z.string().nullable().describe('whose stop covers it too, beside those above it by name'),
  status: z.enum(['active', 'throttled', 'restricted', 'suspended', 'revoked']),
  until_ms: z.number().nullable(),
  calls_per_minute: z.number().nullable(),
  reason: z.string().nullable(),
  limited: z.boolean().describe('true: what its single calls may do is for /v1/decide to say'),
});

export const copyHalt = z.object({
  tenant: z.string().nullable().describe('null: everybody'),
  share: z.number().describe('of the agents that may go on; 1: the halt is over'),
  reason: z.string(),
});

export const copyPolicy = z.object({
  name: z.string(),
  mode: z.enum(MODES),
  unregistered: z.enum(['allow', 'deny']),
  limited: z.boolean().describe('true: what single calls may do is for /v1/decide to say'),
});

export const currentAnswer = z
  .object({
    offset: z.number().int().describe('where the stream goes on from; that of the first page counts'),
    policy: copyPolicy.nullable(),
    halts: z.array(copyHalt),
    agents: z.array(copyAgent),
    cursor: z.number().int().nullable().describe('cursor of the next page; null at the end'),
  })
  .register(answers, { id: 'RegistryCurrent' });

export const streamAnswer = z.string().describe('text/event-stream').register(answers, { id: 'RegistryStream' });

export type CopyAgent = z.output<typeof copyAgent>;
export type CopyHalt = z.output<typeof copyHalt>;
export type CopyPolicy = z.output<typeof copyPolicy>;
export type CurrentAnswer = z.output<typeof currentAnswer>;
