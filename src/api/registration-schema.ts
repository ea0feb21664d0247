/**
 * What people register of an agent, on the wire: the same members in a call about one agent, in a file of many, and in
 * every answer. Members left out stay as they are, also within `delegation` and `credential`; null takes one away.
 */
import * as z from 'zod';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { TRUST_LEVELS } from '../registry/registry.js';

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const NAMES_MAX = 256;

const text = (max: number) => z.string().min(1).max(max).refine(isNameText, NOT_A_NAME);
const name = text(LIMITS.name);
const word = text(64);
const usd = z.number().min(0).max(1e9);
/** A star anywhere else would silently match nothing. */
const patterns = (max: number) =>
  z.array(text(max).refine((one) => !one.slice(0, -1).includes('*'), "'*' may stand only at the end")).max(NAMES_MAX);
const moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], 'is no day or time of ISO 8601');
const steps = z.number().int().min(0).max(1_000_000);

export const CREDENTIAL_KINDS = ['static-key', 'oauth-client', 'workload-identity', 'certificate', 'other'] as const;

/** Whom a row of a file or a call is about. */
export const agentName = name;
export const tenantName = z.string().max(LIMITS.name).refine(isNameText, NOT_A_NAME);

/** Members of a request, all of which may be left out, but the budgets. */
export const registerMembers = {
  owner: name.nullable().optional().describe('who answers for it'),
  parent: name.nullable().optional().describe('the agent that it works for: a stop of that one covers it too'),
  role: word.nullable().optional(),
  labels: z.array(word).max(64).optional(),
  scopes: z.array(name).max(NAMES_MAX).optional(),
  protected: z.boolean().optional(),
  technical_owner: name.nullable().optional().describe('who mends it'),
  purpose: text(1_000).nullable().optional(),
  environment: word.nullable().optional(),
  trust: z.enum(TRUST_LEVELS).nullable().optional(),
  operations: patterns(LIMITS.name).nullable().optional().describe('that it may use; null: not limited here'),
  endpoints: patterns(LIMITS.name).nullable().optional(),
  targets: patterns(LIMITS.target).nullable().optional(),
  data_classes: z.array(word).max(NAMES_MAX).nullable().optional(),
  delegation: z
    .strictObject({
      depth_max: steps.nullable().optional().describe('steps below it; 0: no sub-agents'),
      breadth_max: steps.nullable().optional().describe('sub-agents of its own at once'),
      agents: patterns(LIMITS.name).nullable().optional().describe('whom it may delegate to'),
    })
    .nullable()
    .optional(),
  credential: z
    .strictObject({
      kind: z.enum(CREDENTIAL_KINDS).optional(),
      issued: moment.nullable().optional(),
      expires: moment.nullable().optional(),
      rotated: moment.nullable().optional(),
    })
    .nullable()
    .optional(),
  agent_version: name.nullable().optional().describe('version of its code that was reviewed'),
  review_on: moment.nullable().optional().describe('when its access is to be reviewed next'),
};

/** Of a call; a limit must not go because it was left out. */
export const budgetsMember = z.strictObject({ session_usd: usd.nullable(), day_usd: usd.nullable() });

/** One agent of a file, or of an import. */
export const agentRow = z.strictObject({
  agent: agentName,
  tenant: tenantName.default(''),
  ...registerMembers,
  budgets: z.strictObject({ session_usd: usd.nullable().optional(), day_usd: usd.nullable().optional() }).optional(),
  if_version: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable().optional(),
});
export type AgentRow = z.output<typeof agentRow>;
/** What a call or a row wants of one agent. */
export type RegisterWish = Omit<AgentRow, 'agent' | 'tenant' | 'if_version'>;

const patternsAnswer = z.array(z.string()).nullable();
const momentAnswer = z.string().nullable().describe('a day, or a time in UTC, ISO 8601');

/** Members of an answer. */
export const registrationAnswer = {
  technical_owner: z.string().nullable(),
  purpose: z.string().nullable(),
  environment: z.string().nullable(),
  trust: z.enum(TRUST_LEVELS).nullable(),
  operations: patternsAnswer.describe('null: not limited here'),
  endpoints: patternsAnswer,
  targets: patternsAnswer,
  data_classes: patternsAnswer,
  delegation: z
    .object({ depth_max: z.number().nullable(), breadth_max: z.number().nullable(), agents: patternsAnswer })
    .nullable(),
  credential: z
    .object({
      kind: z.enum(CREDENTIAL_KINDS),
      issued: momentAnswer,
      expires: momentAnswer,
      rotated: momentAnswer,
    })
    .nullable(),
  agent_version: z.string().nullable(),
  review_on: momentAnswer,
};
