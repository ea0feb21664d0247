/** The form of a policy file: its members, their limits and defaults. */
import { z } from 'zod';
import { createBrakesSchema } from './brakes-file.js';
import { DURATION_WORDS, duration } from './duration.js';
import { ACTIONS, KINDS, SEVERITIES } from './finding.js';
import { permissionsSchema, restrictedSchema } from './permission-file.js';
import { ON_LEAVE } from './policy.js';
import { mode, name, names, prefixes, refuseTwins } from './policy-terms.js';
import { TRUST_LEVELS } from './trust.js';

const RULES_MAX = 100;
const CALLS_PER_MINUTE_MAX = 1_000_000;
/** Written out, so that a restriction without an end is never the outcome of a line left out. */
const UNTIL_RELEASED = 'until-released';

const whenSchema = z
  .strictObject({
    kinds: z.array(z.enum(KINDS)).default([]),
    severity: z.enum(SEVERITIES).default('high'),
    p_max: z.number().gt(0).max(1).default(1),
    observed_min: z.number().min(0).default(0),
    ratio_min: z.number().min(0).default(0),
    roles: names,
    labels: names,
    trust_max: z.enum(TRUST_LEVELS).optional(),
    environments: names,
  })
  .prefault({});

const doSchema = z
  .strictObject({
    action: z.enum(ACTIONS),
    for: z.union([z.literal(UNTIL_RELEASED).transform(() => null), duration]).optional(),
    calls_per_minute: z.number().int().min(1).max(CALLS_PER_MINUTE_MAX).optional(),
    proportional: z.boolean().optional(),
  })
  .superRefine((wish, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (wish.action === 'revoke' && wish.for !== undefined) complain('for', 'revoke has no end: leave it out');
    if (wish.action !== 'revoke' && wish.for === undefined) {
      complain('for', `missing: expected ${DURATION_WORDS}, or ${UNTIL_RELEASED}`);
    }
    if (wish.action === 'throttle' && wish.calls_per_minute === undefined) {
      complain('calls_per_minute', 'missing: throttle needs it');
    }
    if (wish.action !== 'throttle' && wish.calls_per_minute !== undefined) {
      complain('calls_per_minute', `${wish.action} takes none: leave it out`);
    }
    if (wish.action !== 'throttle' && wish.proportional !== undefined) {
      complain('proportional', `${wish.action} has no rate: leave it out`);
    }
  });

const ruleSchema = z.strictObject({ name, mode: mode.optional(), when: whenSchema, do: doSchema });

/** A whole policy file. */
export const policySchema = z
  .strictObject({
    name,
    mode,
    unregistered: z.enum(['allow', 'deny']).default('allow'),
    ladder: z.strictObject({ promote_after: duration }).optional(),
    two_people: z
      .array(z.enum(['revoke']))
      .max(1)
      .optional(),
    brakes: createBrakesSchema(duration),
    protected: prefixes.default([]),
    sponsors: z.strictObject({ on_leave: z.enum(ON_LEAVE) }).optional(),
    permissions: permissionsSchema.optional(),
    restricted: restrictedSchema.optional(),
    rules: z
      .array(ruleSchema)
      .max(RULES_MAX)
      .superRefine((rules, context) => refuseTwins(rules, context, 'rule')),
  })
  .superRefine((file, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (file.ladder !== undefined && file.mode === 'observe') {
      complain(['ladder'], 'mode is the top of the ladder: with observe, or training, there is nothing to climb to');
    }
    if (file.two_people?.length === 0 || file.mode !== 'enforce') return;
    for (const [index, { mode: own, do: wish }] of file.rules.entries()) {
      if (wish.action !== 'revoke' || (own ?? file.mode) !== 'enforce') continue;
      complain(
        ['rules', index, 'do', 'action'],
        'revoke takes two people: give the rule mode recommend, or the policy two_people: []',
      );
    }
  });

/** A policy file as read, with every default. */
export type PolicyFile = z.infer<typeof policySchema>;
