/** Brakes, halts and what became of a stop, on the wire. */
import * as z from 'zod';
import { MODES, SEVERITIES } from '../decide/finding.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { answers, proposalAnswer, requests } from './schema.js';

const tenant = z
  .string()
  .max(LIMITS.name)
  .refine(isNameText, 'holds a control character or a lone surrogate')
  .nullable()
  .optional()
  .describe('left out or null: everybody');
const reason = z.string().min(1).max(500);
const key = z.string().min(1).max(200).optional();
const ms = z.number().describe('ms since the epoch');

export const haltBody = z.strictObject({ tenant, reason, key }).register(requests, { id: 'HaltRequest' });

export const recoverBody = z
  .strictObject({
    tenant,
    share: z.number().gt(0).max(1).describe('part of the agents that is let go; it never shrinks, 1 ends the halt'),
    reason,
    key,
  })
  .register(requests, { id: 'RecoverRequest' });

const halt = z.object({
  tenant: z.string().nullable().describe('null: everybody'),
  since_ms: ms,
  share: z.number().describe('part of the agents that is let go again'),
  reason: z.string(),
  actor: z.string(),
});

export const haltAnswer = z
  .object({
    effect: z.enum(['applied', 'duplicate', 'none']),
    reason: z.string().nullable(),
    halts: z.array(halt).describe('what is halted now'),
  })
  .register(answers, { id: 'HaltAnswer' });

const opening = z.object({
  tenant: z.string().nullable(),
  role: z.string().nullable().describe('whose automatic stops it holds back; null: of all roles'),
  severity: z.enum(SEVERITIES).describe('of findings of this severity and below'),
  since_ms: ms,
  until_ms: ms,
  policy: z.string(),
  rule: z.string(),
  skipped: z.number().int().describe('stops held back so far'),
});

export const brakesAnswer = z
  .object({
    mode: z.enum(MODES),
    stops_max: z.number(),
    interval_ms: z.number(),
    cooldown_ms: z.number(),
    left: z.number().describe('automatic stops that critical findings may still make in this interval'),
    open: z.boolean().describe('true: a breaker holds automatic stops back'),
    openings: z.array(opening).describe('the breakers that are open'),
    skipped: z.array(proposalAnswer).describe('stops that were not made, worst first'),
    recommended: z.array(proposalAnswer).describe('stops that wait for a person, worst first'),
    halts: z.array(halt).describe('what is halted; everybody first'),
  })
  .register(answers, { id: 'Brakes' });

export type HaltBody = z.input<typeof haltBody>;
export type RecoverBody = z.input<typeof recoverBody>;
export type HaltAnswer = z.output<typeof haltAnswer>;
export type BrakesAnswer = z.output<typeof brakesAnswer>;
