/**
 * From a line to a checked and priced event. Never throws: what cannot be an event is a Rejection that names the
 * member and the value. Words do not depend on the Node version, because rejections are recorded and replayed.
 */
import type { ErrorCode } from '../errors.js';
import { isWireEvent } from './check.js';
import type { AgentEvent, Decoded, Rejection } from './event.js';
import { type PriceTable, price } from './prices.js';
import { LIMITS, type WireEvent, wireSchema } from './schema.js';
import { printable, printableText } from './text.js';
import { parseTime } from './time.js';

/** Longest reason, in characters. */
const REASON_MAX = 300;

/**
 * Decodes one line of JSON. Lines longer than LIMITS.lineBytes are refused unread; an empty line is refused as bad
 * JSON, so a caller that allows blank lines skips them. Of repeated members the last counts, as JSON.parse has it.
 *
 * @param position zero-based line number in its source, for the rejection
 */
export function decodeLine(line: string, position: number, prices: PriceTable): Decoded {
  if (line.length > LIMITS.lineBytes) {
    return rejection(
      'event.too-long',
      `line is longer than ${LIMITS.lineBytes} bytes: ${printableText(line)}`,
      position,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return rejection('event.bad-json', `line is not JSON: ${printableText(line)}`, position);
  }
  return decodeValue(value, position, prices);
}

/** Decodes a value that was parsed already, as a member of a batch. The event may share arrays with the value. */
export function decodeValue(value: unknown, position: number, prices: PriceTable): Decoded {
  if (isWireEvent(value)) return toEvent(value, prices);
  const verdict = wireSchema.safeParse(value);
  if (verdict.success) return toEvent(verdict.data, prices);
  return rejection('event.invalid', reasonOf(verdict.error.issues[0], value), position);
}

/** A rejection of one line; the reason is cut to 300 characters. */
export function rejection(code: ErrorCode, reason: string, position: number): Rejection {
  return { rejected: true, code, reason: reason.slice(0, REASON_MAX), position };
}

function reasonOf(issue: { path: PropertyKey[]; message: string }, value: unknown): string {
  if (issue.path.length === 0) return `event must be a JSON object, got ${printable(value)}`;
  let refused = value;
  let member = '';
  for (const key of issue.path) {
    refused = (refused as Record<PropertyKey, unknown>)[key];
    member += typeof key === 'number' ? `[${key}]` : String(key);
  }
  if (refused === undefined) return `${member} is missing`;
  return `${member} ${issue.message}, got ${printable(refused)}`;
}

/** Every event has the same members in the same order, so that the code behind it stays monomorphic. */
function toEvent(wire: WireEvent, prices: PriceTable): AgentEvent {
  const timeMs = parseTime(wire.time);
  return {
    id: wire.id,
    timeMs,
    agent: wire.agent,
    operation: wire.operation,
    endpoint: wire.endpoint,
    tenant: wire.tenant ?? '',
    // An empty text says nothing and a minus zero is a zero: one way to say each, so that nothing behind tells them apart.
    parent: wire.parent || null,
    session: wire.session || null,
    target: wire.target || null,
    status: wire.status ?? null,
    errorType: wire.error_type || null,
    latencyMs: quantity(wire.latency_ms),
    inputTokens: quantity(wire.input_tokens),
    outputTokens: quantity(wire.output_tokens),
    costUsd: quantity(wire.cost_usd) ?? priceOf(wire, timeMs, prices),
    bytesOut: quantity(wire.bytes_out),
    model: wire.model || null,
    version: wire.version || null,
    credential: wire.credential || null,
    source: wire.source || null,
    environment: wire.environment || null,
    scope: wire.scope || null,
    task: wire.task || null,
    initiator: wire.initiator || null,
    onBehalfOf: wire.on_behalf_of?.length ? wire.on_behalf_of : null,
    approval: wire.approval || null,
    dataClass: wire.data_class || null,
    trace: wire.trace || null,
    signature: wire.signature || null,
  };
}

function quantity(value: number | null | undefined): number | null {
  return value === undefined || value === null ? null : value + 0;
}

/** Only calls of a model have a list price; without its input tokens any sum would be invented. */
function priceOf(wire: WireEvent, timeMs: number, prices: PriceTable): number | null {
  if (wire.operation !== 'chat' && wire.operation !== 'embeddings') return null;
  if (wire.input_tokens === undefined || wire.input_tokens === null) return null;
  return price(prices, wire.model || wire.endpoint, timeMs, wire.input_tokens, wire.output_tokens ?? 0);
}
