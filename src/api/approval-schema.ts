/** Requests for a person's leave, and refused calls, on the wire. */
import * as z from 'zod';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { APPROVAL_STATES, DENIALS, TRUST_LEVELS } from '../registry/registry.js';
import { answers, requests } from './schema.js';

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const name = z.string().max(LIMITS.name).refine(isNameText, NOT_A_NAME);
const limit = z.coerce.number().int().min(1).max(1000).default(100);

export const approvalsQuery = z.strictObject({ limit, state: z.enum(APPROVAL_STATES).optional() });

export const denialsQuery = z.strictObject({
  limit,
  tenant: name.optional(),
  agent: name.min(1).optional(),
  denial: z.enum(DENIALS).optional(),
});

export const approvalBody = z
  .strictObject({
    answer: z.enum(['approve', 'reject']),
    comment: z.string().min(1).max(500).nullable().optional(),
  })
  .register(requests, { id: 'ApprovalRequestAnswer' });

const text = z.string().nullable();
const ms = z.number().describe('ms since the epoch');

export const approvalAnswer = z
  .object({
    id: z.string(),
    tenant: z.string(),
    agent: z.string(),
    kind: z.enum(['revoke', 'call']),
    reason: text.describe('why it is to be revoked'),
    operation: text,
    endpoint: text,
    target: text,
    rule: text.describe('permission and approval of the policy that ask for it'),
    state: z.enum(APPROVAL_STATES),
    asked_by: z.string(),
    asked_ms: ms,
    until_ms: ms.describe('when it lapses, as things stand'),
    answered_by: text,
    answered_ms: ms.nullable(),
    comment: text,
    uses_left: z.number().int().describe('calls that it still lets pass'),
  })
  .register(answers, { id: 'Approval' });

export const approvalsAnswer = z
  .object({ approvals: z.array(approvalAnswer).describe('newest first') })
  .register(answers, { id: 'Approvals' });

const names = z.array(z.string()).nullable().describe('null: not limited');

const trailStep = z.object({
  agent: z.string(),
  parent: text,
  operations: names,
  endpoints: names,
  targets: names,
  trust: z.enum(TRUST_LEVELS).nullable(),
});

export const denialAnswer = z
  .object({
    time_ms: ms,
    tenant: z.string(),
    agent: z.string(),
    denial: z.enum(DENIALS),
    enforced: z.boolean().describe('false: the call was allowed, since the policy does not enforce yet'),
    count: z.number().int().describe('such calls in the minute before'),
    rule: text.describe("permission of the policy; null: an agent's own registration, or what is in force"),
    operation: text,
    endpoint: text,
    target: text,
    session: text,
    data_class: text,
    trail: z.array(trailStep).describe('the acting agent, those above it, then others that work for the same'),
  })
  .register(answers, { id: 'Denial' });

export const denialsAnswer = z
  .object({ denials: z.array(denialAnswer).describe('newest first') })
  .register(answers, { id: 'Denials' });

export type ApprovalsQuery = Partial<z.output<typeof approvalsQuery>>;
export type DenialsQuery = Partial<z.output<typeof denialsQuery>>;
export type ApprovalBody = z.input<typeof approvalBody>;
export type ApprovalAnswer = z.output<typeof approvalAnswer>;
export type ApprovalsAnswer = z.output<typeof approvalsAnswer>;
export type DenialAnswer = z.output<typeof denialAnswer>;
export type DenialsAnswer = z.output<typeof denialsAnswer>;
