/** The audit trail, the configuration, models, settings and budgets, on the wire. */
import * as z from 'zod';
import { LIMITS } from '../event/schema.js';
import { answers, requests } from './schema.js';

const ms = z.number().describe('ms since the epoch');
const timeMs = z.coerce.number().int().min(0).max(8.64e15);
const key = z.string().min(1).max(200).optional();
const comment = z.string().min(1).max(500);
/** As a record of the registry takes it. */
const share = z.number().positive().max(0.5);
const name = z.string().max(LIMITS.name);
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const trailMembers = {
  tenant: name.optional(),
  agent: name.min(1).optional(),
  actor: z.string().min(1).max(300).optional().describe("'person:NAME', 'engine:PARTITION' or 'system'"),
  type: z.string().min(1).max(64).optional().describe('type of the record'),
  people: z.enum(['true', 'false']).default('false').describe('true: what people wrote alone'),
  from_ms: timeMs.optional(),
  to_ms: timeMs.optional(),
};

export const auditQuery = z.strictObject({
  ...trailMembers,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
});

export const auditExportQuery = z.strictObject({ ...trailMembers, format: z.enum(['jsonl', 'csv']).default('jsonl') });

export const auditEntryAnswer = z
  .object({
    offset: z.number().int().describe("of the record in the registry's log"),
    time_ms: ms,
    type: z.string(),
    actor: z.string(),
    authority: z.string().describe('token id, policy name or system'),
    parent: z.string().nullable().describe('what it answers: a request id, a finding, a proposal'),
    tenant: z.string().nullable(),
    agent: z.string().nullable(),
    effect: z.string().describe('what the registry made of it'),
    reason: z.string().nullable(),
    record: z.looseObject({}).describe('the rest of the record, as it stands in the log'),
  })
  .register(answers, { id: 'AuditEntry' });

export const auditAnswer = z
  .object({
    entries: z.array(auditEntryAnswer),
    cursor: z.string().nullable().describe('of the next page; null at the end'),
    forgotten: z.boolean().describe('older records stand in the log that are not listed here'),
  })
  .register(answers, { id: 'Audit' });

export const configAnswer = z
  .object({
    version: z.string().describe('of this program'),
    source: z.string().describe("the configuration's file, or defaults"),
    hash: z.string().describe('of all values, secrets left out'),
    settings_hash: z.string().describe('digest that findings carry as config'),
    policy: z.object({ name: z.string().nullable(), mode: z.string(), hash: z.string().nullable() }),
    models: z.array(z.string()).describe('in force, over the partitions that this process knows of'),
    restart: z.string().describe('what changes without one'),
    values: z.array(
      z.object({
        path: z.string(),
        value: z.unknown(),
        from: z.enum(['default', 'file', 'record']),
        withheld: z.boolean(),
        live: z.boolean().describe('changes without a restart'),
      }),
    ),
  })
  .register(answers, { id: 'Configuration' });

export const settingsBody = z
  .strictObject({
    pages_per_agent_day: share,
    notices_per_agent_day: share,
    if_version: z.number().int().min(0).nullable().optional(),
    comment: comment.nullable().optional(),
    key,
  })
  .register(requests, { id: 'SettingsRequest' });

export const settingsAnswer = z
  .object({
    pages_per_agent_day: z.number(),
    notices_per_agent_day: z.number(),
    from: z.enum(['configuration', 'record']),
    version: z.number().int().describe('0: nobody set anything'),
    since_ms: ms.nullable(),
    actor: z.string().nullable(),
    parent: z.string().nullable().describe('the proposal that it accepted, or the request'),
    comment: z.string().nullable(),
  })
  .register(answers, { id: 'Settings' });

export const modelsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().regex(VERSION).optional(),
});
export const modelPath = z.object({ version: z.string().regex(VERSION) });

export const modelAnswer = z
  .object({
    version: z.string(),
    origin: z.enum(['shipped', 'learned']),
    written_ms: ms.nullable(),
    bytes: z.number().int(),
    cohorts: z.number().int(),
    agents: z.number().int(),
    bar: z.number().describe('what scores are multiplied by because the last week paged too often; 1: nothing'),
    card: z.unknown().describe('what it was made of; null: nobody wrote it down'),
  })
  .register(answers, { id: 'Model' });

export const modelsAnswer = z
  .object({
    active: z.array(z.object({ partition: z.number().int(), version: z.string(), since_ms: ms.nullable() })),
    pinned: z.string().nullable().describe('learned models do not take its place'),
    chosen: z.object({ version: z.string(), since_ms: ms, actor: z.string() }).nullable(),
    learns: z.boolean(),
    models: z.array(modelAnswer),
    cursor: z.string().nullable(),
  })
  .register(answers, { id: 'Models' });

export const activateBody = z
  .strictObject({
    pin: z.boolean().optional().describe('true: learned models do not take its place until it is unpinned'),
    key,
  })
  .register(requests, { id: 'Activation' });

export const unpinBody = z.strictObject({ key }).register(requests, { id: 'Unpin' });

export const choiceAnswer = z
  .object({
    effect: z.string(),
    version: z.string().nullable().describe('chosen; null: nobody chose'),
    pinned: z.boolean(),
    since_ms: ms.nullable(),
    actor: z.string().nullable(),
  })
  .register(answers, { id: 'ModelChoice' });

export const budgetAnswer = z
  .object({
    settings: settingsAnswer,
    agents: z.number().int().describe('known here'),
    pages_expected_per_day: z.number().describe('false pages that the budget allows for all of them'),
    pages_per_day: z.number().nullable().describe('what people said that they can bear; null: nobody said'),
    pages_today: z.number().int().nullable().describe('in the 24 h before; null: not counted here'),
    pages_by_hour: z.array(z.number()),
    precision: z.array(
      z.object({
        detector: z.string(),
        true_positives: z.number().int(),
        false_positives: z.number().int(),
        expected: z.number().int(),
        precision: z.number().nullable(),
        low: z.number(),
        high: z.number(),
      }),
    ),
    proposals: z.array(
      z.object({
        id: z.string(),
        pages_per_agent_day: z.number(),
        notices_per_agent_day: z.number(),
        reasons: z.array(z.string()),
      }),
    ),
  })
  .register(answers, { id: 'Budget' });

export const acceptBody = z
  .strictObject({ proposal: z.string().min(1).max(100), comment: comment.nullable().optional(), key })
  .register(requests, { id: 'BudgetAcceptance' });

export type AuditQuery = z.input<typeof auditQuery>;
export type AuditEntryAnswer = z.output<typeof auditEntryAnswer>;
export type AuditAnswer = z.output<typeof auditAnswer>;
export type ConfigAnswer = z.output<typeof configAnswer>;
export type SettingsBody = z.input<typeof settingsBody>;
export type SettingsAnswer = z.output<typeof settingsAnswer>;
export type ModelsAnswer = z.output<typeof modelsAnswer>;
export type ModelAnswer = z.output<typeof modelAnswer>;
export type ActivateBody = z.input<typeof activateBody>;
export type ChoiceAnswer = z.output<typeof choiceAnswer>;
export type BudgetAnswer = z.output<typeof budgetAnswer>;
export type AcceptBody = z.input<typeof acceptBody>;
