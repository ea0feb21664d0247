/**
 * What may be asked and what is answered, as zod schemas: they check every call and make the OpenAPI document. Members
 * are snake_case on the wire; unknown members of a request are refused, because a misspelt one in a stop is a danger.
 */
import * as z from 'zod';
import { ACTIONS, MODES, SEVERITIES } from '../decide/finding.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { TRUST_LEVELS } from '../registry/registry.js';
import { AGENT_SORTS } from './agent-order.js';
import { ROLES } from './contract.js';
import { budgetsMember, registerMembers, registrationAnswer } from './registration-schema.js';

/** Schemas by name, for the document's components. */
export const requests = z.registry<{ id: string }>();
export const answers = z.registry<{ id: string }>();

const NAME_MAX = LIMITS.name;
const YEAR_MS = 366 * 24 * 3600 * 1000;
const NOT_A_NAME = 'holds a control character or a lone surrogate';

// The same limits as an event's: whom events can name, routes can name, and nobody else.
const tenant = z.string().max(NAME_MAX).refine(isNameText, NOT_A_NAME);
const agent = z.string().min(1).max(NAME_MAX).refine(isNameText, NOT_A_NAME);
const text = z.string().min(1).max(500);
const word = z.string().min(1).max(64).refine(isNameText, NOT_A_NAME);
const key = z.string().min(1).max(200);
const version = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

// Parts of the path and the query.

export const agentPath = z.object({ agent });
export const idPath = z.object({ id: z.string().min(1).max(300) });
export const tenantQuery = z.strictObject({ tenant: tenant.default('') });
export const emptyQuery = z.strictObject({});
export const resetQuery = z.strictObject({
  tenant: tenant.default(''),
  as_of: z.union([z.iso.date(), z.iso.datetime({ offset: true })]).optional(),
});

const limit = z.coerce.number().int().min(1).max(1000).default(100);

/** Which agents; what is left out does not matter. */
export const agentsFilter = {
  owner: z.string().max(NAME_MAX).optional().describe('the technical owner counts too'),
  role: z.string().max(64).optional(),
  label: z.string().max(64).optional(),
  trust: z.enum(TRUST_LEVELS).optional(),
  environment: z.string().max(64).optional(),
  registered: z.enum(['true', 'false']).optional(),
  q: z.string().max(NAME_MAX).optional().describe('part of its name, owners or purpose, in any case'),
};

export const agentsQuery = z.strictObject({
  limit,
  cursor: z.string().min(1).max(4_096).optional(),
  sort: z.enum(AGENT_SORTS).default('seen').describe('in the order of first sight, by name, or the riskiest first'),
  tenant: tenant.optional(),
  status: z.enum(['active', 'throttled', 'restricted', 'suspended', 'revoked']).optional(),
  ...agentsFilter,
});

// Bodies.

export const registerBody = z
  .strictObject({ ...registerMembers, budgets: budgetsMember.optional(), if_version: version.nullable().optional() })
  .register(requests, { id: 'Registration' });

export const stopBody = z
  .strictObject({
    action: z.enum(ACTIONS),
    reason: text,
    for_ms: z.number().int().min(1000).max(YEAR_MS).nullable().optional(),
    calls_per_minute: z.number().int().min(1).max(1e6).nullable().optional(),
    unseen: z.boolean().optional().describe('true: stop the name although it was never seen'),
    key: key.optional(),
  })
  .refine((body) => (body.action === 'throttle') === (typeof body.calls_per_minute === 'number'), {
    path: ['calls_per_minute'],
    message: 'is needed for throttle, and only there',
  })
  .register(requests, { id: 'Stop' });

export const releaseBody = z
  .strictObject({
    reason: text,
    if_version: version.nullable().optional(),
    mistake: z.boolean().optional().describe('true: the stop was wrong; a policy on a ladder begins its step anew'),
    key: key.optional(),
  })
  .register(requests, { id: 'Release' });

export const tokenBody = z
  .strictObject({
    name: word,
    roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
    tenants: z.array(tenant).min(1).max(1000).nullable().optional(),
    agents: z.array(agent).min(1).max(1000).nullable().optional(),
    expires_in_ms: z.number().int().min(60_000).max(YEAR_MS).nullable().optional().describe('null: it does not end'),
  })
  .register(requests, { id: 'TokenRequest' });

// Answers.

const ms = z.number().describe('ms since the epoch');

export const problemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    retry: z.boolean(),
    next: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ member: z.string(), message: z.string() })).optional(),
  })
  .register(answers, { id: 'Problem' });

const rejections = z.array(z.object({ line: z.number().int().min(1), code: z.string(), reason: z.string() })).max(100);

export const ingestAnswer = z
  .object({
    accepted: z.number().int().describe('durable, by this call or before'),
    duplicates: z.number().int().describe('of those accepted: durable before, and not written again'),
    rejected: z.number().int(),
    rejections,
  })
  .register(answers, { id: 'IngestAnswer' });

export const allRejectedAnswer = problemAnswer
  .extend({ accepted: z.literal(0), rejected: z.number().int(), rejections })
  .register(answers, { id: 'AllRejected' });

export const tracesAnswer = z
  .object({
    partialSuccess: z
      .object({ rejectedSpans: z.string().describe('a number as text'), errorMessage: z.string() })
      .optional(),
  })
  .describe('ExportTraceServiceResponse')
  .register(answers, { id: 'TracesAnswer' });

export const tracesStatus = z
  .object({ code: z.number().int(), message: z.string() })
  .describe('google.rpc.Status')
  .register(answers, { id: 'TracesStatus' });

export const agentAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    registered: z.boolean(),
    version: z.number().int(),
    parent: z.string().nullable(),
    owner: z.string().nullable(),
    role: z.string().nullable(),
    labels: z.array(z.string()),
    scopes: z.array(z.string()),
    budgets: z.object({ session_usd: z.number().nullable(), day_usd: z.number().nullable() }),
    protected: z.boolean(),
    agent_versions: z.array(z.string()),
    status: z.enum(['active', 'throttled', 'restricted', 'suspended', 'revoked']),
    until_ms: z.number().nullable(),
    calls_per_minute: z.number().nullable(),
    reason: z.string().nullable(),
    attempts: z.number().int().describe('calls refused since the stop'),
    first_seen_ms: ms,
    last_change_ms: ms,
    ...registrationAnswer,
  })
  .register(answers, { id: 'Agent' });

const agentRow = agentAnswer.extend({
  risk: z.number().describe('0 to 100'),
  open_findings: z.number().int(),
});

export const agentsAnswer = z
  .object({
    agents: z.array(agentRow),
    cursor: z.string().nullable().describe('cursor of the next page; null at the end'),
  })
  .register(answers, { id: 'Agents' });

export const verdictAnswer = z
  .object({
    effect: z.enum(['applied', 'recommended', 'observed', 'duplicate', 'refused', 'none']),
    reason: z.string().nullable(),
    key: z.string().nullable().describe('idempotency key of a stop or release, as the caller knows it'),
    agent: agentAnswer.nullable(),
    approval: z.string().nullable().describe('what it waits for; null: nothing'),
  })
  .register(answers, { id: 'Verdict' });

const evidence = z.array(z.object({ offset: z.number(), event: z.string().nullable() }));

export const proposalAnswer = z
  .object({
    key: z.string(),
    time: z.string(),
    tenant: z.string(),
    agent: z.string(),
    action: z.enum(ACTIONS),
    mode: z.enum(MODES),
    reason: z.string(),
    finding: z.string(),
    kind: z.string(),
    severity: z.enum(SEVERITIES),
    for_ms: z.number().nullable(),
    calls_per_minute: z.number().nullable(),
    policy: z.string(),
    rule: z.string(),
    hard_budget: z.boolean(),
    evidence,
  })
  .register(answers, { id: 'Proposal' });

export const findingAnswer = z
  .object({
    id: z.string(),
    time: z.string(),
    tenant: z.string(),
    agent: z.string(),
    root: z.string(),
    session: z.string().nullable(),
    severity: z.enum(SEVERITIES),
    kind: z.string(),
    title: z.string(),
    p: z.number(),
    risk: z.number(),
    attribution: z.array(
      z.object({
        detector: z.string(),
        feature: z.string(),
        observed: z.number().nullable(),
        expected: z.number().nullable(),
        share: z.number(),
      }),
    ),
    evidence,
    model: z.string(),
    config: z.string(),
    status: z.string(),
    bound: z.boolean(),
    proposal: z.string().nullable(),
    muted_by: z.string().nullable().describe('id of the verdict or suppression that made a notice of it'),
  })
  .register(answers, { id: 'Finding' });

export const resetAnswer = z.object({ reset: z.literal(true) }).register(answers, { id: 'Reset' });

export const statusAnswer = z.looseObject({}).register(answers, { id: 'Status' });

const health = z.object({ ok: z.boolean(), reason: z.string().nullable() });
export const healthAnswer = health
  .extend({ stop: health.optional().describe('whether an agent could be stopped now; at /readyz') })
  .register(answers, { id: 'Health' });

export const tokenEntryAnswer = z
  .object({
    id: z.string(),
    actor: z.string(),
    roles: z.array(z.enum(ROLES)),
    tenants: z.array(z.string()).nullable(),
    agents: z.array(z.string()).nullable(),
    created_ms: ms,
    expires_ms: ms.nullable(),
    used_ms: ms.nullable().describe('its last use, down to the minute'),
  })
  .register(answers, { id: 'TokenEntry' });

export const tokenAnswer = z
  .object({ entry: tokenEntryAnswer, token: z.string().describe('shown this once') })
  .register(answers, { id: 'Token' });

export const tokensAnswer = z.object({ tokens: z.array(tokenEntryAnswer) }).register(answers, { id: 'Tokens' });

/** The document itself: an OpenAPI 3.1 object. */
/** Prometheus text. */
export const metricsAnswer = z.string().register(answers, { id: 'Metrics' });

export const documentAnswer = z.looseObject({ openapi: z.string() }).register(answers, { id: 'Document' });

// Types of the wire, for the client.
export type RegisterBody = z.input<typeof registerBody>;
export type StopBody = z.input<typeof stopBody>;
export type ReleaseBody = z.input<typeof releaseBody>;
export type AgentAnswer = z.output<typeof agentAnswer>;
export type AgentsAnswer = z.output<typeof agentsAnswer>;
export type VerdictAnswer = z.output<typeof verdictAnswer>;
export type FindingAnswer = z.output<typeof findingAnswer>;
export type TokenEntryAnswer = z.output<typeof tokenEntryAnswer>;
export type ProposalAnswer = z.output<typeof proposalAnswer>;
