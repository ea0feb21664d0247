/** Reports and access reviews, on the wire. */
import * as z from 'zod';
import { REPORTS } from '../registry/report.js';
import { registerMembers } from './registration-schema.js';
import { agentsFilter, answers, requests } from './schema.js';

const DAYS_MAX = 3_660;
const days = z.coerce.number().int().min(1).max(DAYS_MAX);
const names = z.array(z.string());

export const reportPath = z.object({ name: z.enum(REPORTS) });
export const reportQuery = z.strictObject({
  days: days.optional().describe('looked back; credentials 365, idle and scopes 30 without it'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  ...agentsFilter,
  tenant: z.string().max(256).optional(),
});

export const reportAnswer = z
  .object({
    name: z.enum(REPORTS),
    time: z.string(),
    days: z.number().int(),
    basis: z.enum(['registry', 'history']).describe('what it rests on'),
    note: z.string().nullable().describe('what it cannot tell, and why'),
    total: z.number().int(),
    rows: z.array(
      z.object({
        tenant: z.string(),
        agent: z.string(),
        owner: z.string().nullable(),
        role: z.string().nullable(),
        reason: z.string(),
        since: z.string().nullable(),
        fewer: z
          .object({ scopes: names, operations: names, endpoints: names, targets: names })
          .partial()
          .nullable()
          .describe('right-sizing: what to register instead'),
      }),
    ),
  })
  .register(answers, { id: 'Report' });

export const reviewQuery = z.strictObject({
  days: days.default(30).describe('looked back for what was used'),
  ...agentsFilter,
  tenant: z.string().max(256).optional(),
});

/** The document; its members are in docs/registry.md. */
export const reviewAnswer = z.looseObject({}).register(answers, { id: 'AccessReview' });
export const auditKeyAnswer = z
  .object({ kty: z.string(), crv: z.string(), x: z.string(), kid: z.string(), use: z.string(), alg: z.string() })
  .describe('JWK')
  .register(answers, { id: 'AuditKey' });

export const DECISIONS = ['keep', 'remove', 'change'] as const;

const budgets = z.strictObject({
  session_usd: z.number().min(0).max(1e9).nullable(),
  day_usd: z.number().min(0).max(1e9).nullable(),
});

/** One agent of a filled-in document: what is applied is looked at here, the rest is for the signature to hold. */
export const reviewedAgent = z
  .looseObject({
    tenant: z.string(),
    agent: z.string(),
    version: z.number().int(),
    decision: z.enum(DECISIONS).nullable().default(null),
    change: z
      .strictObject({ ...registerMembers, budgets: budgets.partial().optional() })
      .nullable()
      .default(null),
    comment: z.string().max(1_000).nullable().default(null),
  })
  .refine(({ decision, change }) => (decision === 'change') === (change !== null), {
    path: ['change'],
    message: "is needed for the decision 'change', and only there",
  });
export type ReviewedAgent = z.output<typeof reviewedAgent>;

export const reviewBody = z
  .looseObject({
    format: z.literal(1),
    id: z.string().min(1).max(100),
    agents: z.array(z.looseObject({})).max(10_000).describe('as made, with decision, change and comment filled in'),
    signature: z.strictObject({ alg: z.literal('Ed25519'), kid: z.string().max(100), value: z.string().max(200) }),
  })
  .register(requests, { id: 'FilledReview' });
export type FilledReview = z.output<typeof reviewBody>;

export const applyQuery = z.strictObject({
  next_days: days.default(90).describe('what was decided is reviewed again after so many days'),
});

export const appliedAnswer = z
  .object({
    review: z.string(),
    kept: z.number().int(),
    removed: z.number().int(),
    changed: z.number().int(),
    undecided: z.number().int(),
    refused: z.array(z.object({ tenant: z.string(), agent: z.string(), reason: z.string() })),
  })
  .register(answers, { id: 'AppliedReview' });

export type ReportAnswer = z.output<typeof reportAnswer>;
export type AppliedAnswer = z.output<typeof appliedAnswer>;
