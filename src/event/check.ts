/**
 * The schema once more, by hand: the same verdict as wireSchema several times faster, without reasons. Every event
 * passes here; only what is refused goes on to the schema, which says why. A property test (test/event/check.test.ts)
 * holds the two to the same verdict.
 */
import { FLEET, OPERATIONS, STATUSES } from './event.js';
import { LIMITS, type WireEvent } from './schema.js';
import { isNameText, isWellFormed } from './text.js';
import { parseTime, TIME_END_MS, TIME_MIN_MS } from './time.js';

/** Whether wireSchema accepts the value. */
export function isWireEvent(value: unknown): value is WireEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const wire = value as Readonly<Record<keyof WireEvent, unknown>>;
  return hasRequired(wire) && hasPlace(wire) && hasQuantities(wire) && hasContext(wire) && hasAuthority(wire);
}

type Unchecked = Readonly<Record<keyof WireEvent, unknown>>;

function hasRequired(wire: Unchecked): boolean {
  return (
    isRequiredName(wire.id) &&
    isTime(wire.time) &&
    isRequiredName(wire.agent) &&
    wire.agent !== FLEET &&
    (OPERATIONS as readonly unknown[]).includes(wire.operation) &&
    isRequiredName(wire.endpoint)
  );
}

function hasPlace(wire: Unchecked): boolean {
  return (
    isName(wire.tenant) &&
    isName(wire.parent) &&
    wire.parent !== FLEET &&
    isName(wire.session) &&
    isText(wire.target, LIMITS.target)
  );
}

function hasQuantities(wire: Unchecked): boolean {
  return (
    isStatus(wire.status) &&
    isText(wire.error_type, LIMITS.name) &&
    isQuantity(wire.latency_ms, LIMITS.latencyMs) &&
    isQuantity(wire.input_tokens, LIMITS.tokens) &&
    isQuantity(wire.output_tokens, LIMITS.tokens) &&
    isQuantity(wire.cost_usd, LIMITS.costUsd) &&
    isQuantity(wire.bytes_out, LIMITS.bytes)
  );
}

function hasContext(wire: Unchecked): boolean {
  return (
    isText(wire.model, LIMITS.name) &&
    isText(wire.version, LIMITS.name) &&
    isText(wire.credential, LIMITS.name) &&
    isText(wire.source, LIMITS.name) &&
    isText(wire.environment, LIMITS.name) &&
    isText(wire.scope, LIMITS.scope) &&
    isText(wire.task, LIMITS.task)
  );
}

function hasAuthority(wire: Unchecked): boolean {
  return (
    isText(wire.initiator, LIMITS.name) &&
    isPrincipals(wire.on_behalf_of) &&
    isText(wire.approval, LIMITS.name) &&
    isText(wire.data_class, LIMITS.name) &&
    isText(wire.trace, LIMITS.name) &&
    isText(wire.signature, LIMITS.signature)
  );
}

function isRequiredName(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= LIMITS.name && isNameText(value);
}

function isName(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'string' && value.length <= LIMITS.name && isNameText(value);
}

function isText(value: unknown, max: number): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'string' && value.length <= max && isWellFormed(value);
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const timeMs = parseTime(value);
  return timeMs >= TIME_MIN_MS && timeMs < TIME_END_MS;
}

function isStatus(value: unknown): boolean {
  return value === undefined || value === null || (STATUSES as readonly unknown[]).includes(value);
}

function isQuantity(value: unknown, max: number): boolean {
  // NaN fails both comparisons, infinity the second.
  return value === undefined || value === null || (typeof value === 'number' && value >= 0 && value <= max);
}

function isPrincipals(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (!Array.isArray(value) || value.length > LIMITS.onBehalfOf) return false;
  for (const principal of value) {
    if (typeof principal !== 'string' || principal === '' || !isText(principal, LIMITS.name)) return false;
  }
  return true;
}
