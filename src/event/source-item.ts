/**
 * What a record of a source is and what becomes of it, whatever its format: events in our wire form, rejections with a
 * reason, and what is passed over because it is no step of an agent. Nothing here throws for bad input.
 */
import { decodeValue, rejection } from './decode.js';
import { type AgentEvent, isRejection, type Rejection } from './event.js';
import type { PriceTable } from './prices.js';
import { LIMITS } from './schema.js';
import type { SpanMemory } from './span-memory.js';

/** Most bytes of one record; a longer one is refused unread. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;
/** Most events, spans or entries in one record; a record with more is refused as a whole. */
export const RECORD_ITEMS_MAX = 20_000;

/** One record of a topic, or the body of one call. */
export interface SourceRecord {
  /** null: a record without a value. */
  readonly value: Uint8Array | null;
  /** Of the record or the call; names in any case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Wins over the header `content-type`. */
  readonly contentType?: string;
}

/** What a decoder knows beside the record. */
export interface SourceContext {
  /** Of events that name none; '' leaves them nameless. */
  readonly tenant: string;
  readonly prices: PriceTable;
  /** Spans of earlier records of the same sender; left out: only those of the record at hand are known. */
  readonly spans?: SpanMemory;
}

/** One event of a record. */
export interface SourceEvent {
  /** One line of JSON in our wire form: what stands in the log. */
  readonly line: string;
  readonly event: AgentEvent;
  /** Zero-based place within the record, rejections and skips counted. */
  readonly position: number;
}

/** What is well-formed and no step of an agent; counted, never refused. */
export interface SourceSkip {
  readonly skipped: true;
  readonly reason: string;
  readonly position: number;
}

/** One item of a record; a rejection's position is its place within the record. */
export type SourceItem = SourceEvent | SourceSkip | Rejection;

/** A JSON object, read member by member. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Tells a skip from the other items. */
export function isSkip(item: SourceItem): item is SourceSkip {
  return 'skipped' in item;
}

/** Tells an event from the other items. */
export function isSourceEvent(item: SourceItem): item is SourceEvent {
  return 'line' in item;
}

/** A skip; the reason is cut to 300 characters. */
export function skip(reason: string, position: number): SourceSkip {
  return { skipped: true, reason: reason.slice(0, 300), position };
}

/**
 * Checks a value in our wire form and makes its line.
 *
 * @param what names the item before the reason of a rejection, as 'span 5b8efff798038103'; '' for none
 */
export function itemOf(wire: JsonObject, position: number, context: SourceContext, what = ''): SourceItem {
  const named = isEmpty(wire['tenant']) && context.tenant !== '' ? { ...wire, tenant: context.tenant } : wire;
  const decoded = decodeValue(named, position, context.prices);
  if (isRejection(decoded)) {
    return what === '' ? decoded : rejection('event.invalid', `${what}: ${decoded.reason}`, position);
  }
  const line = lineOf(named);
  if (line === null) return rejection('event.too-long', `${what || 'event'}: its JSON is too long or deep`, position);
  return { line, event: decoded, position };
}

/** null where the line would be over the limit, or the value is nested deeper than a stack. */
function lineOf(value: JsonObject): string | null {
  try {
    const line = JSON.stringify(value);
    return line.length > LIMITS.lineBytes ? null : line;
  } catch {
    return null;
  }
}

/** Whether a member says nothing: absent, null or ''. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Whether the value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first of the values that is a text and not ''. */
export function firstText(...values: readonly unknown[]): string | undefined {
  for (const value of values) {
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** The beginning of a text, at most `max` UTF-16 units long, no surrogate pair cut in two. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const isHalf = (text.charCodeAt(max - 1) & 0xfc00) === 0xd800;
  return text.slice(0, isHalf ? max - 1 : max);
}
