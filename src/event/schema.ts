/**
 * The wire form of an event as a zod schema: the contract, and the source of every reason for a refusal. Decoding
 * takes a shortcut past it for valid events (check.ts), and a property test holds the two together.
 */
import { z } from 'zod';
import { FLEET, OPERATIONS, STATUSES } from './event.js';
import { hasControl, isWellFormed } from './text.js';
import { parseTime, TIME_END_MS, TIME_MIN_MS } from './time.js';

/**
 * The largest an event may be. Lengths are UTF-16 code units, `lineBytes` is bytes (a line of text is never longer in
 * units than in bytes, so one number serves both), numbers are in the member's own unit.
 */
export const LIMITS = {
  lineBytes: 262_144,
  /** id, agent, endpoint, tenant, parent, session and every other name that has no row of its own. */
  name: 256,
  /** Targets are URLs and paths. */
  target: 1024,
  /** OAuth scopes are lists. */
  scope: 1024,
  task: 1024,
  /** Room for a post-quantum signature in base64. */
  signature: 8192,
  onBehalfOf: 16,
  tokens: 1e9,
  costUsd: 1e6,
  latencyMs: 1e9,
  bytes: 1e15,
} as const;

const WELL_FORMED = 'must not contain a lone surrogate';

/** Text that a person wrote or a machine addressed: any characters, at most `max` long, may be empty. */
function text(max: number) {
  return z.string('must be text').max(max, `must be at most ${max} characters long`).refine(isWellFormed, WELL_FORMED);
}

/** Text that is a key or stands in a finding: as text(), without control characters. */
function name() {
  return text(LIMITS.name).refine((value) => !hasControl(value), 'must not contain a control character');
}

function required() {
  return name().min(1, 'must not be empty');
}

function isNotFleet(value: string): boolean {
  return value !== FLEET;
}

const RESERVED = `must not be ${FLEET}, which stands for all agents`;

function quantity(max: number) {
  const range = `must be a number from 0 to ${max}`;
  return z.number(range).min(0, range).max(max, range);
}

function instant() {
  return z
    .string('must be text')
    .refine((value) => !Number.isNaN(parseTime(value)), 'must be ISO 8601 in UTC, as 2025-06-02T00:00:50.487Z')
    .refine((value) => !isOutsideYears(parseTime(value)), 'must lie in the years 2000 to 2099');
}

function isOutsideYears(timeMs: number): boolean {
  return timeMs < TIME_MIN_MS || timeMs >= TIME_END_MS;
}

/** One event as it travels; members that it does not name are ignored. */
export const wireSchema = z.object({
  id: required(),
  time: instant(),
  agent: required().refine(isNotFleet, RESERVED),
  operation: z.enum(OPERATIONS, `must be one of ${OPERATIONS.join(', ')}`),
  endpoint: required(),
  tenant: name().nullish(),
  parent: name().refine(isNotFleet, RESERVED).nullish(),
  session: name().nullish(),
  target: text(LIMITS.target).nullish(),
  status: z.enum(STATUSES, `must be one of ${STATUSES.join(', ')}`).nullish(),
  error_type: text(LIMITS.name).nullish(),
  latency_ms: quantity(LIMITS.latencyMs).nullish(),
  input_tokens: quantity(LIMITS.tokens).nullish(),
  output_tokens: quantity(LIMITS.tokens).nullish(),
  cost_usd: quantity(LIMITS.costUsd).nullish(),
  bytes_out: quantity(LIMITS.bytes).nullish(),
  model: text(LIMITS.name).nullish(),
  version: text(LIMITS.name).nullish(),
  credential: text(LIMITS.name).nullish(),
  source: text(LIMITS.name).nullish(),
  environment: text(LIMITS.name).nullish(),
  scope: text(LIMITS.scope).nullish(),
  task: text(LIMITS.task).nullish(),
  initiator: text(LIMITS.name).nullish(),
  on_behalf_of: z
    .array(text(LIMITS.name).min(1, 'must not be empty'), 'must be an array of names')
    .max(LIMITS.onBehalfOf, `must have at most ${LIMITS.onBehalfOf} entries`)
    .nullish(),
  approval: text(LIMITS.name).nullish(),
  data_class: text(LIMITS.name).nullish(),
  trace: text(LIMITS.name).nullish(),
  signature: text(LIMITS.signature).nullish(),
});

/** An event that passed the schema, still with the wire's names. */
export type WireEvent = z.infer<typeof wireSchema>;
