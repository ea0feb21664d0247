/** The policy in force and its ladder, on the wire. */
import * as z from 'zod';
import { ACTIONS, MODES, SEVERITIES } from '../decide/finding.js';
import { answers, requests } from './schema.js';

const ms = z.number().describe('ms since the epoch');

export const ladderBody = z
  .strictObject({
    policy: z.string().min(1).max(100).describe('name of the policy in force'),
    to: z.enum(MODES).describe('the next step up, or any step down; observe is training'),
    reason: z.string().min(1).max(500),
  })
  .register(requests, { id: 'LadderStep' });

const would = z.object({
  rule: z.string(),
  action: z.enum(ACTIONS),
  mode: z.enum(MODES).describe('how far the next step would let this rule go'),
  count: z.number().int(),
  agents: z
    .array(z.object({ tenant: z.string(), agent: z.string(), count: z.number().int(), severity: z.enum(SEVERITIES) }))
    .describe('worst first, at most 20'),
});

const wouldDeny = z.object({
  rule: z.string().nullable(),
  denial: z.string(),
  count: z.number().int(),
  agents: z.array(z.string()),
});

const ladder = z.object({
  step: z.enum(MODES),
  next: z.enum(MODES).nullable().describe('null: it stands at the top'),
  since_ms: ms,
  clean_since_ms: ms.describe('since the step was taken, or the last false decision on it'),
  mistakes: z.number().int(),
  promote_after_ms: z.number(),
  ready_ms: ms.nullable().describe('from when on the next step may be taken'),
  would: z.array(would).describe('what the next step would have done since this one was taken, worst first'),
  would_deny: z.array(wouldDeny).describe('calls that the next step would have refused'),
  forgotten: z.number().int().describe('older proposals of this step than are remembered'),
});

export const policyAnswer = z
  .object({
    name: z.string().nullable().describe('null: no policy has been read yet'),
    mode: z.enum(MODES).describe('in force: the policy as it stands on its ladder'),
    top: z.enum(MODES).describe('as the policy is written'),
    rules: z.array(z.string()),
    permissions: z.array(z.string()),
    two_people: z.array(z.string()),
    ladder: ladder.nullable(),
  })
  .register(answers, { id: 'Policy' });

export type LadderBody = z.input<typeof ladderBody>;
export type PolicyAnswer = z.output<typeof policyAnswer>;
