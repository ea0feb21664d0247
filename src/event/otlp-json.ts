/**
 * OTLP in JSON: ExportTraceServiceRequest with ids in hex, 64-bit numbers as text, enums as numbers, members in
 * lowerCamelCase. Unknown members are passed over, as the protocol asks.
 */
import { documentsOf, isRefused } from './json-document.js';
import {
  type AttributeMap,
  type Attributes,
  type AttributeValue,
  integerOf,
  isWanted,
  type ReadSpan,
  type Span,
  type Unreadable,
  undecodable,
  VALUE_DEPTH_MAX,
} from './otlp-span.js';
import { isObject, type JsonObject, RECORD_ITEMS_MAX } from './source-item.js';
import { printable } from './text.js';

const DIGITS = /^\d{1,20}$/;
const INTEGER = /^-?\d{1,20}$/;
const SPECIAL_DOUBLES: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];
const NOTHING: JsonObject = {};

/** The spans of a record: of one request, or of one a line. */
export function readJsonSpans(value: Uint8Array): ReadSpan[] {
  const spans: ReadSpan[] = [];
  for (const document of documentsOf(value)) {
    if (isRefused(document)) spans.push(document);
    else spans.push(...readRequest(document.value));
    if (spans.length > RECORD_ITEMS_MAX) return [undecodable(`more than ${RECORD_ITEMS_MAX} spans`)];
  }
  return spans;
}

function readRequest(request: unknown): ReadSpan[] {
  if (!isObject(request)) return [undecodable(`must be a JSON object, got ${printable(request)}`)];
  if (!('resourceSpans' in request) && Object.keys(request).length > 0)
    return [undecodable('resourceSpans is missing')];
  const spans: ReadSpan[] = [];
  const problem = readGroups(request, spans);
  return problem === null ? spans : [undecodable(problem)];
}

/** Adds to `spans` up to one over the limit; the problem is one of the request's frame. */
function readGroups(request: JsonObject, spans: ReadSpan[]): string | null {
  const groups = listOf(request, 'resourceSpans', '');
  if ('problem' in groups) return groups.problem;
  for (const [i, group] of groups.entries()) {
    const at = `resourceSpans[${i}]`;
    if (!isObject(group)) return `${at} must be an object, got ${printable(group)}`;
    const resource = readAttributes(isObject(group['resource']) ? group['resource'] : NOTHING);
    if ('problem' in resource) return `${at}.resource.${resource.problem}`;
    const scopes = listOf(group, 'scopeSpans', `${at}.`);
    if ('problem' in scopes) return scopes.problem;
    for (const [k, scope] of scopes.entries()) {
      const inside = `${at}.scopeSpans[${k}]`;
      if (!isObject(scope)) return `${inside} must be an object, got ${printable(scope)}`;
      const list = listOf(scope, 'spans', `${inside}.`);
      if ('problem' in list) return list.problem;
      for (const span of list) {
        if (spans.push(readSpan(span, resource)) > RECORD_ITEMS_MAX) return null;
      }
    }
  }
  return null;
}

/** Absent and null are an empty list, as in all of protobuf's JSON. */
function listOf(parent: JsonObject, member: string, at: string): readonly unknown[] | Unreadable {
  const list = parent[member] ?? [];
  return Array.isArray(list) ? list : { problem: `${at}${member} must be an array, got ${printable(list)}` };
}

function readSpan(value: unknown, resource: Attributes): Span | Unreadable {
  if (!isObject(value)) return { problem: `must be an object, got ${printable(value)}` };
  const ids = readIds(value);
  if ('problem' in ids) return ids;
  const { name = '', kind = 0 } = value;
  if (typeof name !== 'string') return { problem: `name must be text, got ${printable(name)}` };
  if (typeof kind !== 'number') return { problem: `kind must be a number, got ${printable(kind)}` };
  const startNs = readNs(value, 'startTimeUnixNano');
  if (typeof startNs !== 'bigint') return startNs;
  const endNs = readNs(value, 'endTimeUnixNano');
  if (typeof endNs !== 'bigint') return endNs;
  const status = isObject(value['status']) ? (value['status']['code'] ?? 0) : 0;
  if (typeof status !== 'number') return { problem: `status.code must be a number, got ${printable(status)}` };
  const attributes = readAttributes(value);
  if ('problem' in attributes) return attributes;
  return { ...ids, name, kind, startNs, endNs, status, attributes, resource };
}

function readIds(span: JsonObject): Pick<Span, 'traceId' | 'spanId' | 'parentId'> | Unreadable {
  const traceId = readId(span['traceId'], 32);
  if (traceId === null) return { problem: `traceId must be 32 hex digits, got ${printable(span['traceId'])}` };
  const spanId = readId(span['spanId'], 16);
  if (spanId === null) return { problem: `spanId must be 16 hex digits, got ${printable(span['spanId'])}` };
  const parent = span['parentSpanId'];
  if (parent === undefined || parent === null || parent === '') return { traceId, spanId, parentId: '' };
  // All zero is how some say that there is none.
  if (parent === '0000000000000000') return { traceId, spanId, parentId: '' };
  const parentId = readId(parent, 16);
  if (parentId === null) return { problem: `parentSpanId must be 16 hex digits, got ${printable(parent)}` };
  return { traceId, spanId, parentId };
}

function readId(value: unknown, digits: number): string | null {
  if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-fA-F]+$/.test(value)) return null;
  return /^0+$/.test(value) ? null : value.toLowerCase();
}

function readNs(span: JsonObject, member: string): bigint | Unreadable {
  const value = span[member] ?? '0';
  if (typeof value === 'string' && DIGITS.test(value)) return BigInt(value);
  // A sender that gives it as a number has lost the last digits, not the millisecond.
  if (typeof value === 'number' && value >= 0 && value < 2e19) return BigInt(Math.trunc(value));
  return { problem: `${member} must be ns since the epoch, got ${printable(value)}` };
}

function readAttributes(parent: JsonObject): Attributes | Unreadable {
  const list = listOf(parent, 'attributes', '');
  if ('problem' in list) return list;
  const attributes = new Map<string, AttributeValue>();
  for (const entry of list) {
    const key = isObject(entry) ? entry['key'] : undefined;
    if (typeof key !== 'string') return { problem: `attributes must have a key each, got ${printable(entry)}` };
    if (!isWanted(key)) continue;
    const value = readValue((entry as JsonObject)['value'], 0);
    if (value === undefined) return { problem: `attributes: ${key} has no value of OTLP` };
    attributes.set(key, value);
  }
  return attributes;
}

/** An AnyValue; undefined where it is none, or nested too deeply. */
function readValue(value: unknown, depth: number): AttributeValue | undefined {
  if (value === undefined || value === null) return null;
  if (!isObject(value) || depth > VALUE_DEPTH_MAX) return undefined;
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = value;
  if (stringValue !== undefined) return typeof stringValue === 'string' ? stringValue : undefined;
  if (boolValue !== undefined) return typeof boolValue === 'boolean' ? boolValue : undefined;
  if (intValue !== undefined) return readInteger(intValue);
  if (doubleValue !== undefined) return readDouble(doubleValue);
  if (bytesValue !== undefined) return typeof bytesValue === 'string' ? bytesValue : undefined;
  if (arrayValue !== undefined) return readArray(arrayValue, depth);
  return kvlistValue === undefined ? null : readMap(kvlistValue, depth);
}

function readInteger(value: unknown): AttributeValue | undefined {
  if (typeof value === 'string') return INTEGER.test(value) ? integerOf(value) : undefined;
  return Number.isInteger(value) ? (value as number) : undefined;
}

function readDouble(value: unknown): AttributeValue | undefined {
  if (SPECIAL_DOUBLES.includes(value)) return Number(value);
  return typeof value === 'number' ? value : undefined;
}

function readArray(array: unknown, depth: number): AttributeValue | undefined {
  const values = isObject(array) ? (array['values'] ?? []) : undefined;
  if (!Array.isArray(values)) return undefined;
  const read: AttributeValue[] = [];
  for (const one of values) {
    const value = readValue(one, depth + 1);
    if (value === undefined) return undefined;
    read.push(value);
  }
  return read;
}

function readMap(map: unknown, depth: number): AttributeMap | undefined {
  const values = isObject(map) ? (map['values'] ?? []) : undefined;
  if (!Array.isArray(values)) return undefined;
  const read: [string, AttributeValue][] = [];
  for (const one of values) {
    if (!isObject(one) || typeof one['key'] !== 'string') return undefined;
    const value = readValue(one['value'], depth + 1);
    if (value === undefined) return undefined;
    read.push([one['key'], value]);
  }
  return Object.fromEntries(read);
}
