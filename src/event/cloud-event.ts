/**
 * CloudEvents 1.0, structured, batched or binary, around our event: `data` holds the members, the attributes of the
 * envelope fill what it lacks. The rules are those of docs/events.md.
 */
import { rejection } from './decode.js';
import type { Rejection } from './event.js';
import { documentsOf, isRefused, parseJson, textOf } from './json-document.js';
import {
  isEmpty,
  isObject,
  itemOf,
  type JsonObject,
  RECORD_ITEMS_MAX,
  type SourceContext,
  type SourceItem,
  type SourceRecord,
} from './source-item.js';
import { printable } from './text.js';
import { toUtc } from './time.js';

/** Content type of one event in structured mode. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json';
/** Content type of a batch of them. */
export const CLOUD_EVENTS_TYPE = 'application/cloudevents-batch+json';

const SPEC_VERSION = '1.0';
const REQUIRED = ['id', 'source', 'type'] as const;
/** In lower case; a Kafka header has an underscore, an HTTP header a hyphen. */
const HEADER = /^ce([_-])(.+)$/;
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/;
/** application/json and anything that is written as JSON, with or without parameters. */
const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i;

/** The events of a record; positions count the events of a batch, or of a record with one a line, from 0. */
export function* cloudEventItems(
  value: Uint8Array,
  { headers, contentType }: SourceRecord,
  context: SourceContext,
): Generator<SourceItem> {
  const lower = lowerCase(headers);
  const type = contentType ?? lower['content-type'] ?? '';
  const media = type.split(';', 1)[0].trim().toLowerCase();
  if (media.startsWith('application/cloudevents')) {
    if (media === CLOUD_EVENT_TYPE || media === CLOUD_EVENTS_TYPE) yield* structuredItems(value, context);
    else yield rejection('source.undecodable', `content type ${printable(media)} is not CloudEvents as JSON`, 0);
    return;
  }
  const attributes = attributesOf(lower, type);
  if (attributes === null) yield* structuredItems(value, context);
  else yield binaryItem(attributes, value, context);
}

/** One event, an array of them, or one a line; the content type adds nothing to what the JSON says itself. */
function* structuredItems(value: Uint8Array, context: SourceContext): Generator<SourceItem> {
  let position = 0;
  for (const document of documentsOf(value)) {
    if (isRefused(document)) {
      yield { ...document, position: position++ };
      continue;
    }
    const events = Array.isArray(document.value) ? (document.value as unknown[]) : [document.value];
    if (events.length > RECORD_ITEMS_MAX) {
      yield rejection('source.undecodable', `batch has more than ${RECORD_ITEMS_MAX} events`, position++);
      continue;
    }
    for (const event of events) yield structuredItem(event, position++, context);
  }
}

function structuredItem(value: unknown, position: number, context: SourceContext): SourceItem {
  if (!isObject(value)) {
    return rejection('event.invalid', `CloudEvent must be a JSON object, got ${printable(value)}`, position);
  }
  if (value['data_base64'] === undefined) return fill(value, value['data'], position, context);
  if (value['data'] !== undefined) return invalid('data and data_base64 stand side by side', position);
  const text = textOfBase64(value['data_base64']);
  if (text === null) {
    return invalid(`data_base64 must be UTF-8 in base64, got ${printable(value['data_base64'])}`, position);
  }
  return fill(value, parseJson(text), position, context);
}

function binaryItem(attributes: JsonObject, value: Uint8Array, context: SourceContext): SourceItem {
  const text = textOf(value);
  if (text === null) return rejection('event.bad-utf8', 'data is not UTF-8', 0);
  return fill(attributes, parseJson(text), 0, context);
}

/** The event in `data`, with what it lacks from the envelope. */
function fill(attributes: JsonObject, data: unknown, position: number, context: SourceContext): SourceItem {
  const wrong = envelopeProblem(attributes) ?? dataProblem(attributes['datacontenttype'], data);
  if (wrong !== null) return invalid(wrong, position);
  const { id, time, agent, trace } = data as JsonObject;
  const wire: Record<string, unknown> = { ...(data as JsonObject) };
  if (isEmpty(id)) wire['id'] = attributes['id'];
  if (isEmpty(time)) wire['time'] = timeOf(attributes['time']);
  if (isEmpty(agent)) wire['agent'] = isEmpty(attributes['subject']) ? attributes['source'] : attributes['subject'];
  if (isEmpty(trace)) wire['trace'] = TRACE_PARENT.exec(String(attributes['traceparent']))?.[1];
  return itemOf(wire, position, context);
}

function envelopeProblem(attributes: JsonObject): string | null {
  const version = attributes['specversion'];
  if (version !== SPEC_VERSION) {
    return version === undefined ? 'specversion is missing' : `specversion must be "1.0", got ${printable(version)}`;
  }
  for (const name of REQUIRED) {
    const value = attributes[name];
    if (value === undefined) return `CloudEvents attribute ${name} is missing`;
    if (typeof value !== 'string' || value === '') {
      return `CloudEvents attribute ${name} must be text and not empty, got ${printable(value)}`;
    }
  }
  return null;
}

function dataProblem(type: unknown, data: unknown): string | null {
  if (!isEmpty(type) && !(typeof type === 'string' && JSON_TYPE.test(type))) {
    return `datacontenttype must be JSON, got ${printable(type)}`;
  }
  return isObject(data) ? null : `data must be a JSON object, got ${data === undefined ? 'none' : printable(data)}`;
}

/** A time of RFC 3339 in UTC; what is none goes on as it is, for the schema to refuse by name. */
function timeOf(time: unknown): unknown {
  return typeof time === 'string' ? (toUtc(time) ?? time) : time;
}

/** null where no header is one of CloudEvents. */
function attributesOf(headers: Readonly<Record<string, string>>, contentType: string): JsonObject | null {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    const [, sign, attribute] = HEADER.exec(name) ?? [];
    // Of HTTP headers alone the values are percent-encoded.
    if (attribute !== undefined) attributes[attribute] = sign === '-' ? percentDecoded(value) : value;
  }
  if (Object.keys(attributes).length === 0) return null;
  if (contentType !== '') attributes['datacontenttype'] = contentType;
  return attributes;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function textOfBase64(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  try {
    return textOf(Uint8Array.from(atob(value), (sign) => sign.charCodeAt(0)));
  } catch {
    return null;
  }
}

function invalid(reason: string, position: number): Rejection {
  return rejection('event.invalid', reason, position);
}
