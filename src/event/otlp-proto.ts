/**
 * OTLP in protobuf: the messages of the trace service, as far as an event is made of them, read straight from the wire
 * by their field numbers (opentelemetry/proto/trace/v1, common/v1, collector/trace/v1), and its answers written. No
 * generated code: what is not wanted is skipped without being built.
 */
import protobuf from 'protobufjs/minimal.js';
import {
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
import { RECORD_ITEMS_MAX } from './source-item.js';

type Reader = protobuf.Reader;

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** What the reader ends with inside; readProtoSpans makes a value of it. */
class Damage extends Error {}

/** The spans of one ExportTraceServiceRequest; what is not one is a single rejection. */
export function readProtoSpans(value: Uint8Array): ReadSpan[] {
  const spans: ReadSpan[] = [];
  let groups = 0;
  try {
    eachField(protobuf.Reader.create(value), value.byteLength, (field, reader, wire) => {
      if (field !== 1) return false;
      groups++;
      readGroup(reader, enter(reader, wire), spans);
      return true;
    });
  } catch (error) {
    // The reader of the package throws at a damaged byte; whatever it throws is about the bytes.
    return [undecodable(error instanceof Error ? error.message : 'damaged')];
  }
  // Almost any short text reads as unknown fields: without the one field there is, it was something else.
  return groups === 0 && value.byteLength > 0 ? [undecodable('resource_spans is missing')] : spans;
}

/** Whether the field was read; false: it is skipped. */
type TakeField = (field: number, reader: Reader, wire: number) => boolean;

function eachField(reader: Reader, end: number, take: TakeField): void {
  while (reader.pos < end) {
    const tag = reader.tag();
    if (!take(tag >>> 3, reader, tag & 7)) reader.skipType(tag & 7, 0, tag >>> 3);
  }
  if (reader.pos !== end) throw new Damage('a field ends outside of its message');
}

/** Where the message that begins here ends. */
function enter(reader: Reader, wire: number): number {
  expectWire(wire, BYTES);
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Damage('a message is longer than what is left');
  return end;
}

function expectWire(wire: number, wanted: number): void {
  if (wire !== wanted) throw new Damage(`a field has wire type ${wire} and not ${wanted}`);
}

/** ResourceSpans. The resource may stand behind its spans, so they share a map that is filled when it is met. */
function readGroup(reader: Reader, end: number, spans: ReadSpan[]): void {
  const resource = new Map<string, AttributeValue>();
  eachField(reader, end, (field, _, wire) => {
    if (field === 1) readResource(reader, enter(reader, wire), resource);
    else if (field === 2) readScope(reader, enter(reader, wire), spans, resource);
    else return false;
    return true;
  });
}

function readResource(reader: Reader, end: number, resource: Map<string, AttributeValue>): void {
  eachField(reader, end, (field, _, wire) => {
    if (field !== 1) return false;
    readAttribute(reader, enter(reader, wire), resource);
    return true;
  });
}

function readScope(reader: Reader, end: number, spans: ReadSpan[], resource: Attributes): void {
  eachField(reader, end, (field, _, wire) => {
    if (field !== 2) return false;
    if (spans.length >= RECORD_ITEMS_MAX) throw new Damage(`more than ${RECORD_ITEMS_MAX} spans`);
    spans.push(readSpan(reader, enter(reader, wire), resource));
    return true;
  });
}

function readSpan(reader: Reader, end: number, resource: Attributes): Span | Unreadable {
  let [traceId, spanId, parentId, name] = ['', '', '', ''];
  let [kind, status] = [0, 0];
  let [startNs, endNs] = [0n, 0n];
  const attributes = new Map<string, AttributeValue>();
  eachField(reader, end, (field, _, wire) => {
    if (field === 1) traceId = readHex(reader, wire);
    else if (field === 2) spanId = readHex(reader, wire);
    else if (field === 4) parentId = readHex(reader, wire);
    else if (field === 5) name = readText(reader, wire);
    else if (field === 6) kind = readNumber(reader, wire);
    else if (field === 7) startNs = readNs(reader, wire);
    else if (field === 8) endNs = readNs(reader, wire);
    else if (field === 9) readAttribute(reader, enter(reader, wire), attributes);
    else if (field === 15) status = readStatus(reader, enter(reader, wire));
    else return false;
    return true;
  });
  const problem = idProblem(traceId, spanId, parentId);
  if (problem !== null) return { problem };
  if (/^0*$/.test(parentId)) parentId = '';
  return { traceId, spanId, parentId, name, kind, startNs, endNs, status, attributes, resource };
}

function idProblem(traceId: string, spanId: string, parentId: string): string | null {
  if (traceId.length !== 32 || /^0+$/.test(traceId)) return `trace_id must be 16 bytes, not all zero, got "${traceId}"`;
  if (spanId.length !== 16 || /^0+$/.test(spanId)) return `span_id must be 8 bytes, not all zero, got "${spanId}"`;
  return parentId === '' || parentId.length === 16 ? null : `parent_span_id must be 8 bytes, got "${parentId}"`;
}

function readStatus(reader: Reader, end: number): number {
  let code = 0;
  eachField(reader, end, (field, _, wire) => {
    if (field !== 3) return false;
    code = readNumber(reader, wire);
    return true;
  });
  return code;
}

/** KeyValue. The value may stand before its key, so it is read when both are known. */
function readAttribute(reader: Reader, end: number, into: Map<string, AttributeValue>): void {
  let key = '';
  let start = -1;
  eachField(reader, end, (field, _, wire) => {
    if (field === 1) key = readKey(reader, wire);
    else if (field === 2) {
      start = reader.pos;
      reader.pos = enter(reader, wire);
    } else return false;
    return true;
  });
  if (!isWanted(key)) return;
  into.set(key, start < 0 ? null : readValueAt(reader, start, 0));
  reader.pos = end;
}

function readValueAt(reader: Reader, start: number, depth: number): AttributeValue {
  reader.pos = start;
  return readValue(reader, enter(reader, BYTES), depth);
}

/** AnyValue. */
function readValue(reader: Reader, end: number, depth: number): AttributeValue {
  if (depth > VALUE_DEPTH_MAX) throw new Damage(`an attribute is nested deeper than ${VALUE_DEPTH_MAX}`);
  let value: AttributeValue = null;
  eachField(reader, end, (field, _, wire) => {
    if (field === 1) value = readText(reader, wire);
    else if (field === 2) value = readNumber(reader, wire) !== 0;
    else if (field === 3) value = readInteger(reader, wire);
    else if (field === 4) value = readDouble(reader, wire);
    else if (field === 5) value = readArray(reader, enter(reader, wire), depth + 1);
    else if (field === 6) value = readMap(reader, enter(reader, wire), depth + 1);
    else if (field === 7) value = readBase64(reader, wire);
    else return false;
    return true;
  });
  return value;
}

function readArray(reader: Reader, end: number, depth: number): AttributeValue {
  const values: AttributeValue[] = [];
  eachField(reader, end, (field, _, wire) => {
    if (field !== 1) return false;
    values.push(readValue(reader, enter(reader, wire), depth));
    return true;
  });
  return values;
}

function readMap(reader: Reader, end: number, depth: number): AttributeValue {
  const values: [string, AttributeValue][] = [];
  eachField(reader, end, (field, _, wire) => {
    if (field !== 1) return false;
    values.push(readEntry(reader, enter(reader, wire), depth));
    return true;
  });
  return Object.fromEntries(values);
}

function readEntry(reader: Reader, end: number, depth: number): [string, AttributeValue] {
  const entry: [string, AttributeValue] = ['', null];
  eachField(reader, end, (field, _, wire) => {
    if (field === 1) entry[0] = readText(reader, wire);
    else if (field === 2) entry[1] = readValue(reader, enter(reader, wire), depth);
    else return false;
    return true;
  });
  return entry;
}

/** Strict: bytes that are no UTF-8 are refused rather than mended, because a mended name would be another agent. */
function readText(reader: Reader, wire: number): string {
  expectWire(wire, BYTES);
  return reader.stringVerify();
}

/** Not strict, and so faster: a mended key is none of those that are wanted. */
function readKey(reader: Reader, wire: number): string {
  expectWire(wire, BYTES);
  return reader.string();
}

function readHex(reader: Reader, wire: number): string {
  expectWire(wire, BYTES);
  const bytes = reader.bytes();
  // Longer ones are wrong whatever they are, and must not be written out.
  let hex = '';
  for (let i = 0; i < Math.min(bytes.length, 20); i++) hex += HEX[bytes[i]];
  return hex;
}

function readBase64(reader: Reader, wire: number): string {
  expectWire(wire, BYTES);
  let units = '';
  for (const byte of reader.bytes()) units += String.fromCharCode(byte);
  return btoa(units);
}

function readNumber(reader: Reader, wire: number): number {
  expectWire(wire, VARINT);
  return reader.int32();
}

function readInteger(reader: Reader, wire: number): number | string {
  expectWire(wire, VARINT);
  return integerOf(reader.int64().toString());
}

function readDouble(reader: Reader, wire: number): number {
  expectWire(wire, FIXED64);
  return reader.double();
}

/** Of a fixed64, low half first. */
function readNs(reader: Reader, wire: number): bigint {
  expectWire(wire, FIXED64);
  const low = reader.fixed32();
  return (BigInt(reader.fixed32()) << 32n) | BigInt(low);
}

/** ExportTraceServiceResponse: empty where all was taken, else how many spans were refused and the reason. */
export function writeProtoAnswer(rejectedSpans: number, message: string): Uint8Array {
  const writer = protobuf.Writer.create();
  if (rejectedSpans > 0) {
    writer.uint32(tagOf(1, BYTES)).fork();
    writer.uint32(tagOf(1, VARINT)).int64(rejectedSpans);
    writer.uint32(tagOf(2, BYTES)).string(message).ldelim();
  }
  return writer.finish();
}

/** google.rpc.Status. */
export function writeProtoStatus(code: number, message: string): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tagOf(1, VARINT)).int32(code);
  return writer.uint32(tagOf(2, BYTES)).string(message).finish();
}

function tagOf(field: number, wire: number): number {
  return (field << 3) | wire;
}
