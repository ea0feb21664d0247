/** Connectors and what they reached, on the wire. */
import * as z from 'zod';
import { EFFECT_STATES } from '../registry/registry.js';
import { answers } from './schema.js';

const breaker = z.enum(['closed', 'open', 'half-open']).describe('open: left alone for a while after failures');
const shared = {
  name: z.string(),
  breaker,
  backlog: z.number().int().describe('what it has still to take'),
  last_error: z.string().nullable(),
  last_error_ms: z.number().nullable(),
};
const count = z.number().int();

export const connectorsAnswer = z
  .object({
    active: z.boolean().describe('whether this process is the one that delivers; another one shows nothing'),
    places: z.array(
      z.object({
        ...shared,
        kind: z.enum(['webhook', 'scim', 'keycloak', 'caep', 'notify']),
        watched: count.describe('stops that were proved there'),
        unverified: count.describe('stops that it has not put in force'),
        effects: z.object(Object.fromEntries(EFFECT_STATES.map((state) => [state, count]))),
      }),
    ),
    addressees: z.array(z.object({ ...shared, kind: z.enum(['pages', 'notify']), sent: count, dead: count })),
  })
  .register(answers, { id: 'Connectors' });

export const effectsAnswer = z
  .object({
    effects: z.array(
      z.object({
        place: z.string().describe("a connector's name, or traffic"),
        state: z.enum(EFFECT_STATES),
        version: count.describe("of the agent's entry, or of cascade_of's"),
        cascade_of: z.string().nullable(),
        reason: z.string().nullable(),
        time_ms: z.number(),
      }),
    ),
    places: z
      .array(z.object({ name: z.string(), verify_within_ms: z.number() }))
      .describe('connectors that have to carry a suspension of the agent'),
  })
  .register(answers, { id: 'Effects' });

export type ConnectorsAnswer = z.output<typeof connectorsAnswer>;
export type EffectsAnswer = z.output<typeof effectsAnswer>;
