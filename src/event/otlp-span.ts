/**
 * A span as both encodings of OTLP give it, with the attributes that an event is made of and no others: prompts and
 * answers are never read, let alone kept.
 */

import { rejection } from './decode.js';
import type { Rejection } from './event.js';

/** The value of an attribute; null where the sender gave an empty one. Bytes are base64 text. */
export type AttributeValue = string | number | boolean | null | readonly AttributeValue[] | AttributeMap;

/** A value of kind kvlist. */
export interface AttributeMap {
  readonly [key: string]: AttributeValue;
}

/** Attributes by name; of a repeated one the last counts. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** One span; ids in lower-case hex, times in ns since the epoch, 0 where not said. */
export interface Span {
  /** 32 digits, not all zero. */
  readonly traceId: string;
  /** 16 digits, not all zero. */
  readonly spanId: string;
  /** 16 digits; '' for a root. */
  readonly parentId: string;
  readonly name: string;
  /** SpanKind by number; 0 where not said. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Status code: 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly attributes: Attributes;
  /** Of the resource that the span belongs to. */
  readonly resource: Attributes;
}

/** Why something cannot be read: the member and the value. */
export interface Unreadable {
  readonly problem: string;
}

/** A span, why it cannot be read, or why a whole request cannot. */
export type ReadSpan = Span | Unreadable | Rejection;

/** A request that is refused as a whole. */
export function undecodable(problem: string): Rejection {
  return rejection('source.undecodable', `not an ExportTraceServiceRequest: ${problem}`, 0);
}

/** SpanKind of the side that is called: an incoming request. */
export const KIND_SERVER = 2;
/** SpanKind of the side that receives a message. */
export const KIND_CONSUMER = 5;
/** Status code of a failed span. */
export const STATUS_ERROR = 2;

/** Deepest nesting of an attribute's value that is read. */
export const VALUE_DEPTH_MAX = 8;

/** Members of our own that have no attribute among the conventions, as `killdeer.NAME`. */
export const OWN_TEXTS = [
  'tenant',
  'parent',
  'target',
  'credential',
  'scope',
  'task',
  'initiator',
  'approval',
  'data_class',
] as const;
/** The same for numbers. */
export const OWN_NUMBERS = ['cost_usd', 'bytes_out'] as const;
/** Prefix of our own attributes. */
export const OWN = 'killdeer.';

const WANTED: ReadonlySet<string> = new Set([
  ...['gen_ai.operation.name', 'gen_ai.agent.id', 'gen_ai.agent.name', 'gen_ai.agent.version'],
  ...['gen_ai.conversation.id', 'gen_ai.provider.name', 'gen_ai.system', 'gen_ai.request.model'],
  ...['gen_ai.response.model', 'gen_ai.tool.name', 'gen_ai.data_source.id', 'gen_ai.workflow.name'],
  ...['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'],
  ...['gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens'],
  ...['mcp.method.name', 'mcp.session.id', 'mcp.resource.uri'],
  ...['error.type', 'server.address', 'net.peer.name', 'client.address', 'service.name', 'user.id', 'enduser.id'],
  ...['deployment.environment.name', 'deployment.environment'],
  ...['http.request.method', 'http.method', 'http.response.status_code', 'http.status_code', 'url.full', 'http.url'],
  ...[...OWN_TEXTS, ...OWN_NUMBERS].map((name) => OWN + name),
]);

/** Whether an attribute of this name is made use of; the values of others are not read. */
export function isWanted(key: string): boolean {
  return WANTED.has(key);
}

/** A whole number of 64 bits, given in decimal: a number where it is exact, else its digits. */
export function integerOf(decimal: string): number | string {
  const value = Number(decimal);
  return Number.isSafeInteger(value) ? value : decimal;
}
