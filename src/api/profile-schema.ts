/** What is known of an agent, on the wire: profile, bands, risk, tree. */
import * as z from 'zod';
import { SEVERITIES } from '../decide/finding.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { answers } from './schema.js';
import { spanMembers } from './time-span.js';

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const tenant = z.string().max(LIMITS.name).refine(isNameText, NOT_A_NAME).default('');
const whole = z.number().int();
const at = z.number().describe('ms since the epoch');
const usd = z.number().describe('US dollars');
const nullable = z.number().nullable();

export const profileQuery = z.strictObject({ tenant });
export const bandsQuery = z.strictObject({ tenant, ...spanMembers });

const usual = z
  .object({ low: z.number(), expected: z.number(), high: z.number() })
  .describe('what is usual: one in a hundred lies outside of low to high');

const costLaw = z.object({
  usual: usual.nullable().describe('null: too few were seen'),
  learned: z.number(),
});
const known = z.object({
  remembered: whole,
  adopted: whole.describe('used often and long enough to be normal'),
  recent: whole.describe('first seen within 7 days'),
  slots: whole,
});

export const profileAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    root: z.string().describe('whose profile it is: one is kept for each tree'),
    bound: z.boolean().describe('of events whose senders are bound to the agent'),
    shelved: z.boolean().describe('it waits on the shelf: the agent was not heard of lately'),
    as_of_ms: at.describe('all of it is as of then'),
    standing: z.enum(['learning', 'provisional', 'calibrated']),
    since_ms: at.nullable().describe('when the agent was first seen; null: not known'),
    last_seen_ms: at.nullable(),
    closed_days: whole,
    events: whole,
    sessions: whole,
    longest_silence_ms: z.number(),
    role: z.string().nullable(),
    cohort: z.object({ id: z.string(), members: whole }).nullable(),
    versions: z.array(z.string()).describe('of its code, newest last'),
    model: z.string(),
    config: z.string(),
    risk: z.number().describe('0 to 100, now'),
    open_findings: whole,
    error_share: z.number(),
    windows: z.array(
      z.object({
        stream: z.enum(['events', 'starts', 'spawns', 'errors']),
        window_ms: whole,
        count: z.number().describe('in the window that ends now'),
        mean: z.number(),
        variance: z.number(),
        learned: z.number().describe('windows that mean and variance were learned from'),
        band: usual,
      }),
    ),
    hours: z
      .array(z.number())
      .length(24)
      .nullable()
      .describe('calls by UTC hour of the day over the mean; null: no rhythm'),
    cost: z.object({
      session: costLaw,
      hour: costLaw.describe('of hours in which anything was spent'),
      last_hour_usd: usd,
      day_usd: usd.describe('in the running UTC day'),
      day_projected_usd: usd.describe('at its end, at the pace of the last hour'),
      session_budget_usd: nullable,
      day_budget_usd: nullable,
      running: z.array(
        z.object({
          last_ms: at,
          events: whole,
          cost_usd: usd,
          projected_usd: nullable.describe('what sessions that cost so much come to, on average'),
        }),
      ),
    }),
    endpoints: known,
    targets: known.describe('pairs of endpoint and target'),
    sources: whole,
    environments: whole,
    credentials: whole,
    drift: z.object({
      session_usd: nullable.describe('mean of late, on a log scale'),
      anchor_usd: nullable,
      cost_level: z.number().describe('how far the last sessions stand above the anchor, standard deviations'),
      cost_sum: z.number(),
      calls_per_minute: z.number(),
      anchor_calls_per_minute: z.number(),
      confirmed_calls_per_minute: z.number().nullable(),
      rate_sum: z.number(),
    }),
  })
  .register(answers, { id: 'AgentProfile' });

const band = z.object({
  observed: nullable.describe('null: no history is kept, or it does not answer'),
  low: z.number(),
  expected: z.number(),
  high: z.number(),
});

export const bandsAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    root: z.string(),
    from_ms: at,
    to_ms: at,
    step_ms: whole,
    as_of_ms: at.describe('when the profile stood as the bands say'),
    standing: z.enum(['learning', 'provisional', 'calibrated']),
    seasonal: z.boolean().describe('bands follow the hour of the day'),
    note: z.string().nullable().describe('why nothing was observed'),
    points: z.array(z.object({ time_ms: at, calls: band, errors: band, cost_usd: band.nullable() })).max(501),
  })
  .register(answers, { id: 'AgentBands' });

export const riskAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    root: z.string(),
    from_ms: at,
    to_ms: at,
    step_ms: whole,
    now: z.number(),
    points: z.array(z.object({ time_ms: at, risk: z.number() })).max(501),
    findings: z.array(
      z.object({
        id: z.string(),
        raised_ms: at,
        closed_ms: at.nullable(),
        agent: z.string(),
        severity: z.enum(SEVERITIES),
        kind: z.string(),
        title: z.string(),
        risk: z.number(),
        status: z.string(),
      }),
    ),
  })
  .register(answers, { id: 'AgentRisk' });

export const treeAnswer = z
  .object({
    tenant: z.string(),
    agent: z.string(),
    total: whole.describe('agents of the tree; the list has at most 500'),
    hidden: whole.describe('of those: agents that the token is not bound to'),
    agents: z.array(
      z.object({
        agent: z.string(),
        parent: z.string().nullable(),
        depth: z.number().int().describe('below the agent asked for; negative: above it'),
        status: z.string(),
        registered: z.boolean(),
        trust: z.string().nullable(),
        role: z.string().nullable(),
        owner: z.string().nullable(),
        risk: z.number(),
        open_findings: whole,
        last_change_ms: at,
      }),
    ),
  })
  .register(answers, { id: 'AgentTree' });

export type ProfileAnswer = z.output<typeof profileAnswer>;
export type BandsAnswer = z.output<typeof bandsAnswer>;
export type RiskAnswer = z.output<typeof riskAnswer>;
export type TreeAnswer = z.output<typeof treeAnswer>;
