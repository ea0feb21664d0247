/**
 * The line form of an engine's records in `log:events`: an event as its sender wrote it, everything else as this
 * program wrote it. Decoding is strict, and what it refuses is a value: a line that is no record goes to the dead
 * letter and never stops its partition.
 */
import { z } from 'zod';
import { ACTIONS, KINDS } from '../decide/finding.js';
import { SUPPRESSION_LIMITS } from '../decide/suppression.js';
import { TRUST_LEVELS } from '../decide/trust.js';
import { isFit } from '../engine/dated-profile.js';
import { type ControlRecord, type EngineRecord, type TickRecord, VERDICTS } from '../engine/record.js';
import { decodeValue, rejection } from '../event/decode.js';
import type { Rejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { LIMITS } from '../event/schema.js';
import { fleetSchema } from './fleet-line.js';
import { parseStoredSettings } from './stored-settings.js';

/** The wrapper around an event's own line, bytes. */
const WRAPPER_BYTES = 64;
/** A model's version becomes a file's name. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Beyond it a Date has no ISO form. */
const TIME_MAX_MS = 8.64e15;

/** Characters of what a source's record says of its rejections: it stands in a finding's title. */
export const SOURCE_REASON_MAX = 300;

const timeMs = z.number().int().min(0).max(TIME_MAX_MS);
const usd = z.number().min(0).nullable();
const items = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const datedSchema = z
  .strictObject({ timeMs, layout: z.string(), bound: z.string().nullable(), unbound: z.string().nullable() })
  .refine(isFit, 'profiles of another layout or length');
const verdictId = z.string().min(1).max(64);
const name = z.string().min(1).max(LIMITS.name);
const words = z.string().max(500);
/** A verdict as people's files and the log hold it. */
export const verdictSchema = z.strictObject({
  type: z.literal('verdict'),
  timeMs,
  id: verdictId,
  tenant: z.string().max(LIMITS.name),
  scope: z.union([z.strictObject({ agent: name }), z.strictObject({ role: name })]),
  verdict: z.enum(VERDICTS),
  kind: z.enum(KINDS),
  detector: words,
  feature: words,
  endpoint: z.string().max(LIMITS.name).nullable(),
  target: z.string().max(LIMITS.target).nullable(),
  session: z.string().nullable(),
  direction: z.literal('up'),
  level: z.number(),
  sinceMs: timeMs,
  untilMs: timeMs,
  actor: z.string(),
  comment: words.nullable(),
  finding: words.nullable(),
});
/** A suppression likewise. */
export const suppressionSchema = z.strictObject({
  type: z.literal('suppress'),
  timeMs,
  id: verdictId,
  tenant: z.string().max(LIMITS.name),
  scope: z.union([
    z.strictObject({ agent: name }),
    z.strictObject({ role: name }),
    z.strictObject({ tenant: z.literal(true) }),
  ]),
  kinds: z.array(z.enum(KINDS)).min(1).max(KINDS.length).nullable(),
  detector: words.nullable(),
  endpoint: z.string().max(LIMITS.name).nullable(),
  target: z.string().max(LIMITS.target).nullable(),
  below: z.enum(SUPPRESSION_LIMITS),
  times: z.number().min(1).optional(),
  fromMs: timeMs,
  untilMs: timeMs,
  reason: words,
  actor: z.string(),
});
const stopSchema = z.strictObject({
  sinceMs: timeMs,
  untilMs: timeMs.nullable(),
  action: z.enum(ACTIONS),
  version: items,
  automatic: z.boolean(),
});
/** What the registry's side must page about. */
const responderSchema = z.strictObject({
  type: z.literal('responder'),
  timeMs,
  what: z.enum(['breaker-open', 'stop-unverified', 'delivery-dead', 'halt']),
  tenant: z.string().max(LIMITS.name),
  agent: name,
  key: z.string().min(1).max(500),
  words,
  agents: z.array(z.string().max(LIMITS.name)).max(100),
});
const controlSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('tick'), timeMs }),
  z.strictObject({ type: z.literal('model'), timeMs, version: z.string().regex(VERSION) }),
  z.strictObject({
    type: z.literal('agent'),
    timeMs,
    tenant: z.string(),
    agent: z.string().min(1),
    role: z.string().nullable(),
    labels: z.array(z.string()),
    budgets: z.strictObject({ sessionUsd: usd, dayUsd: usd }),
    stopped: stopSchema.nullish(),
    protected: z.literal(true).optional(),
    trust: z.enum(TRUST_LEVELS).optional(),
    environment: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('reset'),
    timeMs,
    tenant: z.string(),
    agent: z.string().min(1),
    actor: z.string(),
    dated: datedSchema.optional(),
  }),
  verdictSchema,
  z.strictObject({ type: z.literal('verdict-undo'), timeMs, id: verdictId, actor: z.string() }),
  suppressionSchema,
  z.strictObject({ type: z.literal('suppress-undo'), timeMs, id: verdictId, actor: z.string() }),
  z.strictObject({
    type: z.literal('source'),
    timeMs,
    source: z.string().min(1).max(64),
    state: z.enum(['refused', 'accepted']),
    rejections: items,
    of: items,
    reason: z.string().max(SOURCE_REASON_MAX),
  }),
  fleetSchema,
  responderSchema,
  z.strictObject({
    type: z.literal('config'),
    timeMs,
    settings: z.unknown().refine((settings) => parseStoredSettings(settings) !== null, 'settings are incomplete'),
  }),
]);

/** One line of `log:events`; `offset` is its own, for the rejection. */
export function decodeRecord(line: string, offset: number, prices: PriceTable): EngineRecord | Rejection {
  // In characters, which are never more than bytes: the bytes were limited when the line was taken in.
  if (line.length > LIMITS.lineBytes + WRAPPER_BYTES && line.startsWith('{"type":"event"')) {
    return rejection('event.too-long', `record is longer than ${LIMITS.lineBytes + WRAPPER_BYTES} characters`, offset);
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return rejection('event.bad-json', 'record is not JSON', offset);
  }
  const record = value as { type?: unknown; bound?: unknown; event?: unknown } | null;
  if (typeof record !== 'object' || record === null || record.type !== 'event') return decodeControl(value, offset);
  if (typeof record.bound !== 'boolean' || Object.keys(record).length !== 3) {
    return rejection('record.invalid', 'an event record has the members type, bound and event', offset);
  }
  const event = decodeValue(record.event, offset, prices);
  return 'rejected' in event ? event : { type: 'event', event, bound: record.bound };
}

function decodeControl(value: unknown, offset: number): EngineRecord | Rejection {
  const verdict = controlSchema.safeParse(value);
  if (verdict.success) return verdict.data;
  const issue = verdict.error.issues[0];
  return rejection('record.invalid', `record: ${issue.path.join('.') || 'type'}: ${issue.message}`, offset);
}

/** A record that this program writes, as its line. */
export function encodeRecord(record: ControlRecord | TickRecord): string {
  return JSON.stringify(record);
}

/** An event's line wrapped as ingest wraps it; the line must be JSON on one line. */
export function encodeEvent(line: string, bound: boolean): string {
  const json = line.includes('\r') ? line.replaceAll('\r', ' ') : line;
  return `{"type":"event","bound":${bound},"event":${json}}`;
}
