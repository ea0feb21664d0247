/** The line form of the fleet stage's records in `log:events`, decoded as strictly as every other control record. */
import { z } from 'zod';

const timeMs = z.number().int().min(0).max(8.64e15);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** As LIMITS of event/schema.ts bound them where they were taken in, with room. */
const name = z.string().max(4_096);
const names = z.array(name).max(64);
const head = {
  type: z.literal('fleet'),
  timeMs,
  n: count,
  tenant: name,
  finding: z.string().regex(/^f-[0-9a-f]{16}$/),
};

/** One of FleetRecord (engine/fleet-record.ts). */
export const fleetSchema = z.discriminatedUnion('state', [
  z.strictObject({
    ...head,
    state: z.literal('outage'),
    fromMs: timeMs,
    endpoints: names,
    isWide: z.boolean(),
    agents: count,
    active: count,
    p: z.number().min(0).max(1),
  }),
  z.strictObject({ ...head, state: z.literal('over'), fromMs: timeMs }),
  z.strictObject({
    ...head,
    state: z.literal('deploy'),
    fromMs: timeMs,
    cohort: name,
    members: count,
    endpoint: name,
    hash: z.string().regex(/^[0-9a-f]{16}$/),
    agents: count,
  }),
  z.strictObject({
    ...head,
    state: z.literal('shared-credential'),
    agent: name.min(1),
    root: name.min(1),
    credential: name,
    others: names,
    bound: z.boolean(),
    seenMs: timeMs,
  }),
  z.strictObject({
    ...head,
    state: z.literal('delegation-tree'),
    how: z.enum(['broader', 'deeper', 'shared']),
    agent: name.min(1),
    observed: count,
    expected: count,
    other: name.nullable(),
    bound: z.boolean(),
    seenMs: timeMs,
  }),
]);
