/** A valid event on the wire, and arbitrary ones: valid, nearly valid and hopeless. */
import fc from 'fast-check';
import { OPERATIONS, STATUSES } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { LIMITS } from '../../src/event/schema.js';

export const SAMPLE: Readonly<Record<string, unknown>> = {
  id: 'fleet:0000000',
  time: '2025-06-02T00:00:50.487Z',
  agent: 'agent-27',
  parent: null,
  session: 'e1f3b5a41b7e',
  operation: 'chat',
  endpoint: 'llm-inference/mm-image',
  target: null,
  status: 'ok',
  latency_ms: null,
  input_tokens: 1353,
  output_tokens: 69,
  cost_usd: 0.0040725,
  bytes_out: null,
};

export const NO_PRICES = createPriceTable([]);

/** The sample with other members; undefined takes a member out. */
export function wire(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...SAMPLE, ...changes });
}

const required = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const optional = (arbitrary: fc.Arbitrary<unknown>) => fc.oneof(arbitrary, fc.constantFrom(null, undefined));
const text = (max: number) =>
  optional(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.constant('x'.repeat(max)), fc.constant('')));
const quantity = (max: number) =>
  optional(fc.oneof(fc.double({ min: 0, max, noNaN: true }), fc.nat(1_000_000), fc.constantFrom(0, -0, max)));

/** What a member may hold instead: other types, text past each limit, controls, halves of pairs, numbers out of range. */
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything(),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom<unknown>(
    '',
    'NaN',
    '1e3',
    'a\u0000b',
    'fleet',
    'a\u009fb',
    '\ud800',
    '\udc00x',
    'x\ud83d\ude00',
    -1,
    -0,
    1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    [],
    ['a', ''],
    ['a', 7],
    Array.from({ length: LIMITS.onBehalfOf + 1 }, () => 'a'),
    '2025-02-29T00:00:00Z',
    '1999-12-31T23:59:59.999Z',
    '2100-01-01T00:00:00Z',
  ),
  fc.constantFrom(256, 257, 1024, 1025, 8192, 8193).map((length) => 'x'.repeat(length)),
);

const time = fc
  .tuple(
    fc.date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2099-12-31T23:59:59.999Z'), noInvalidDate: true }),
  )
  .map(([date]) => date.toISOString());

/** Nearly always valid events with every member. */
export const valid: fc.Arbitrary<Record<string, unknown>> = fc.record({
  id: required,
  time,
  agent: required,
  operation: fc.constantFrom(...OPERATIONS),
  endpoint: required,
  tenant: text(LIMITS.name),
  parent: text(LIMITS.name),
  session: text(LIMITS.name),
  target: text(LIMITS.target),
  status: optional(fc.constantFrom(...STATUSES)),
  error_type: text(LIMITS.name),
  latency_ms: quantity(LIMITS.latencyMs),
  input_tokens: quantity(LIMITS.tokens),
  output_tokens: quantity(LIMITS.tokens),
  cost_usd: quantity(LIMITS.costUsd),
  bytes_out: quantity(LIMITS.bytes),
  model: text(LIMITS.name),
  version: text(LIMITS.name),
  credential: text(LIMITS.name),
  source: text(LIMITS.name),
  environment: text(LIMITS.name),
  scope: text(LIMITS.scope),
  task: text(LIMITS.task),
  initiator: text(LIMITS.name),
  on_behalf_of: optional(fc.array(required, { maxLength: LIMITS.onBehalfOf })),
  approval: text(LIMITS.name),
  data_class: text(LIMITS.name),
  trace: text(LIMITS.name),
  signature: text(LIMITS.signature),
});

const member = fc.constantFrom(
  ...['id', 'time', 'agent', 'operation', 'endpoint', 'tenant', 'parent', 'session', 'target', 'status', 'latency_ms'],
  ...['input_tokens', 'output_tokens', 'cost_usd', 'bytes_out', 'model', 'version', 'credential', 'source', 'scope'],
  ...[
    'environment',
    'task',
    'initiator',
    'on_behalf_of',
    'approval',
    'data_class',
    'trace',
    'signature',
    'error_type',
    'unknown',
  ],
);

/** Valid events of which one or two members were replaced by anything. */
export const damaged: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(valid, fc.array(fc.tuple(member, hostile), { minLength: 1, maxLength: 2 }))
  .map(([event, changes]) => ({ ...event, ...Object.fromEntries(changes) }));
