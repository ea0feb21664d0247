/** The blocks `permissions` and `restricted` of a policy file: their form, and what they compile to. */
import { z } from 'zod';
import { duration } from './duration.js';
import { isZone } from './hours.js';
import { type Allowance, type ApprovalRule, DAYS, type Hours, type Permission } from './intent.js';
import { mode, name, names, patterns, refuseTwins } from './policy-terms.js';
import { TRUST_LEVELS } from './trust.js';

const PERMISSIONS_MAX = 200;
const APPROVALS_MAX = 50;
const USES_MAX = 1_000;
const DEPTH_MAX = 32;
const BREADTH_MAX = 100_000;
const DAY_MINUTES = 1_440;

const usd = z.number().min(0).max(1e9);
const trust = z.enum(TRUST_LEVELS);
const allowance = {
  operations: patterns.optional(),
  endpoints: patterns.optional(),
  targets: patterns.optional(),
  data_classes: patterns.optional(),
};

/** Minutes since midnight. */
const clock = z.string('expected a time of day such as 08:00').transform((text, context) => {
  const match = /^(\d{2}):(\d{2})$/.exec(text);
  const minutes = match === null ? Number.NaN : Number(match[1]) * 60 + Number(match[2]);
  if (minutes <= DAY_MINUTES && Number(match?.[2]) < 60) return minutes;
  context.addIssue({ code: 'custom', message: `'${text.slice(0, 40)}' is not a time of day from 00:00 to 24:00` });
  return z.NEVER;
});

const hoursSchema = z.strictObject({
  days: z
    .array(z.enum(DAYS))
    .min(1)
    .max(DAYS.length)
    .default([...DAYS]),
  from: clock.default(0),
  to: clock.default(DAY_MINUTES),
  zone: z.string().max(64).refine(isZone, { error: 'no time zone of this name' }).default('UTC'),
});

const approvalSchema = z
  .strictObject({ name, ...allowance, for: duration, uses: z.number().int().min(1).max(USES_MAX).default(1) })
  .refine(({ operations, endpoints, targets, data_classes: data }) => operations ?? endpoints ?? targets ?? data, {
    error: 'names no operations, endpoints, targets or data_classes: every call would wait for a person',
  });

const permissionSchema = z.strictObject({
  name,
  who: z
    .strictObject({
      agents: patterns.default([]),
      roles: names,
      labels: names,
      trust_min: trust.optional(),
      trust_max: trust.optional(),
      environments: names,
    })
    .prefault({}),
  allow: z.strictObject({ ...allowance, hours: hoursSchema.optional() }).prefault({}),
  budgets: z.strictObject({ session_usd: usd.optional(), day_usd: usd.optional() }).prefault({}),
  delegation: z
    .strictObject({
      depth_max: z.number().int().min(0).max(DEPTH_MAX).optional(),
      breadth_max: z.number().int().min(0).max(BREADTH_MAX).optional(),
      agents: patterns.optional(),
    })
    .optional(),
  approvals: z
    .array(approvalSchema)
    .max(APPROVALS_MAX)
    .default([])
    .superRefine((list, context) => refuseTwins(list, context, 'approval')),
  mode: mode.optional(),
});

/** The list of permissions. */
export const permissionsSchema = z
  .array(permissionSchema)
  .max(PERMISSIONS_MAX)
  .superRefine((list, context) => refuseTwins(list, context, 'permission'));

/** What an agent under `restrict` may still do. */
export const restrictedSchema = z.strictObject({
  operations: patterns.optional(),
  endpoints: patterns.optional(),
  targets: patterns.optional(),
});

type AllowanceFile = Omit<z.infer<typeof approvalSchema>, 'name' | 'for' | 'uses'>;

/** Lists that were written; null where one was not. */
export function compileAllowance(file: AllowanceFile): Allowance {
  const { operations = null, endpoints = null, targets = null, data_classes: dataClasses = null } = file;
  return { operations, endpoints, targets, dataClasses };
}

function compileHours(file: z.infer<typeof hoursSchema> | undefined): Hours | null {
  return file === undefined
    ? null
    : { days: file.days, fromMinute: file.from, toMinute: file.to % DAY_MINUTES || DAY_MINUTES, zone: file.zone };
}

function compileApproval(file: z.infer<typeof approvalSchema>): ApprovalRule {
  return { name: file.name, ...compileAllowance(file), forMs: file.for, uses: file.uses };
}

/** One permission of the file as the registry judges it. */
export function compilePermission(file: z.infer<typeof permissionSchema>): Permission {
  const { who, allow, budgets, delegation } = file;
  return {
    name: file.name,
    who: {
      agents: who.agents,
      roles: who.roles,
      labels: who.labels,
      trustMin: who.trust_min ?? null,
      trustMax: who.trust_max ?? null,
      environments: who.environments,
    },
    allow: { ...compileAllowance(allow), hours: compileHours(allow.hours) },
    budgets: { sessionUsd: budgets.session_usd ?? null, dayUsd: budgets.day_usd ?? null },
    delegation:
      delegation === undefined
        ? null
        : {
            depthMax: delegation.depth_max ?? null,
            breadthMax: delegation.breadth_max ?? null,
            agents: delegation.agents ?? null,
          },
    approvals: file.approvals.map(compileApproval),
    mode: file.mode ?? null,
  };
}
